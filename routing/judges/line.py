"""Many requests to one server at a time, from code that blocks: an event loop in a thread."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from types import TracebackType
from typing import Any

import httpx

from annotate.chat.completions import new_client
from annotate.chat.failures import ModelFailure
from annotate.wording import Told, brief

Send = Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]]


class Line:
    """`with Line(patience=60) as line: future = line.send(lambda client: …)`.

    `patience`: seconds for one request. Connections are kept for the next request. Leaving the
    block hangs up on whatever is still under way.
    """

    def __init__(self, *, patience: float) -> None:
        self.patience = patience
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="judge-line", daemon=True)

    def __enter__(self) -> "Line":
        self._thread.start()
        self._client = asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def send(self, request: Send) -> "Future[Any]":
        """Its result, or ModelFailure (`timed_out` after `patience`)."""
        return asyncio.run_coroutine_threadsafe(self._bounded(request), self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self) -> httpx.AsyncClient:
        return new_client()

    async def _bounded(self, request: Send) -> Any:
        try:
            async with asyncio.timeout(self.patience):
                return await request(self._client)
        except TimeoutError as error:
            raise ModelFailure(
                "timed_out", Told("no answer for {seconds} s", seconds=brief(self.patience))
            ) from error

    async def _close(self) -> None:
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()
