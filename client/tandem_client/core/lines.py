"""JSON lines out of pieces of bytes."""

import json
from typing import Any

from tandem_client.core.plans import Emit, Plan, Read
from tandem_client.core.requests import Reply, Request
from tandem_client.errors import BadAnswer, Interrupted


class Lines:
    """feed() pieces, get whole lines. Only a line feed ends one: texts hold all other breaks."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        whole, feed, rest = chunk.rpartition(b"\n")
        if not feed:
            self._rest.append(chunk)
            return []
        lines = b"".join([*self._rest, whole]).split(b"\n")
        self._rest = [rest] if rest else []
        return lines

    def rest(self) -> bytes:
        """What came after the last line feed."""
        return b"".join(self._rest)


def read_lines(request: Request) -> Plan[None]:
    """Emit the rows of a JSON lines answer. A last line without its end is an Interrupted."""
    reply: Reply = yield request
    lines, rows = Lines(), 0
    try:
        while chunk := (yield Read(reply)):
            found = [_row(line) for line in lines.feed(chunk) if line.strip()]
            rows += len(found)
            yield Emit(found)
    except Interrupted as error:
        raise Interrupted(f"The answer broke off after {rows} rows: {error}") from error
    if lines.rest().strip():
        raise Interrupted(f"The answer broke off in row {rows + 1}; begin again.")


def _row(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise BadAnswer(f"A line of the answer is no JSON: {error}") from error
