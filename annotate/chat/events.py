"""Server-Sent Events from raw bytes, as far as streamed replies use them."""

from collections.abc import AsyncGenerator, AsyncIterator

from annotate.chat.failures import ModelFailure
from annotate.wording import Told

MAX_EVENT_BYTES = 1_000_000


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncGenerator[str, None]:
    """The data of each event. Raises ModelFailure for what is too long or not UTF-8.

    Splits at LF, CR LF and CR only: inside JSON other line ends of Unicode are text.
    An event that the stream ends in the middle of is dropped, as the standard says.
    """
    data: list[str] = []
    rest, size = b"", 0
    async for chunk in chunks:
        rest += chunk
        # A CR at the end may be half of a CR LF.
        held = b"\r" if rest.endswith(b"\r") else b""
        lines = rest.removesuffix(b"\r").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest = lines.pop() + held
        for line in lines:
            size += len(line)
            if not line:
                if data:
                    yield "\n".join(data)
                data, size = [], 0
            elif line.startswith(b"data:"):
                data.append(_decoded(line.removeprefix(b"data:").removeprefix(b" ")))
        if size + len(rest) > MAX_EVENT_BYTES:
            raise ModelFailure(
                "malformed", Told("an event has more than {count} bytes", count=MAX_EVENT_BYTES)
            )
    # Servers that forget the last empty line are many; their last line is complete all the same.
    if data and not rest:
        yield "\n".join(data)


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ModelFailure(
            "malformed", Told("an event is not UTF-8: {why}", why=str(error))
        ) from error
