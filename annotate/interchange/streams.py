"""Bytes of any size to lines: gzip seen by its magic, every size bounded, nothing held whole.

A compressed file may grow to `max_bytes`, and to `max_ratio` times what was unpacked of it. A line
over `max_line_bytes` is reported and skipped without being kept in memory.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from annotate.interchange.records import RowError, excerpt
from annotate.wording import Told

CHUNK = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"
UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
OTHER_ARCHIVES = {
    b"PK\x03\x04": Told("a zip archive"),
    b"\x28\xb5\x2f\xfd": Told("Zstandard-compressed"),
    b"BZh": Told("bzip2-compressed"),
    b"\xfd7zXZ\x00": Told("xz-compressed"),
    b"7z\xbc\xaf\x27\x1c": Told("a 7-Zip archive"),
    b"Rar!\x1a\x07": Told("a RAR archive"),
    b"%PDF-": Told("a PDF document"),
    b"SQLite format 3\0": Told("an SQLite database"),
    b"\x80\x04\x95": Told("a Python pickle"),
}
SAMPLE_BYTES = 4096  # by which text and binary data are told apart
CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"})
FEWEST_CONTROLS = 8  # so many may stand in any text; its row is then refused
FEWEST_BROKEN = 8  # bytes that are no UTF-8; likewise
RATIO_GRACE_BYTES = 16 << 20  # small repetitive files may compress as well as they like
LINE_COST_BYTES = 64  # what a line counts at least: a blank one takes as long to look at as a row


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int = 16 << 30
    max_ratio: int = 200
    max_line_bytes: int = 10_000_000
    max_text_bytes: int = 1_000_000
    max_metadata_chars: int = 65_536
    max_responses: int = 10
    max_depth: int = 32


class RawLine(NamedTuple):
    number: int  # from 1, as an editor counts
    data: bytes  # without the line end
    end: int  # uncompressed bytes up to the end of this line


class FatalProblem(Exception):
    """The rest of the file cannot be read; never leaves `annotate.interchange`."""

    def __init__(self, reason: str, /, **values: object) -> None:
        self.why = Told(reason, **values)
        super().__init__(self.why.message)

    def at(self, line: int) -> RowError:
        """As the last of the file's rows, on this line."""
        return RowError(line, "", "", self.why, fatal=True)


class CutShort(FatalProblem):
    """A gzip file ends before its end, as the first bytes of every longer one do."""


def read_chunks(stream: BinaryIO, limits: Limits) -> Iterator[bytes]:
    """Uncompressed bytes without a byte order mark. Raises FatalProblem."""
    head = _read_full(stream, 16)
    if not head:
        raise FatalProblem("The file is empty. Send at least one row.")
    for magic, what in OTHER_ARCHIVES.items():
        if head.startswith(magic):
            raise FatalProblem("The file is {what}. Send plain text, gzip or Parquet.", what=what)
    if head.startswith(UTF16_BOMS):
        raise FatalProblem("The file is UTF-16. Save it as UTF-8 and send it again.")
    unpack = _gunzip if head.startswith(GZIP_MAGIC) else _plain
    return _text(_without_bom(unpack(stream, head, limits)))


def split_lines(chunks: Iterator[bytes], limits: Limits) -> Iterator[RawLine | RowError]:
    """Every line, blank ones too; a RowError for each line that is too long."""
    number, end, tail, skipping = 1, 0, b"", False
    for chunk in chunks:
        lines = (tail + chunk).split(b"\n")
        tail = lines.pop()
        for data in lines:
            end += len(data) + 1
            if skipping:
                skipping = False
            elif len(data) > limits.max_line_bytes:
                yield too_long(number, data, limits)
            else:
                yield RawLine(number, data.removesuffix(b"\r"), end)
            number += 1
        if len(tail) > limits.max_line_bytes:
            if not skipping:
                yield too_long(number, tail, limits)
            end, tail, skipping = end + len(tail), b"", True
    if tail and not skipping:
        yield RawLine(number, tail.removesuffix(b"\r"), end + len(tail))


