"""Whatever the bytes, a reader answers with items and errors and never raises."""

import contextlib
import gzip
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import FORMATS, UnknownFormat, detect_format, get_format
from tests.annotate.interchange.reading import read_bytes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
field_names = st.sampled_from(
    [
        "prompt",
        "chosen",
        "rejected",
        "responses",
        "label",
        "labels",
        "ranking",
        "id",
        "role",
        "content",
        "text",
        "response_a",
        "response_b",
        "strength",
        "margin",
        "metadata",
        "system",
    ]
)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "system"]), "content": st.text()}
    ),
    max_size=3,
)
rows = st.dictionaries(field_names, json_values | messages | st.lists(st.text(), max_size=3))


def check(results: list, *, least: int = 2) -> None:
    assert results
    for result in results:
        assert isinstance(result, ImportedItem | RowError)
        if isinstance(result, RowError):
            assert result.message
            result.value.encode()
            json.dumps(result.as_json())
        else:
            json.dumps(result.metadata, allow_nan=False).encode()
            assert len(result.responses) >= least


@pytest.mark.parametrize("format", FORMATS)
@given(data=st.binary(max_size=400))
def test_any_bytes(format, data):
    check(read_bytes(data, format))
    check(read_bytes(b"[" + data, format))
    check(read_bytes(gzip.compress(data), format))
    check(read_bytes(b"\x1f\x8b\x08" + data, format))


@pytest.mark.parametrize("format", FORMATS)
@given(data=st.lists(rows, min_size=1, max_size=4))
@example(data=[{"prompt": "Hello", "responses": []}])
def test_any_json_rows(format, data):
    """Rows of these may have no response (to talk about) or one; what fits, the kind says."""
    least = 0 if format in ("responses", "table") else 2
    check(read_bytes("\n".join(map(json.dumps, data)).encode(), format), least=least)
    check(read_bytes(json.dumps(data).encode(), format), least=least)


@pytest.mark.parametrize("format", FORMATS)
@given(data=st.text())
def test_any_table(format, data):
    check(
        read_bytes(
            b"prompt,response_a,response_b,label\n" + data.encode("utf-8", "replace"), format
        )
    )


@given(data=st.binary(max_size=400), name=st.text(max_size=10))
def test_detection_names_a_format_or_says_why_not(data, name):
    with contextlib.suppress(UnknownFormat):
        assert detect_format(data, name) in FORMATS


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b'{"prompt": "p", "chosen": "a", "rejected": "b"}', "", "trl"),
        (b'[\n {"chosen": [], "rejected": []}]', "", "trl"),
        (b'{"prompt": "p", "responses": ["a", "b"]}', "", "responses"),
        (b'{"prompt": "cut off in the midd', "x.jsonl", None),
        (b'{"responses": ["a", "b"], "prompt": "cut off in the midd', "", "responses"),
        (b'{"prompt": "p", "chosen": "cut off in the midd', "", "trl"),
        (b"a,b,c\n1,2,3", "", "table"),
        (b"one column\n1", "x.csv", "table"),
        (b"just words", "notes.txt", None),
        (b'{"a": 1}', "", None),
        (b"", "", None),
    ],
)
def test_detection(head, name, expected):
    for data in (head, gzip.compress(head)):
        if expected:
            assert detect_format(data, name) == expected
        else:
            with pytest.raises(UnknownFormat):
                detect_format(data, name)


def test_unknown_format_names_the_known():
    with pytest.raises(UnknownFormat, match="trl"):
        get_format("xml")
