"""Bounds on what a file may do: size, ratio, line length, broken encodings."""

import gzip
import io
import itertools
import json
import tracemalloc
import zlib

import pytest

from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import UnknownFormat, detect_format
from annotate.interchange.rows import read_objects
from annotate.interchange.streams import FatalProblem, Limits, read_chunks
from tests.annotate.interchange.reading import only_error, read_bytes

GOOD = {"prompt": "p", "chosen": "a", "rejected": "b"}
LINE = json.dumps(GOOD).encode()


class Dribble(io.RawIOBase):
    """A stream that answers with a few bytes at a time, as a socket may."""

    def __init__(self, data: bytes, step: int) -> None:
        self.rest, self.step = data, step

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.step)
        out, self.rest = self.rest[:size], self.rest[size:]
        return out


def kinds(results: list) -> str:
    return "".join("E" if isinstance(r, RowError) else "." for r in results)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
@pytest.mark.parametrize("array", [False, True])
def test_lines_are_the_same_however_the_bytes_arrive(step, compress, array):
    rows = [{**GOOD, "prompt": f'{n} "quoted" \\ [é{{'} for n in range(20)]
    text = json.dumps(rows, indent=1) if array else "\r\n".join(map(json.dumps, rows))
    data = compress(b"\xef\xbb\xbf" + text.encode())
    found = list(read_objects(Dribble(data, step), Limits()))
    assert [row.data for row in found] == rows
    assert [row.line for row in found] == (
        [2 + 5 * n for n in range(20)] if array else [*range(1, 21)]
    )


def test_empty_and_blank_files_say_so():
    assert "empty" in only_error(b"", "trl").message
    assert "no row" in only_error(b" \n\r\n ", "trl").message
    assert "no row" in only_error(b"[ ]", "trl").message
    assert only_error(b"", "table").fatal


def test_broken_utf8_costs_one_line():
    results = read_bytes(LINE + b"\n" + b'{"prompt": "\xff"}\n' + LINE, "trl")
    assert kinds(results) == ".E."
    assert results[1].line == 2
    assert "UTF-8" in results[1].message


@pytest.mark.parametrize("bad", [b'{"prompt": "\x00"}', json.dumps({"prompt": "\0"}).encode()])
def test_nul_costs_one_line(bad):
    results = read_bytes(b"\n".join([LINE, bad, LINE]), "trl")
    assert kinds(results) == ".E."
    assert "NUL" in results[1].message


def test_lone_surrogate_is_refused_and_a_pair_is_not():
    bad, good = b'{"a": [{"b": "\\ud83d"}]}', b'{"a": "\\ud83d\\ude00"}'
    first, second = read_objects(io.BytesIO(bad + b"\n" + good), Limits())
    assert first.field == "a[0].b"
    assert second.data == {"a": "\U0001f600"}


def test_long_line_is_reported_and_not_kept():
    """300 MB in one line must not take 300 MB."""
    huge = zlib.compressobj(1, wbits=31)
    data = huge.compress(LINE + b'\n{"prompt": "')
    for _ in range(300):
        data += huge.compress(b"x" * (1 << 20))
    data += huge.compress(b'"}\n' + LINE) + huge.flush()
    tracemalloc.start()
    results = read_bytes(data, "trl", limits={"max_ratio": 2000, "max_line_bytes": 5_000_000})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert kinds(results) == ".E."
    assert [r.line for r in results] == [1, 2, 3]
    assert "longer than 5000000 bytes" in results[1].message
    assert peak < 40_000_000


def test_long_array_element_is_reported_and_not_kept():
    rows = json.dumps([GOOD, {**GOOD, "prompt": "x" * 5000}, GOOD]).encode()
    results = read_bytes(rows, "trl", limits={"max_line_bytes": 1000})
    assert kinds(results) == ".E."


def test_zip_bomb_stops_early():
    bomb = gzip.compress(b"[" + b" " * (100 << 20))
    assert len(bomb) < 200_000
    error = read_bytes(bomb, "trl")[-1]
    assert error.fatal
    assert "expands more than 200 times" in error.message


