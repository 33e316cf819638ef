"""Answers as files on disk."""

import os
from pathlib import Path
from uuid import uuid4

from tandem_client.core.plans import Plan, download
from tandem_client.core.requests import Request
from tandem_client.errors import Interrupted

AGAIN = 2
PARQUET = b"PAR1"  # how such a file begins and ends


def saved(request: Request, path: str | os.PathLike[str]) -> Plan[int]:
    """Write the answer to `path`: whole, or not at all; how many bytes.

    JSON lines end in a line feed, Parquet as it begins; a body that does not has been cut short.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    head = tail = b""
    try:
        with part.open("xb") as file:

            def begin() -> None:
                nonlocal head, tail
                file.seek(0)
                file.truncate()
                head = tail = b""

            def write(chunk: bytes) -> None:
                nonlocal head, tail
                file.write(chunk)
                head = (head + chunk[:4])[:4]
                tail = (tail + chunk[-4:])[-4:]

            size = yield from download(request, begin, write, AGAIN)
        if not _is_whole(size, head, tail):
            raise Interrupted("The answer broke off inside its last row; ask again.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size


def _is_whole(size: int, head: bytes, tail: bytes) -> bool:
    if head == PARQUET:
        return tail == PARQUET and size > 2 * len(PARQUET)
    return not size or tail.endswith(b"\n")
