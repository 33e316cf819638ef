"""Which addresses models and receivers of webhooks may have.

Managers name them and the server sends requests there, so that without a rule a manager could
reach what only the server can: other services on the machine and in its network. Addresses of
private networks must be listed by whoever runs the server (`TANDEM_CHAT_PRIVATE_HOSTS`,
`TANDEM_WEBHOOK_PRIVATE_HOSTS`). A name is resolved once and the request goes to the address that
was checked, so that no second answer of the name server can lead elsewhere.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from annotate.chat.failures import ModelFailure
from annotate.inputs import InvalidValue, clean_text
from annotate.wording import Told

PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What Python counts as public, in some versions at least: translation inside a network (RFC 8215),
# embedded IPv4 addresses of old, and a block for protocols where clouds put their metadata.
INSIDE = tuple(map(ipaddress.ip_network, ("64:ff9b:1::/48", "::/96", "192.0.0.0/24")))


@dataclass(frozen=True)
class Address:
    """Where a connection goes: `ip` and `port`, under the name `host` (TLS, Host header). The
    path may end with a query.
    """

    scheme: str
    host: str
    ip: str
    port: int
    path: str

    @property
    def url(self) -> str:
        ip = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{self.scheme}://{ip}:{self.port}{self.path}"

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


CHAT = "TANDEM_CHAT_PRIVATE_HOSTS"


def clean_base_url(field: str, value: object, *, private_hosts: Collection[str]) -> str:
    """The URL without a slash at its end. Raises InvalidValue. Resolves no name."""
    text = clean_text(field, value, max_chars=500, required=True, lines=False).strip().rstrip("/")
    parts = clean_url(field, text, private_hosts=private_hosts, setting=CHAT)
    if parts.query or "?" in text:
        raise InvalidValue(field, "must end with its path, without ? and #")
    if text.endswith("/chat/completions"):
        raise InvalidValue(field, "is the base URL: leave out /chat/completions")
    return text


def clean_url(
    field: str, text: str, *, private_hosts: Collection[str], setting: str
) -> SplitResult:
    """The URL's parts. Raises InvalidValue, which names `setting`, where hosts are listed.
    Resolves no name.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise InvalidValue(field, "is no URL: {error}", error=str(error)) from error
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise InvalidValue(field, "must be a URL such as https://api.example.com/v1")
    if not text.isascii() or any(character <= " " for character in text):
        raise InvalidValue(field, "holds characters that a URL cannot; write them as %XX")
    if parts.username is not None or parts.password is not None:
        raise InvalidValue(field, "must not hold a password; name a key instead")
    if "#" in text:
        raise InvalidValue(field, "must end with its path, without ? and #")
    if any(step in (".", "..") for step in unquote(parts.path).split("/")):
        raise InvalidValue(field, "must not hold . or .. as a step of its path")
    is_private = is_listed(parts, private_hosts)
    if parts.scheme == "http" and not is_private:
        raise InvalidValue(
            field,
            "must begin with https: plain http is for the hosts of {setting}",
            setting=setting,
        )
    if not is_private and _is_forbidden_ip(parts.hostname):
        raise InvalidValue(
            field,
            "must not lie in a private network; whoever runs the server may list it in {setting}",
            setting=setting,
        )
    return parts


def is_listed(parts: SplitResult, private_hosts: Collection[str]) -> bool:
    """Whether the host is listed, with its port or with all ports."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or PORTS[parts.scheme]
    return host in private_hosts or f"{host}:{port}" in private_hosts


async def resolve(url: str, *, private_hosts: Collection[str], setting: str = CHAT) -> Address:
    """The address that a request to the URL goes to. Raises ModelFailure, which names `setting`."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    is_private = is_listed(parts, private_hosts)
    if parts.scheme == "http" and not is_private:
        raise ModelFailure(
            "unreachable",
            Told(
                "{host} needs https, or whoever runs the server may list it in {setting}",
                host=host,
                setting=setting,
            ),
        )
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ModelFailure(
            "unreachable", Told("cannot resolve {host}: {why}", host=host, why=str(error))
        ) from error
    ips = list(dict.fromkeys(str(place[4][0]) for place in found))
    if not is_private and any(_is_forbidden_ip(ip) for ip in ips):
        raise ModelFailure(
            "unreachable",
            Told(
                "{host} lies in a private network; whoever runs the server may list it in "
                "{setting}",
                host=host,
                setting=setting,
            ),
        )
    ips.sort(key=lambda ip: ":" in ip)  # IPv4 first: many servers have no route for IPv6.
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Address(parts.scheme, host, ips[0], port, target)


def _is_forbidden_ip(text: str) -> bool:
    """Whether it is an IP address that the public network does not lead to."""
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        else:
            ip = ip.ipv4_mapped or ip.sixtofour or ip
    return not ip.is_global or ip.is_multicast or any(ip in network for network in INSIDE)
