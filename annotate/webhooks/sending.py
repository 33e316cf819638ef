"""One request to a receiver, with every wait and every answer bounded."""

import asyncio
import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from annotate.chat.addresses import resolve
from annotate.chat.completions import new_client, read_some, seconds_to_wait, storable
from annotate.chat.failures import ModelFailure
from annotate.wording import Told, brief

SETTING = "TANDEM_WEBHOOK_PRIVATE_HOSTS"
PATIENCE = 10.0  # seconds for the whole request
EXCERPT_BYTES = 2_000
EXCERPT_CHARS = 500
GONE = 410


@dataclass(frozen=True)
class Answer:
    """What came of a request. `why`: why it failed, None where it was taken."""

    status: int | None
    excerpt: str
    seconds: float
    why: Told | None = None
    retry_after: int | None = None

    @property
    def is_taken(self) -> bool:
        return self.why is None

    @property
    def is_gone(self) -> bool:
        """The receiver wants no more of them, ever."""
        return self.status == GONE

    @property
    def is_away(self) -> bool:
        """Others would fail as well: no answer, too many requests, or an error of the server."""
        return self.status is None or self.status == 429 or self.status >= 500


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private_hosts: Collection[str],
    patience: float = PATIENCE,
) -> Answer:
    """Post it; any 2xx means that it was taken. Call it outside of transactions.

    Redirects are not followed: they would lead past the check of the address. Of the answer no
    more is read than its excerpt.
    """
    began = time.monotonic()
    try:
        # In a thread of its own, since the caller's may have an event loop already.
        with ThreadPoolExecutor(1) as alone:
            asked = _within(url, body, headers, private_hosts, patience)
            status, raw, retry_after = alone.submit(asyncio.run, asked).result()
    except TimeoutError:
        why = Told("no answer within {seconds} s", seconds=brief(patience))
        return Answer(None, "", time.monotonic() - began, why)
    except ModelFailure as error:
        said = (
            error.said
            if isinstance(error.said, Told)
            else Told("no connection: {error}", error=error.said)
        )
        return Answer(None, "", time.monotonic() - began, said)
    except httpx.HTTPError as error:
        why = Told("no connection: {error}", error=storable(f"{type(error).__name__}: {error}"))
        return Answer(None, "", time.monotonic() - began, why)
    excerpt = storable(raw.decode("utf-8", "replace"))[:EXCERPT_CHARS]
    return Answer(status, excerpt, time.monotonic() - began, _why(status), retry_after)


def _why(status: int) -> Told | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return Told(
            "it answers {status}, a redirect, which is not followed: give the address it leads to",
            status=status,
        )
    if status == GONE:
        return Told("it answers {status}: it wants no more of them", status=status)
    return Told("it answers {status}", status=status)


async def _within(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    private_hosts: Collection[str],
    patience: float,
) -> tuple[int, bytes, int | None]:
    async with asyncio.timeout(patience):
        address = await resolve(url, private_hosts=private_hosts, setting=SETTING)
        async with (
            new_client() as client,
            client.stream(
                "POST",
                address.url,
                content=body,
                headers={
                    **headers,
                    "Host": address.host_header,
                    "Content-Type": "application/json",
                    "Accept-Encoding": "identity",
                    "User-Agent": "Tandem",
                },
                extensions={"sni_hostname": address.host} if address.scheme == "https" else {},
            ) as answer,
        ):
            raw = await read_some(answer, EXCERPT_BYTES)
            waits = seconds_to_wait(answer.headers.get("Retry-After", ""))
            return answer.status_code, raw, waits
