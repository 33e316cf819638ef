"""Steps as a form: what it shows, what it sends, what it shows again."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.steps import StepsSettings, clean_value
from annotate.pages.kinds.steps import context, read

THREE = ({"type": "text", "text": "Two **apples**.\n\nTwo more.\n\nFive."},)
ONE = ({"type": "steps", "steps": ["Four."]},)
TASK = SimpleNamespace(
    responses=[
        SimpleNamespace(pk=7, content=THREE, marked=False),
        SimpleNamespace(pk=4, content=ONE, marked=False),
    ]
)
SHOWN = Shown((ShownResponse(7, THREE), ShownResponse(4, ONE)))
EACH = StepsSettings(confidence=True)
FIRST = StepsSettings(mode="first_wrong")
FIELDS = {
    "answer.steps.7": ["3"],
    "answer.label.7.0": ["1"],
    "answer.label.7.1": ["0"],
    "answer.label.7.2": ["-1"],
    "answer.critique.7.0": [""],
    "answer.critique.7.2": ["2 + 2\r\nis 4"],
    "answer.steps.4": ["1"],
    "answer.label.4.0": ["1"],
    "answer.critique.4.0": [" "],
    "answer.confidence": ["not"],
}
FIRST_FIELDS = {
    "answer.steps.7": ["3"],
    "answer.first.7": ["1"],
    "answer.critique.7.1": ["why?"],
    "answer.steps.4": ["1"],
    "answer.first.4": ["none"],
}


def read_fields(fields: dict, **changed: str) -> object:
    return read(MultiValueDict(fields | {name: [text] for name, text in changed.items()}), "answer")


def test_what_the_fields_hold_is_what_gets_stored():
    stored = clean_value(read_fields(FIELDS), shown=SHOWN, settings=EACH)
    assert stored["labels"] == {"4": [1], "7": [1, 0, -1]}
    assert stored["critiques"] == {"7": {"2": "2 + 2\nis 4"}}
    assert stored["confidence"] == "not"


def test_a_first_wrong_step_tells_of_those_around_it():
    stored = clean_value(read_fields(FIRST_FIELDS), shown=SHOWN, settings=FIRST)
    assert stored["labels"] == {"4": [1], "7": [1, -1, None]}
    assert stored["critiques"] == {"7": {"1": "why?"}}


@pytest.mark.parametrize(("asked", "fields"), [(EACH, FIELDS), (FIRST, FIRST_FIELDS)])
def test_a_stored_and_a_typed_answer_come_back_into_the_form(asked, fields):
    typed = read_fields(fields)
    for value in (typed, clean_value(typed, shown=SHOWN, settings=asked)):
        shown = context(asked, TASK, value)["by_response"]
        labels = [step.label for step in shown[7]["steps"]]
        critiques = [step.critique for step in shown[7]["steps"]]
        if asked is EACH:
            assert labels == ["1", "0", "-1"]
            assert critiques == ["", "", "2 + 2\nis 4"]
        else:
            assert (shown[7]["first"], shown[4]["first"]) == ("1", "none")
            assert critiques == ["", "why?", ""]


def test_the_steps_are_those_that_get_judged():
    shown = context(EACH, TASK, None)["by_response"]
    assert "<strong>apples</strong>" in shown[7]["steps"][0].html
    assert [step.place for step in shown[7]["steps"]] == [1, 2, 3]
    assert len(shown[4]["steps"]) == 1


def test_the_text_stays_where_it_says_more_than_its_steps():
    image = ({"type": "text", "text": "One."}, {"type": "image", "media": "x"})
    responses = [
        SimpleNamespace(pk=1, content=THREE, marked=False),
        SimpleNamespace(pk=2, content=THREE, marked=True),
        SimpleNamespace(pk=3, content=image, marked=False),
        SimpleNamespace(pk=4, content=({"type": "steps", "steps": [1]},), marked=False),
    ]
    shown = context(EACH, SimpleNamespace(responses=responses), None)["by_response"]
    assert [shown[pk]["replaces"] for pk in (1, 2, 3, 4)] == [True, False, False, True]
    assert shown[4]["steps"] == []


def test_untouched_fields_are_no_answer():
    declared = {"answer.steps.7": ["3"], "answer.steps.4": ["0"], "answer.critique.7.0": [" "]}
    assert read(MultiValueDict(declared), "answer") is None
    assert read(MultiValueDict({"answer.label.7.0": ["1"]}), "answer") is None


@pytest.mark.parametrize(
    ("asked", "fields", "changed", "field"),
    [
        (EACH, FIELDS, {"answer.label.7.1": ""}, "value.labels.7.1"),
        (EACH, FIELDS, {"answer.label.7.1": "2"}, "value.labels.7.1"),
        (EACH, FIELDS, {"answer.label.4.0": ""}, "value.labels.4"),
        (EACH, FIELDS, {"answer.steps.7": "2"}, "value.labels.7"),
        (EACH, FIELDS, {"answer.steps.7": "99999999"}, "value.labels.7"),
        (FIRST, FIRST_FIELDS, {"answer.first.7": "3"}, "value.labels.7"),
        (FIRST, FIRST_FIELDS, {"answer.first.7": ""}, "value.labels.7"),
        (FIRST, FIRST_FIELDS, {"answer.critique.7.9": "x"}, "value.critiques.7.9"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(asked, fields, changed, field):
    with pytest.raises(InvalidValue) as error:
        clean_value(read_fields(fields, **changed), shown=SHOWN, settings=asked)
    assert error.value.field == field


json_values = st.recursive(
    st.none() | st.integers(-2, 2) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["labels", "critiques", "7", "0"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(json_values)
def test_any_value_can_be_shown(value):
    for asked in (EACH, FIRST):
        assert len(context(asked, TASK, value)["by_response"][7]["steps"]) == 3


names = st.sampled_from([*FIELDS, *FIRST_FIELDS, "answer.steps.", "answer.critique.7."])


@settings(max_examples=40)
@given(st.dictionaries(names, st.lists(st.text(max_size=5) | st.just("3"), max_size=2)))
def test_any_fields_can_be_read(fields):
    value = read(MultiValueDict(fields), "answer")
    assert value is None or isinstance(value, dict)
