"""What both transports do alike: the address, the token, httpx's errors in our words."""

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from tandem_client.core.requests import Broken, Request

VERSION = "0.1.0"
DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to and as whom. The token is never part of a text about it."""

    url: str
    token: str = field(repr=False)
    timeout: float = 60.0

    def headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Token {self.token}",
            "User-Agent": f"tandem-client/{VERSION}",
            "Accept": "application/json, application/x-ndjson;q=0.9, */*;q=0.1",
        }

    def waits(self) -> httpx.Timeout:
        return httpx.Timeout(self.timeout, connect=min(self.timeout, 10.0))


def address_of(url: str | None, token: str | None, timeout: float) -> Address:
    """From the arguments, else TANDEM_URL and TANDEM_TOKEN. Raises ValueError."""
    chosen = (url or os.environ.get("TANDEM_URL") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(chosen)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{chosen!r} is no address; it begins with http:// or https://")
    if parts.username or parts.password:
        raise ValueError("leave name and password out of the address; a token is what counts")
    secret = (token or os.environ.get("TANDEM_TOKEN") or "").strip()
    if not secret:
        raise ValueError(
            "no token: pass token=… or set TANDEM_TOKEN; manage.py token USER makes one"
        )
    if not (secret.isascii() and secret.isprintable()) or " " in secret:
        # Said here without the token: httpx would quote it.
        raise ValueError("the token holds characters that no token has; copy it again")
    return Address(f"{chosen.removesuffix('/api/v1')}/api/v1/", secret, timeout)


def arguments_of(request: Request, address: Address) -> dict[str, object]:
    """What httpx's build_request takes, but for a streamed body."""
    arguments: dict[str, object] = {
        "method": request.method,
        "url": request.path,
        "headers": dict(request.headers),
    }
    if request.query:
        arguments["params"] = list(request.query)
    if request.json is not None:
        arguments["json"] = request.json
    if request.body is not None:
        arguments["headers"] = {"Content-Type": "application/octet-stream", **request.headers}
    if request.seconds is not None:
        arguments["timeout"] = httpx.Timeout(
            request.seconds, connect=min(address.timeout, 10.0), write=address.timeout
        )
    return arguments


def broken(error: httpx.TransportError, address: Address) -> Broken:
    """Why there is no answer, with what to do."""
    place = address.url.removesuffix("/api/v1/")
    never_left = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
    if never_left:
        return Broken(
            f"No connection to {place}: {error or 'no answer'}. Is it running, and is the address "
            "right (url=… or TANDEM_URL)?",
            sent=False,
            timed_out=isinstance(error, httpx.TimeoutException),
        )
    if isinstance(error, httpx.TimeoutException):
        return Broken(
            f"{place} took too long to answer. Give the client a longer timeout=…, or send less.",
            timed_out=True,
        )
    return Broken(f"The connection to {place} broke: {error or type(error).__name__}.")
