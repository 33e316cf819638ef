"""Rating as a form: what it offers, what it sends, what it shows again."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.errors import InvalidValue
from annotate.kinds.rating import clean_settings, clean_value
from annotate.pages.kinds.rating import context, read

WORDS = {"words": ["a red", "balloon"]}
TASK = SimpleNamespace(
    responses=[SimpleNamespace(pk=7), SimpleNamespace(pk=4)], context=WORDS, passages=()
)
SHOWN = Shown((ShownResponse(7), ShownResponse(4)), context=WORDS)
SETTINGS = clean_settings(
    {
        "confidence": True,
        "words": True,
        "criteria": [
            {"name": "helpful", "title": "Helpful", "scale": {"points": 3}},
            {"name": "true", "scale": {"type": "yes_no"}, "allow_na": True},
            {"name": "cost", "scale": {"type": "number", "max": 9, "step": 0.5}, "allow_na": True},
            {"name": "many", "scale": {"points": 11}, "required": False},
        ],
    }
)
FIELDS = {
    "answer.ratings.7": [""],
    "answer.ratings.7.helpful": ["3"],
    "answer.ratings.7.true": ["unsure"],
    "answer.ratings.7.cost": ["2.5"],
    "answer.ratings.7.many": ["11"],
    "answer.words.7": ["2"],
    "answer.words.7.0": ["yes"],
    "answer.words.7.1": ["no"],
    "answer.ratings.4": [""],
    "answer.ratings.4.helpful": ["1"],
    "answer.ratings.4.true": ["na"],
    "answer.ratings.4.cost": [""],
    "answer.na.4.cost": ["na"],
    "answer.ratings.4.many": [""],
    "answer.words.4": ["2"],
    "answer.words.4.0": ["unsure"],
    "answer.words.4.1": ["yes"],
    "answer.confidence": ["fairly"],
    "rationale": ["because"],
}
RATINGS = {
    "4": {"helpful": 1, "true": None, "cost": None},
    "7": {"helpful": 3, "true": "unsure", "cost": 2.5, "many": 11},
}


def read_fields(**changed: str) -> object:
    fields = {name: [text] for name, text in changed.items()}
    return read(MultiValueDict(FIELDS | fields), "answer")


@pytest.mark.parametrize(
    ("scale", "values"),
    [
        ({"min": 0, "max": 4, "step": 1}, ["0", "1", "2", "3", "4"]),
        ({"min": 0.0, "max": 9.0, "step": 3.0}, ["0", "3", "6", "9"]),
        ({"min": 0, "max": 10, "step": 1}, []),
        ({"min": -1, "max": 1, "step": 1}, []),
        ({"min": 0, "max": 4, "step": 0.5}, []),
        ({"min": 0, "max": 4, "step": 0}, []),
    ],
)
def test_numbers_of_one_digit_are_buttons(scale, values):
    asked = clean_settings({"criteria": [{"name": "help", "scale": {"type": "number", **scale}}]})
    shown = context(asked, TASK, {"ratings": {"7": {"help": 3.0}}})
    [row] = shown["by_response"][7]["rows"]
    assert [(one.value, one.key) for one in row.options] == [(one, one) for one in values]
    assert row.given == "3"
    if values:
        assert read(MultiValueDict({"q.ratings.7.help": [values[-1]]}), "q") == {
            "ratings": {"7": {"help": int(values[-1])}}
        }


def test_what_the_fields_hold_is_what_gets_stored():
    stored = clean_value(read_fields(), shown=SHOWN, settings=SETTINGS)
    assert stored["ratings"] == RATINGS
    assert stored["words"] == {"4": ["unsure", "yes"], "7": ["yes", "no"]}
    assert stored["confidence"] == "fairly"


def test_a_stored_and_a_typed_answer_come_back_into_the_form():
    typed = read_fields()
    for value in (typed, clean_value(typed, shown=SHOWN, settings=SETTINGS)):
        shown = context(SETTINGS, TASK, value)
        rows = {pk: there["rows"] for pk, there in shown["by_response"].items()}
        assert [row.given for row in rows[7]] == ["3", "unsure", "2.5", "11"]
        assert [row.given for row in rows[4]] == ["1", "na", "na", ""]
        assert [row.given for row in shown["by_response"][4]["words"]] == ["unsure", "yes"]
        assert shown["confidence_given"] == "fairly"


def test_every_offered_answer_is_valid():
    rows = [
        row
        for there in context(SETTINGS, TASK, None)["by_response"].values()
        for row in there["rows"]
    ]
    offered = [(row, option) for row in rows for option in [*row.options, *filter(None, [row.na])]]
    assert len(offered) == 2 * (3 + 4 + 1)
    for row, option in offered:
        below = row.na_below if option is row.na and not row.options else row.below
        changed = {f"answer{below}": option.value}
        if below == row.na_below:
            changed[f"answer{row.below}"] = ""
        stored = clean_value(read_fields(**changed), shown=SHOWN, settings=SETTINGS)
        assert row.name in stored["ratings"][row.below.split(".")[2]]


def test_untouched_fields_are_no_answer():
    declared = {"answer.ratings.7": [""], "answer.ratings.4": [""], "answer.words.7": ["2"]}
    assert read(MultiValueDict(declared), "answer") is None
    assert read(MultiValueDict({"answer2.ratings.7.helpful": ["1"]}), "answer") is None


def test_a_response_left_alone_stands_in_the_answer_as_empty():
    fields = {"answer.ratings.7": [""], "answer.ratings.4": [""], "answer.ratings.4.many": ["2"]}
    assert read(MultiValueDict(fields), "answer") == {"ratings": {"7": {}, "4": {"many": 2}}}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"answer.ratings.7.helpful": ""}, "value.ratings.7.helpful"),
        ({"answer.ratings.7.helpful": "4"}, "value.ratings.7.helpful"),
        ({"answer.ratings.7.cost": "2.3"}, "value.ratings.7.cost"),
        ({"answer.ratings.7.cost": "1e999"}, "value.ratings.7.cost"),
        ({"answer.ratings.7.cost": "٣"}, "value.ratings.7.cost"),
        ({"answer.ratings.4.cost": "3"}, "value.ratings.4.cost"),
        ({"answer.words.4.1": ""}, "value.words.4.1"),
        ({"answer.words.4": "3"}, "value.words.4"),
        ({"answer.confidence": ""}, "value.confidence"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(changed, field):
    with pytest.raises(InvalidValue) as error:
        clean_value(read_fields(**changed), shown=SHOWN, settings=SETTINGS)
    assert error.value.field == field


def test_a_task_with_wrong_words_is_shown_without_them():
    wrong = SimpleNamespace(responses=TASK.responses, context={"words": [1]})
    assert context(SETTINGS, wrong, None)["by_response"][7]["words"] == []


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["ratings", "words", "7", "helpful"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(json_values)
def test_any_value_can_be_shown(value):
    assert len(context(SETTINGS, TASK, value)["by_response"][7]["rows"]) == 4


names = st.sampled_from([*FIELDS, "answer.ratings.", "answer.words", "answer.words..x", "answer."])


@settings(max_examples=40)
@given(st.dictionaries(names, st.lists(st.text(max_size=5), max_size=2)))
def test_any_fields_can_be_read(fields):
    value = read(MultiValueDict(fields), "answer")
    assert value is None or isinstance(value, dict)
