"""Ranges at their edges, with the examples of RFC 9110, section 14.1.2."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.media.ranges import OPEN_END, Unsatisfiable, read_range


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-499", (0, 500)),
        ("bytes=500-999", (500, 1000)),
        ("bytes=-500", (9500, 10000)),
        ("bytes=9500-", (9500, 10000)),
        ("bytes=0-0", (0, 1)),
        ("bytes=-1", (9999, 10000)),
        ("bytes=9999-9999", (9999, 10000)),
        ("bytes=9999-20000", (9999, 10000)),
        ("bytes=-20000", (0, 10000)),
        ("bytes= 0-1 ", (0, 2)),
    ],
)
def test_one_range(header: str, expected: tuple[int, int]) -> None:
    assert read_range(header, 10_000) == expected


@pytest.mark.parametrize("header", ["bytes=10000-", "bytes=10000-10001", "bytes=-0"])
def test_a_range_behind_the_end(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        read_range(header, 10_000)


@pytest.mark.parametrize(
    "header",
    [
        *("", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "items=0-1", "bytes=0-1,3-4"),
        *("bytes=--1", "bytes=1-2-3", "bytes=" + "9" * 20 + "-", "bytes=٣-٤", "bytes=0x1-2"),
    ],
)
def test_what_is_no_single_range_is_left_out_of_account(header: str) -> None:
    assert read_range(header, 10_000) is None


def test_an_open_end_is_answered_piece_by_piece() -> None:
    size = 3 * OPEN_END
    assert read_range("bytes=0-", size) == (0, OPEN_END)
    assert read_range(f"bytes={OPEN_END}-", size) == (OPEN_END, 2 * OPEN_END)
    assert read_range(f"bytes={size - 1}-", size) == (size - 1, size)
    assert read_range(f"bytes=0-{size - 1}", size) == (0, size)


@given(st.integers(0, 2000), st.one_of(st.none(), st.integers(0, 2000)), st.integers(1, 1000))
def test_the_bytes_are_those_that_were_asked_for(first: int, last: int | None, size: int) -> None:
    data = bytes(i % 251 for i in range(size))
    expected = data[first:] if last is None else data[first : last + 1]
    header = f"bytes={first}-{'' if last is None else last}"
    if last is not None and last < first:
        assert read_range(header, size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            read_range(header, size)
    else:
        begin, end = read_range(header, size)
        assert data[begin:end] == expected
