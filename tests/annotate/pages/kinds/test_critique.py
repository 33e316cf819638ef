"""Critiques and improved texts as a form: what it sends, what it shows again."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.critique import CritiqueSettings, clean_value
from annotate.kinds.errors import InvalidValue
from annotate.pages.kinds.critique import context, read

PARTS = ({"type": "text", "text": "\nParis.\r\n"}, {"type": "text", "text": "Of Spain."})
OTHER = ({"type": "image", "media": "x"}, {"type": "text", "text": "Madrid."})
TASK = SimpleNamespace(
    responses=[SimpleNamespace(pk=7, content=PARTS), SimpleNamespace(pk=4, content=OTHER)]
)
SHOWN = Shown((ShownResponse(7, PARTS), ShownResponse(4, OTHER)))
OPTIONAL = CritiqueSettings(confidence=True)
REQUIRED = CritiqueSettings(refinement="required", critique_min_chars=0)
FIELDS = {
    "answer.critique.7": ["Wrong\r\ncity"],
    "answer.refine.7": ["on"],
    "answer.refined.7": ["\r\nMadrid.\r\n\r\nOf Spain."],
    "answer.critique.4": ["Right"],
    "answer.refined.4": ["Madrid."],
    "answer.confidence": ["fairly"],
}


def read_fields(**changed: str) -> object:
    fields = {name: [text] for name, text in changed.items()}
    return read(MultiValueDict(FIELDS | fields), "answer")


def test_what_the_fields_hold_is_what_gets_stored():
    stored = clean_value(read_fields(), shown=SHOWN, settings=OPTIONAL)
    assert stored["responses"] == {
        "4": {"critique": "Right"},
        "7": {"critique": "Wrong\ncity", "refined": "\nMadrid.\n\nOf Spain."},
    }
    assert stored["confidence"] == "fairly"


def test_a_stored_and_a_typed_answer_come_back_into_the_form():
    typed = read_fields()
    for value in (typed, clean_value(typed, shown=SHOWN, settings=OPTIONAL)):
        shown = context(OPTIONAL, TASK, value)["by_response"]
        assert shown[7]["critique"] == "Wrong\ncity"
        assert (shown[7]["is_refined"], shown[7]["refined"]) == (True, "\nMadrid.\n\nOf Spain.")
        assert (shown[4]["is_refined"], shown[4]["refined"]) == (False, "Madrid.")


def test_untouched_fields_are_no_answer():
    fields = {"answer.critique.7": [" \r\n"], "answer.refined.7": ["Paris."]}
    assert read(MultiValueDict(fields), "answer") is None
    assert read(MultiValueDict({"answer2.critique.7": ["x"]}), "answer") is None


@pytest.mark.parametrize(
    ("asked", "changed", "field"),
    [
        (OPTIONAL, {"answer.critique.4": ""}, "value.responses.4.critique"),
        (OPTIONAL, {"answer.refine.4": "on"}, "value.responses.4.refined"),
        (OPTIONAL, {"answer.refined.7": " "}, "value.responses.7.refined"),
        (
            OPTIONAL,
            {"answer.refined.7": "\r\nParis.\r\n\n\nOf Spain."},
            "value.responses.7.refined",
        ),
        (OPTIONAL, {"answer.critique.9": "x"}, "value.responses.9"),
        (REQUIRED, {"answer.confidence": ""}, "value.responses.4.refined"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(asked, changed, field):
    with pytest.raises(InvalidValue) as error:
        clean_value(read_fields(**changed), shown=SHOWN, settings=asked)
    assert error.value.field == field


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["responses", "critique", "refined", "7"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(json_values)
def test_any_value_can_be_shown(value):
    assert context(OPTIONAL, TASK, value)["by_response"][4]["original"] == "Madrid."


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from([*FIELDS, "answer.critique."]), st.lists(st.text(max_size=5), max_size=2)
    )
)
def test_any_fields_can_be_read(fields):
    value = read(MultiValueDict(fields), "answer")
    assert value is None or isinstance(value, dict)
