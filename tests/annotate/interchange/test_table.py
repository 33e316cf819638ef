"""CSV and TSV with a column mapping."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.interchange.records import ImportedItem, ImportedLabel, RowError
from annotate.interchange.streams import Limits
from tests.annotate.interchange.reading import only_error, read_bytes

MAPPING = {
    "prompt": "Question",
    "response_a": "Left",
    "response_b": "Right",
    "generator_a": "Model 1",
    "label": "Winner",
    "annotator": "Who",
    "id": "Key",
}
HEADER = "Key,Question,Left,Right,Model 1,Winner,Who,Topic\n"


def test_mapped_columns_and_values():
    data = HEADER + '1,"Why,\nreally?","He said ""so""",b,m1,left,w1,sky\n2,q,a,b,,draw,w2,\n'
    values = {"left": "a", "right": "b", "draw": "tie"}
    first, second = read_bytes(data.encode(), "table", mapping=MAPPING, label_values=values)
    assert first.conversation[0]["content"] == "Why,\nreally?"
    assert [r.text for r in first.responses] == ['He said "so"', "b"]
    assert [r.generator for r in first.responses] == ["m1", ""]
    assert first.labels == (ImportedLabel("prefer", preferred=0, annotator="w1"),)
    assert (first.external_id, first.metadata, first.line) == ("1", {"Topic": "sky"}, 2)
    assert second.labels == (ImportedLabel("tie", annotator="w2"),)
    assert second.line == 4


@pytest.mark.parametrize(
    ("column", "cell", "field", "says"),
    [
        ("metadata", '{"a": "\\u0000"}', "metadata.a", "NUL"),
        ("metadata", '{"a": "\\ud800"}', "metadata.a", "surrogate"),
        ("metadata", '{"a": Infinity}', "metadata", "Infinity is not JSON"),
        ("gold", '{"verdict": "tie", "explanation": "\\u0000"}', "gold.explanation", "NUL"),
        ("responses", "[" * 40 + "]" * 40, "", "nested deeper than 32"),
        ("responses", '["a", "b\\u0000"]', "responses[1]", "NUL"),
    ],
)
def test_json_in_a_cell_must_be_storable(column, cell, field, says):
    data = [["prompt", "response_a", "response_b", column], ["q", "a", "b", cell]]
    out = io.StringIO()
    csv.writer(out).writerows(data)
    error = only_error(out.getvalue().encode(), "table")
    assert (error.line, error.field) == (2, field)
    assert says in error.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(delimiter):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["prompt", "response_a", "response_b"], ["a;b,c|d\te", "1,2", "3;4"]])
    [item] = read_bytes(out.getvalue().encode(), "table")
    assert item.conversation[0]["content"] == "a;b,c|d\te"
    assert item.labels == ()


def test_wrong_column_names_those_there_are():
    error = only_error(
        (HEADER + "1,q,a,b,,,,\n").encode(), "table", mapping={**MAPPING, "label": "Best"}
    )
    assert error.fatal
    assert "'Best'" in error.message
    assert "'Winner'" in error.message


def test_unknown_mapping_name_and_missing_prompt_column():
    assert "responce" in only_error(b"a,b\n1,2\n", "table", mapping={"responce": "a"}).message
    assert "'prompt'" in only_error(b"a,b\n1,2\n", "table").message
    assert "twice" in only_error(b"prompt,prompt\n1,2\n", "table").message


def test_chosen_and_rejected_columns():
    [item] = read_bytes(b"prompt,chosen,rejected\nq,a,b\n", "table")
    assert item.labels == (ImportedLabel("prefer", preferred=0),)


def test_bad_rows_cost_themselves_only():
    lines = [
        b"prompt,response_a,response_b,label,strength",
        b"q,a,b,a,2",
        b"q,a,b,maybe,",
        b"q,a,a,,",
        b"q,a",
        b"q,\xff,b,,",
        b"q,a,b,a,9",
        b"",
        b"q,a,b,tie,",
    ]
    results = read_bytes(b"\n".join(lines), "table")
    errors = [r for r in results if isinstance(r, RowError)]
    assert [(e.line, e.field) for e in errors] == [
        (3, "label"),
        (4, "response_a"),
        (5, ""),
        (6, "response_a"),
        (7, "strength"),
    ]
    assert [r.line for r in results if isinstance(r, ImportedItem)] == [2, 9]


def test_bad_rows_come_back_as_json():
    raw = read_bytes(b"prompt,response_a,response_b,label\nq,a,b,maybe\n", "table")[0].raw
    [item] = read_bytes(json.dumps({**raw, "label": "b"}).encode(), "table")
    assert item.labels[0].preferred == 1


@pytest.fixture
def small_fields():
    """The csv module's own limit, which holds for the whole process."""
    before = csv.field_size_limit(10_000)
    yield
    csv.field_size_limit(before)


def test_unclosed_quote_is_bounded(small_fields):
    """It swallows what follows, up to the limit, then the rows go on."""
    data = b'prompt,response_a,response_b\n"q,a,b\n' + b"x,y,z\n" * 3000
    results = read_bytes(data, "table")
    [error] = [r for r in results if isinstance(r, RowError)]
    assert "quotes" in error.message
    assert 1000 < len(results) < 2000


def test_the_limit_in_force_is_that_of_a_line():
    assert csv.field_size_limit() == Limits().max_line_bytes


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1).filter(
    str.strip
)


@given(
    st.lists(st.tuples(cells, cells, cells).filter(lambda r: r[1] != r[2]), min_size=1, max_size=5)
)
def test_what_python_writes_is_read_back(rows):
    out = io.StringIO()
    csv.writer(out).writerows([("prompt", "response_a", "response_b"), *rows])
    items = read_bytes(out.getvalue().encode(), "table")
    assert [(i.conversation[0]["content"], *(r.text for r in i.responses)) for i in items] == rows
