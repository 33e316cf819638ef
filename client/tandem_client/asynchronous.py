"""Running plans with httpx under asyncio."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self

import httpx

from tandem_client.core.methods import Async
from tandem_client.core.plans import Effect, Emit, Pause, Plan, Read, resolved
from tandem_client.core.requests import Broken, Reply, Request
from tandem_client.core.retries import Retries
from tandem_client.core.transport import Address, address_of, arguments_of, broken
from tandem_client.groups import Groups


class AsyncSession:
    def __init__(self, address: Address, retries: Retries, http: httpx.AsyncClient) -> None:
        self.address = address
        self.retries = retries
        self.http = http

    async def run(self, plan: Plan[Any]) -> Any:
        opened: list[Reply] = []
        steps = resolved(plan, self.retries)
        try:
            effect = next(steps)
            while True:
                effect = steps.send(await self._perform(effect, opened))
        except StopIteration as end:
            return end.value
        finally:
            steps.close()
            await self._close(opened)

    async def iterate(self, plan: Plan[None]) -> AsyncGenerator[Any, None]:
        opened: list[Reply] = []
        steps = resolved(plan, self.retries)
        try:
            effect = next(steps)
            while True:
                if isinstance(effect, Emit):
                    for item in effect.items:
                        yield item
                    effect = steps.send(None)
                else:
                    effect = steps.send(await self._perform(effect, opened))
        except StopIteration:
            return
        finally:
            steps.close()
            await self._close(opened)

    async def _perform(self, effect: Effect, opened: list[Reply]) -> Reply | Broken | bytes | None:
        if isinstance(effect, Request):
            return await self._send(effect, opened)
        if isinstance(effect, Read):
            try:
                return await anext(effect.reply.chunks, b"")
            except httpx.TransportError as error:
                return broken(error, self.address)
        if isinstance(effect, Pause):
            await asyncio.sleep(effect.seconds)
        return None

    async def _send(self, request: Request, opened: list[Reply]) -> Reply | Broken:
        arguments: Any = arguments_of(request, self.address)
        if request.body is not None:
            # Files and rows are read in a thread: disks and generators may be slow.
            size, pieces = await asyncio.to_thread(request.body)
            arguments["headers"]["Content-Length"] = str(size)
            arguments["content"] = _pieces(pieces)
        try:
            response = await self.http.send(self.http.build_request(**arguments), stream=True)
            if request.streamed and response.is_success:
                chunks = (chunk async for chunk in response.aiter_bytes() if chunk)
                reply = Reply(
                    response.status_code, response.headers, chunks=chunks, close=response.aclose
                )
                opened.append(reply)
                return reply
            try:
                return Reply(response.status_code, response.headers, await response.aread())
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            return broken(error, self.address)

    async def _close(self, opened: list[Reply]) -> None:
        for reply in opened:
            if reply.close is not None:
                await reply.close()


async def _pieces(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    source = iter(pieces)
    while piece := await asyncio.to_thread(next, source, b""):
        yield piece


class AsyncClient(Groups[Async]):
    """Tandem under asyncio: as Client, each call awaited and each listing `async for`."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        address = address_of(url, token, timeout)
        self._http = httpx.AsyncClient(
            base_url=address.url,
            headers=address.headers(),
            timeout=address.waits(),
            transport=transport,
        )
        self.url = address.url
        super().__init__(AsyncSession(address, retries or Retries(), self._http))

    def __repr__(self) -> str:
        return f"AsyncClient({self.url!r})"

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
