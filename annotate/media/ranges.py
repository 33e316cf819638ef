"""One range of bytes out of a `Range` header (RFC 9110, section 14)."""

import re

_ONE = re.compile(r"bytes=\s*(\d{0,19})-(\d{0,19})\s*", re.ASCII)
# A player that asks for "the rest" reads as it plays, for minutes: it gets so much and asks again.
OPEN_END = 2_000_000


class Unsatisfiable(ValueError):
    """The range lies behind the file's end: 416."""


def read_range(header: str, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last), or None where the whole file is the answer.

    None stands for a header that is no single range of bytes, which a server may leave out of
    account. Raises Unsatisfiable.
    """
    found = _ONE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        last = int(found[2])
        if last == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - last), size
    first = int(found[1])
    if found[2] and int(found[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    end = int(found[2]) + 1 if found[2] else first + OPEN_END
    return first, min(end, size)
