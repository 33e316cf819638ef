"""What is uploaded: paths, open files, rows."""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from tandem_client.core.requests import Opened

PIECE = 1 << 16
# What is kept in memory instead of a temporary file.
SMALL = 1 << 20
Row = Mapping[str, Any]
Source = str | os.PathLike[str] | IO[bytes] | Iterable[Row] | Iterable[bytes]
# Told the bytes sent so far, and in all.
Progress = Callable[[int, int], object]


class Upload:
    """Something to send. Of what has no length yet, open() makes a temporary file, once.

    Servers behind WSGI take no body without its length; and so it can be sent again.
    """

    def __init__(self, source: Source, progress: Progress | None = None) -> None:
        if isinstance(source, bytes | bytearray | Mapping):
            raise TypeError("give a path, an open binary file, or an iterable of rows")
        self.path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
        self.name = None if self.path is None else os.path.basename(self.path)
        self._source: Any = source
        self._progress = progress
        self._kept: IO[bytes] | None = None

    def open(self) -> Opened:
        """The length, and the pieces from the beginning. Reads and writes files."""
        if self.path is not None:
            size = os.path.getsize(self.path)
            return size, _told(_file_pieces(self.path), size, self._progress)
        if self._kept is None:
            self._kept = _written(self._source)
        size = self._kept.seek(0, os.SEEK_END)
        self._kept.seek(0)
        return size, _told(_read(self._kept), size, self._progress)


def _written(source: Any) -> IO[bytes]:
    file: IO[bytes] = SpooledTemporaryFile(max_size=SMALL)  # noqa: SIM115 (lives with the upload)
    reads = callable(getattr(source, "read", None))
    for piece in _read(source) if reads else _pieces(source):
        file.write(piece)
    return file


def _file_pieces(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        yield from _read(file)


def _read(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        if not isinstance(piece, bytes):
            raise TypeError("open the file in binary mode: open(path, 'rb')")
        yield piece


def _pieces(rows: Iterable[Row | bytes]) -> Iterator[bytes]:
    """Rows gathered to pieces worth sending."""
    held: list[bytes] = []
    size = 0
    for row in chain(rows):
        held.append(row if isinstance(row, bytes) else _line(row))
        size += len(held[-1])
        if size >= PIECE:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _line(row: Row) -> bytes:
    if not isinstance(row, Mapping):
        raise TypeError(f"a row is a mapping, not {type(row).__name__}")
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _told(pieces: Iterable[bytes], size: int, progress: Progress | None) -> Iterator[bytes]:
    sent = 0
    for piece in pieces:
        yield piece
        sent += len(piece)
        if progress is not None:
            progress(sent, size)
