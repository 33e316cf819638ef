"""Answers as files on disk."""

import os
from pathlib import Path
from uuid import uuid4

from tandem_client.core.plans import Plan, download
from tandem_client.core.requests import Request
from tandem_client.errors import Interrupted

AGAIN = 2


def saved(request: Request, path: str | os.PathLike[str]) -> Plan[int]:
    """Write the answer to `path`: whole, or not at all; how many bytes.

    JSON lines end in a line feed; a body that does not has been cut short.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    last = b""
    try:
        with part.open("xb") as file:

            def begin() -> None:
                nonlocal last
                file.seek(0)
                file.truncate()
                last = b""

            def write(chunk: bytes) -> None:
                nonlocal last
                file.write(chunk)
                last = chunk[-1:]

            size = yield from download(request, begin, write, AGAIN)
        if last not in (b"", b"\n"):
            raise Interrupted("The answer broke off inside its last row; ask again.")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return size
