"""Running plans with httpx, one after the other."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from tandem_client.core.methods import Sync
from tandem_client.core.plans import Effect, Emit, Pause, Plan, Read, resolved
from tandem_client.core.requests import Broken, Reply, Request
from tandem_client.core.retries import Retries
from tandem_client.core.transport import Address, address_of, arguments_of, broken
from tandem_client.groups import Groups


class SyncSession:
    def __init__(self, address: Address, retries: Retries, http: httpx.Client) -> None:
        self.address = address
        self.retries = retries
        self.http = http

    def run(self, plan: Plan[Any]) -> Any:
        opened: list[Reply] = []
        steps = resolved(plan, self.retries)
        try:
            effect = next(steps)
            while True:
                effect = steps.send(self._perform(effect, opened))
        except StopIteration as end:
            return end.value
        finally:
            steps.close()
            self._close(opened)

    def iterate(self, plan: Plan[None]) -> Iterator[Any]:
        opened: list[Reply] = []
        steps = resolved(plan, self.retries)
        try:
            effect = next(steps)
            while True:
                if isinstance(effect, Emit):
                    yield from effect.items
                    effect = steps.send(None)
                else:
                    effect = steps.send(self._perform(effect, opened))
        except StopIteration:
            return
        finally:
            steps.close()
            self._close(opened)

    def _perform(self, effect: Effect, opened: list[Reply]) -> Reply | Broken | bytes | None:
        if isinstance(effect, Request):
            return self._send(effect, opened)
        if isinstance(effect, Read):
            try:
                return next(effect.reply.chunks, b"")
            except httpx.TransportError as error:
                return broken(error, self.address)
        if isinstance(effect, Pause):
            time.sleep(effect.seconds)
        return None

    def _send(self, request: Request, opened: list[Reply]) -> Reply | Broken:
        arguments: Any = arguments_of(request, self.address)
        if request.body is not None:
            size, pieces = request.body()
            arguments["headers"]["Content-Length"] = str(size)
            arguments["content"] = iter(pieces)
        try:
            response = self.http.send(self.http.build_request(**arguments), stream=True)
            if request.streamed and response.is_success:
                chunks = filter(None, response.iter_bytes())
                reply = Reply(
                    response.status_code, response.headers, chunks=chunks, close=response.close
                )
                opened.append(reply)
                return reply
            try:
                return Reply(response.status_code, response.headers, response.read())
            finally:
                response.close()
        except httpx.TransportError as error:
            return broken(error, self.address)

    def _close(self, opened: list[Reply]) -> None:
        for reply in opened:
            if reply.close is not None:
                reply.close()


class Client(Groups[Sync]):
    """Tandem, one call at a time. Safe to share between threads; close it or use `with`.

    `url` and `token` come from TANDEM_URL and TANDEM_TOKEN when left out; `timeout` in seconds is
    for each answer; `transport` is httpx's, for proxies and tests.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        address = address_of(url, token, timeout)
        self._http = httpx.Client(
            base_url=address.url,
            headers=address.headers(),
            timeout=address.waits(),
            transport=transport,
        )
        self.url = address.url
        super().__init__(SyncSession(address, retries or Retries(), self._http))

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
