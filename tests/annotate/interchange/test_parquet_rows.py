"""Parquet files as import: the same items as JSON lines of the same rows, and no worse bounds."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import (
    UnknownFormat,
    detect_file,
    refuse_unreadable_file,
    survey,
)
from tests.annotate.interchange.reading import read_bytes, read_rows

TABLE = [
    {"id": n, "prompt": f"Q{n}", "response_a": "ä" * n, "response_b": "b", "label": "a"}
    for n in range(1, 70)
]
MESSAGES = [
    {
        "prompt": [{"role": "user", "content": f"Hi {n}"}],
        "chosen": [{"role": "assistant", "content": "Hello!"}],
        "rejected": [{"role": "assistant", "content": "What?"}],
    }
    for n in range(3)
]


def packed(rows: list[dict] | pa.Table, **how) -> bytes:
    sink = io.BytesIO()
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows)
    parquet.write_table(table, sink, **how)
    return sink.getvalue()


@pytest.mark.parametrize(("rows", "format"), [(TABLE, "table"), (MESSAGES, "trl")])
def test_the_rows_are_those_of_json_lines(rows, format):
    data = packed(rows, row_group_size=20)
    assert detect_file(io.BytesIO(data), "rows.parquet") == format
    assert survey(io.BytesIO(data), format, ReadOptions()) == (len(rows), None)
    assert read_bytes(data, format) == read_rows(rows, format)


def test_what_json_has_no_word_for():
    row = {
        **{"prompt": "Q", "response_a": "a", "response_b": "b", "label": None},
        "when": datetime(2026, 1, 31, 12, tzinfo=UTC),
        "cost": Decimal("0.10"),
        "score": float("nan"),
    }
    [item] = read_bytes(packed([row]), "table")
    assert isinstance(item, ImportedItem)
    assert item.labels == ()
    assert item.metadata == {"when": "2026-01-31T12:00:00+00:00", "cost": "0.10"}
    error, good = read_bytes(packed([{**row, "more": b"\0"}, {**row, "more": None}]), "table")
    assert isinstance(error, RowError)
    assert (error.line, error.field) == (1, "more")
    assert "Leave the column out" in error.message
    assert isinstance(good, ImportedItem)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed(TABLE)[:-9], "The Parquet file cannot be read"),
        (b"PAR1", "The Parquet file cannot be read"),
        (
            packed(pa.table([["Q"], ["a"]], names=["prompt", "prompt"])),
            "names these columns twice: prompt",
        ),
    ],
)
def test_a_damaged_file_is_refused_as_a_whole(data, said):
    for refusing in (detect_file, refuse_unreadable_file):
        with pytest.raises(UnknownFormat, match=said):
            refusing(io.BytesIO(data))
    found = survey(io.BytesIO(data), "table", ReadOptions())
    assert found.fatal is not None
    assert said in found.fatal.message


def test_a_mapping_to_columns_that_are_not_there_names_those_that_are():
    [error] = read_bytes(packed(TABLE), "table", mapping={"prompt": "question"})
    assert error.fatal
    assert "There is no column 'question'" in error.message
    assert "'response_a'" in error.message


def test_few_bytes_that_hold_much_text_are_bounded():
    """A dictionary says a long text a thousand times in a few bytes."""
    texts = pa.array(["x" * 50_000]).take(pa.array([0] * 1000))
    data = packed(pa.table({"prompt": texts, "chosen": texts}))
    assert len(data) < 20_000
    *errors, last = read_bytes(data, "trl", limits={"max_bytes": 10_000_000})
    assert isinstance(last, RowError)
    assert last.fatal
    assert "more than 10000000 bytes" in last.message
    assert len(errors) == 99


@given(data=st.binary(max_size=300), cut=st.integers(0, 2000))
def test_any_bytes_behind_the_magic(data, cut):
    whole = packed(TABLE[:2])
    for one in (b"PAR1" + data + b"PAR1", whole[:cut] + data + whole[cut + len(data) :]):
        if not one.startswith(b"PAR1"):
            continue
        found = read_bytes(one, "table")
        assert found
        assert all(isinstance(row, ImportedItem | RowError) for row in found)
        json.dumps([row.as_json() for row in found if isinstance(row, RowError)])
