"""The provider that people may sign in with, which only the server's environment names.

TANDEM_OIDC_ISSUER, TANDEM_OIDC_CLIENT_ID, TANDEM_OIDC_SECRET or TANDEM_OIDC_SECRET_FILE,
TANDEM_OIDC_ID, TANDEM_OIDC_NAME, TANDEM_OIDC_SIGN_UP, TANDEM_OIDC_DOMAINS
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

PREFIX = "TANDEM_OIDC_"
SIGN_UP = ("nobody", "invited", "domains")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Provider:
    """`id` stands in the address that the provider sends people back to; `name` on the buttons.

    `sign_up`: who gets an account that has none: nobody; who was invited; or these and whoever
    has a verified e-mail address of one of `domains`.
    """

    id: str
    name: str
    issuer: str
    client_id: str
    secret: str = field(repr=False)
    sign_up: str = "nobody"
    domains: tuple[str, ...] = ()

    @property
    def configuration_url(self) -> str:
        """Where the provider describes itself (OpenID Connect Discovery 1.0, section 4)."""
        return self.issuer.rstrip("/") + WELL_KNOWN

    def lets_in(self, email: str) -> bool:
        """Whether a verified address gets an account without an invitation."""
        return self.sign_up == "domains" and email.rpartition("@")[2].lower() in self.domains


def read_provider(environment: Mapping[str, str]) -> Provider | None:
    """None where no issuer is named. Raises ValueError, without the secret, for what is wrong."""
    given = {
        name.removeprefix(PREFIX): value.strip()
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip()
    }
    known = {"ISSUER", "CLIENT_ID", "SECRET", "SECRET_FILE", "ID", "NAME", "SIGN_UP", "DOMAINS"}
    if unknown := sorted(set(given) - known):
        raise ValueError(
            f"{PREFIX}{unknown[0]} is no setting; there are: "
            f"{', '.join(PREFIX + one for one in sorted(known))}."
        )
    if "ISSUER" not in given:
        if given:
            raise ValueError(f"{PREFIX}{min(given)} is set without {PREFIX}ISSUER; set that too.")
        return None
    if "CLIENT_ID" not in given:
        raise ValueError(f"{PREFIX}CLIENT_ID must be set, as the provider calls this program.")
    issuer = _issuer(given["ISSUER"])
    sign_up = given.get("SIGN_UP", "nobody")
    if sign_up not in SIGN_UP:
        raise ValueError(f"{PREFIX}SIGN_UP={sign_up!r}: set it to one of {', '.join(SIGN_UP)}.")
    id = given.get("ID", "sso")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", id):
        raise ValueError(f"{PREFIX}ID={id!r}: up to 40 small letters, digits and -, such as sso.")
    name = given.get("NAME", urlsplit(issuer).hostname or issuer)
    if len(name) > 40:
        raise ValueError(f"{PREFIX}NAME={name!r} has {len(name)} characters; at most 40 fit.")
    return Provider(
        id=id,
        name=name,
        issuer=issuer,
        client_id=given["CLIENT_ID"],
        secret=_secret(given),
        sign_up=sign_up,
        domains=_domains(sign_up, given.get("DOMAINS", "")),
    )


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not secure or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(
            f"{PREFIX}ISSUER={text!r}: the provider's https:// address, as its own description "
            "has it under “issuer”; http:// only on this machine."
        )
    if len(text) > 500:
        raise ValueError(f"{PREFIX}ISSUER has {len(text)} characters; at most 500 fit.")
    if WELL_KNOWN in text:
        raise ValueError(f"{PREFIX}ISSUER={text!r}: leave {WELL_KNOWN} off.")
    return text


def _secret(given: Mapping[str, str]) -> str:
    if ("SECRET" in given) == ("SECRET_FILE" in given):
        raise ValueError(f"Set one of {PREFIX}SECRET and {PREFIX}SECRET_FILE.")
    if "SECRET" in given:
        return given["SECRET"]
    path = Path(given["SECRET_FILE"])
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{PREFIX}SECRET_FILE={str(path)!r} cannot be read: {error}") from None
    if not secret:
        raise ValueError(f"{PREFIX}SECRET_FILE={str(path)!r} is empty; put the secret into it.")
    return secret


def _domains(sign_up: str, text: str) -> tuple[str, ...]:
    domains = tuple(one.lower() for one in text.replace(",", " ").split())
    if (sign_up == "domains") != bool(domains):
        raise ValueError(
            f"{PREFIX}DOMAINS names the domains of {PREFIX}SIGN_UP=domains, such as example.org; "
            "set both or neither."
        )
    for one in domains:
        if not re.fullmatch(r"[^@\s.]+(\.[^@\s.]+)+", one):
            raise ValueError(f"{PREFIX}DOMAINS: {one!r} is no domain, such as example.org.")
    return domains