def bomb(before: bytes, filler: bytes, after: bytes = b"") -> bytes:
    """300 MB, packed small."""
    pack = zlib.compressobj(9, wbits=31)
    data = pack.compress(before)
    for _ in range(300):
        data += pack.compress(filler * ((1 << 20) // len(filler)))
    return data + pack.compress(after) + pack.flush()


BOMBS = {
    "newlines": (b"", b"\n"),
    "a row, then newlines": (LINE + b"\n", b"\r\n"),
    "a long prompt": (b'{"prompt": "', b"x", b'", "chosen": "a", "rejected": "b"}'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_called_so_under_any_format_and_under_none(name):
    data = bomb(*BOMBS[name])
    error = read_bytes(data, "trl")[-1]
    assert error.fatal
    assert "expands more than 200 times" in error.message
    if name != "a row, then newlines":  # that one has a format
        with pytest.raises(UnknownFormat, match="expands more than 200 times"):
            detect_format(data)


@pytest.mark.parametrize("name", ["newlines", "a row, then newlines"])
def test_blank_lines_are_unpacked_in_measure(name):
    """A line costs as much time as a row, however short: few may come out of a few bytes."""
    chunks = read_chunks(io.BytesIO(bomb(*BOMBS[name])), Limits())
    with pytest.raises(FatalProblem, match="expands"):
        next(chunk for chunk in itertools.accumulate(map(len, chunks)) if chunk > 1 << 20)


def test_white_space_before_the_first_row_is_bounded():
    blank = b" \n" * (1 << 19)
    assert "more than 1048576 bytes of white space" in only_error(blank * 3, "trl").message
    assert read_bytes(blank + LINE, "trl")[0].line == (1 << 19) + 1


def test_total_size_is_bounded():
    results = read_bytes(gzip.compress((LINE + b"\n") * 1000), "trl", limits={"max_bytes": 20_000})
    assert results[-1].fatal
    assert "more than 20000 bytes" in results[-1].message


def test_truncated_and_damaged_gzip():
    whole = gzip.compress(b"\n".join([LINE] * 50))
    assert "stops in the middle" in read_bytes(whole[:-12], "trl")[-1].message
    assert "damaged" in read_bytes(whole[:-8] + b"\xff" * 8, "trl")[-1].message


def test_gzip_members_are_read_one_after_the_other():
    results = read_bytes(gzip.compress(LINE + b"\n") + gzip.compress(LINE) + b"\0" * 20, "trl")
    assert kinds(results) == ".."


@pytest.mark.parametrize("head", [b"PK\x03\x04abcd", b"%PDF-1.7", b"BZh91AY&", b"\xff\xfe{\0}\0"])
def test_other_containers_are_named(head):
    error = only_error(head, "trl")
    assert error.fatal
    assert error.message.startswith("The file is ")


def test_deep_json_is_refused():
    for depth in (100, 100_000):
        bad = b'{"prompt": ' + b"[" * depth + b"]" * depth + b"}"
        results = read_bytes(bad + b"\n" + LINE, "trl")
        assert kinds(results) == "E."
        assert "nested deeper" in results[0].message


@pytest.mark.parametrize(
    "bad",
    [
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"3",
        b'"text"',
        b'{"a": 1' + b"0" * 5000 + b"}",
    ],
)
def test_what_is_not_a_json_object_costs_one_line(bad):
    assert kinds(read_bytes(b"\n".join([LINE, bad, LINE]), "trl")) == ".E."


def test_array_that_is_not_closed_or_followed_by_text():
    cut = read_bytes(b"[" + LINE + b",\n" + LINE, "trl")
    assert kinds(cut) == ".E"
    assert "not closed" in cut[-1].message
    assert cut[-1].fatal
    assert "after the end" in read_bytes(b"[" + LINE + b"]\n[1]", "trl")[-1].message


def test_bad_element_of_an_array_costs_one_element():
    results = read_bytes(b"[" + LINE + b",\n{bad},\n3,\n" + LINE + b"]", "trl")
    assert kinds(results) == ".EE."
    assert [r.line for r in results] == [1, 2, 3, 4]


def test_bad_row_is_kept_for_mending():
    row = {**GOOD, "chosen": 3}
    error = only_error(json.dumps(row).encode(), "trl")
    assert error.raw == row
    mended = {**error.raw, "chosen": "a", "_error": error.as_json()}
    [item] = read_bytes(json.dumps(mended).encode(), "trl")
    assert isinstance(item, ImportedItem)
    assert item.metadata == {}
