"""Requests and replies as values."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote
from uuid import uuid4

# A body's length and its pieces; each call opens it anew.
Opened = tuple[int, Iterable[bytes]]
Body = Callable[[], Opened]
Query = Sequence[tuple[str, str]]

SAFE = frozenset({"GET", "HEAD", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request, relative to `/api/v1/`.

    `repeatable`: sending it twice does what sending it once does.
    `streamed`: the reply's body is read piece by piece.
    `seconds`: how long the reply may take; the client's own patience when None.
    """

    method: str
    path: str
    query: Query = ()
    json: Any = None
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = False
    streamed: bool = False
    seconds: float | None = None


@dataclass(slots=True)
class Reply:
    """An answer. `chunks` is the open body of a streamed one, which `close` ends."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""
    chunks: Any = None
    close: Callable[[], Any] | None = None

    def read(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer came. `sent` is False where the request surely never left."""

    reason: str
    sent: bool = True
    timed_out: bool = False


def path_of(*parts: object) -> str:
    """path_of("projects", 7, "export") -> "projects/7/export/"."""
    return "".join(f"{quote(str(part), safe='')}/" for part in parts)


def query_of(parameters: Mapping[str, object]) -> Query:
    """Parameters as text: None is left out, True is 1, lists and mappings come several times."""
    pairs: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if value is None or value is False:
            continue
        if isinstance(value, Mapping):
            pairs += [(name, f"{key}:{one}") for key, one in value.items()]
        elif isinstance(value, list | tuple):
            pairs += [(name, str(one)) for one in value]
        else:
            pairs.append((name, "1" if value is True else str(value)))
    return pairs


def get(path: str, query: Mapping[str, object] | None = None, *, streamed: bool = False) -> Request:
    return Request("GET", path, query_of(query or {}), repeatable=True, streamed=streamed)


def send(method: str, path: str, body: object = None, *, repeatable: bool | None = None) -> Request:
    """A request with a JSON body. Each POST carries an Idempotency-Key, the same at every attempt:
    with it, or by itself, the API does nothing twice. What is not so is `repeatable=False`.
    """
    keyed = method == "POST"
    return Request(
        method,
        path,
        json=body,
        headers={"Idempotency-Key": str(uuid4())} if keyed else {},
        repeatable=(keyed or method in SAFE) if repeatable is None else repeatable,
    )


def given(**fields: object) -> dict[str, object]:
    """The fields that are not None, for a body."""
    return {name: value for name, value in fields.items() if value is not None}