def too_long(number: int, data: bytes, limits: Limits) -> RowError:
    return RowError(
        line=number,
        field="",
        value=excerpt(data[:64].decode("utf-8", "replace")),
        why=Told(
            "The row is longer than {most} bytes. Shorten its texts.", most=limits.max_line_bytes
        ),
    )


def _plain(stream: BinaryIO, head: bytes, limits: Limits) -> Iterator[bytes]:
    total, chunk = 0, head
    while chunk:
        total += len(chunk)
        _check_total(total, limits)
        yield chunk
        chunk = stream.read(CHUNK)


def _gunzip(stream: BinaryIO, head: bytes, limits: Limits) -> Iterator[bytes]:
    """All members of a gzip file, at most CHUNK bytes a step whatever the input expands to."""
    read, total, lines, pending = len(head), 0, 0, head
    member = zlib.decompressobj(wbits=31)
    while True:
        try:
            out = member.decompress(pending, CHUNK)
        except zlib.error as error:
            raise FatalProblem(
                "The gzip data is damaged after {total} bytes ({error}). Compress it again.",
                total=total,
                error=str(error),
            ) from error
        total += len(out)
        lines += out.count(b"\n")
        _check_total(total, limits)
        small = max(total, lines * LINE_COST_BYTES) <= RATIO_GRACE_BYTES
        unpacked = read - len(member.unconsumed_tail) - len(member.unused_data)
        if not small and total > unpacked * limits.max_ratio:
            raise FatalProblem(
                "The file expands more than {times} times, which no text does. "
                "Send it uncompressed if it is real.",
                times=limits.max_ratio,
            )
        if out:
            yield out
        pending = member.unconsumed_tail
        if member.eof:
            pending = member.unused_data or stream.read(CHUNK)
            if not pending.strip(b"\0"):
                return
            read += 0 if member.unused_data else len(pending)
            member = zlib.decompressobj(wbits=31)
        elif not pending and not out:
            pending = stream.read(CHUNK)
            read += len(pending)
            if not pending:
                raise CutShort(
                    "The gzip data stops in the middle, after {total} bytes. Send it again.",
                    total=total,
                )


def _without_bom(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = b""
    for chunk in chunks:
        first += chunk
        if len(first) >= len(UTF8_BOM):
            break
    yield first.removeprefix(UTF8_BOM)
    yield from chunks


def _text(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Raises FatalProblem when the first bytes are those of a picture or a program."""
    first = next(chunks, b"")
    while len(first) < SAMPLE_BYTES and (more := next(chunks, b"")):
        first += more
    sample = first[:SAMPLE_BYTES]
    strange = len(sample) - len(sample.translate(None, CONTROLS))
    too_many = b"\0" in sample and strange > max(FEWEST_CONTROLS, len(sample) // 50)
    if too_many or sample.startswith(b"\0"):
        raise FatalProblem(
            "The file is no text but binary, such as a picture or a document. "
            "Send JSONL, a JSON array, CSV, TSV or Parquet."
        )
    broken = len(sample) - len(sample.decode("utf-8", "ignore").encode())
    if broken > max(FEWEST_BROKEN, len(sample) // 5):
        raise FatalProblem(
            "The file is no text in UTF-8, but binary or in another encoding. "
            "Save it as UTF-8, or send another file."
        )
    yield first
    yield from chunks


def _check_total(total: int, limits: Limits) -> None:
    if total > limits.max_bytes:
        raise FatalProblem(
            "The file holds more than {most} bytes. Send it in parts.", most=limits.max_bytes
        )


def _read_full(stream: BinaryIO, size: int) -> bytes:
    """Up to `size` bytes, also from a socket-like stream that answers with fewer."""
    data = b""
    while len(data) < size:
        more = stream.read(size - len(data))
        if not more:
            break
        data += more
    return data
