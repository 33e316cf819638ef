"""Read a reply from ordinary, blocking code, with every wait bounded."""

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass

from annotate.chat.completions import Piece
from annotate.chat.failures import ModelFailure
from annotate.wording import Told, brief


@dataclass(frozen=True)
class Patience:
    """Seconds to wait for the first text, between two pieces, and for the whole reply."""

    first: float = 120
    silence: float = 30
    total: float = 300


def read_pieces(
    pieces: AsyncGenerator[Piece, None], patience: Patience, *, tick: float = 1.0
) -> Generator[Piece | None, None, None]:
    """The pieces as they come, and None whenever nothing came for a `tick`.

    Raises ModelFailure (`timed_out`). Runs an event loop of its own while it waits, so another
    thread may take the iteration over; closing it hangs up.
    """
    loop = asyncio.new_event_loop()
    coming = None
    began = heard = time.monotonic()
    spoke = False
    try:
        while True:
            coming = coming or loop.create_task(_next(pieces))
            loop.run_until_complete(asyncio.wait({coming}, timeout=tick))
            now = time.monotonic()
            piece = None
            if coming.done():
                piece, coming = coming.result(), None
                if piece is None:
                    return
                heard, spoke = now, spoke or bool(piece.text)
            limit, since = (patience.silence, heard) if spoke else (patience.first, began)
            if now - since > limit:
                raise ModelFailure(
                    "timed_out", Told("nothing for {seconds} s", seconds=brief(limit))
                )
            if now - began > patience.total:
                raise ModelFailure(
                    "timed_out",
                    Told("not finished after {seconds} s", seconds=brief(patience.total)),
                )
            yield piece
    finally:
        if coming is not None:
            coming.cancel()
            loop.run_until_complete(asyncio.gather(coming, return_exceptions=True))
        loop.run_until_complete(pieces.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _next(pieces: AsyncGenerator[Piece, None]) -> Piece | None:
    return await anext(pieces, None)
