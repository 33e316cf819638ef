"""Labels as a form: what it offers, what it sends, what it shows again."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.kinds.contract import Shown
from annotate.kinds.errors import InvalidValue
from annotate.kinds.labels import clean_settings, clean_value, paths
from annotate.pages.kinds.labels import NONE, context, read

TREE = [
    {"name": "harm", "title": "Harmful", "children": [{"name": "hate"}, {"name": "fraud"}]},
    {"name": "style"},
]
FLAT = [{"name": "yes"}, {"name": "no"}]
TASK = SimpleNamespace(responses=[SimpleNamespace(pk=7), SimpleNamespace(pk=4)])
SHOWN = Shown.of_ids([7, 4])
OF_TASK = clean_settings({"tree": TREE, "multiple": True, "min": 0, "max": 2})
OF_RESPONSES = clean_settings(
    {"tree": TREE, "multiple": True, "min": 0, "scope": "response", "confidence": True}
)


def read_fields(**fields: list[str]) -> object:
    return read(
        MultiValueDict({name.replace("_", "."): given for name, given in fields.items()}), "answer"
    )


def test_labels_of_a_task_come_through_and_back():
    typed = read_fields(answer=["style", "harm/hate"])
    stored = clean_value(typed, shown=SHOWN, settings=OF_TASK)
    assert stored == {"labels": ["harm/hate", "style"]}
    for value in (typed, stored):
        assert context(OF_TASK, TASK, value)["chosen"] == {"harm/hate", "style"}


def test_labels_of_responses_come_through_and_back():
    typed = read_fields(answer_7=["harm"], answer_4=[NONE], answer_confidence=["not"])
    stored = clean_value(typed, shown=SHOWN, settings=OF_RESPONSES)
    assert stored == {"responses": {"4": [], "7": ["harm"]}, "confidence": "not"}
    for value in (typed, stored):
        shown = context(OF_RESPONSES, TASK, value)["by_response"]
        assert (set(shown[7]["chosen"]), set(shown[4]["chosen"])) == ({"harm"}, {NONE})


@pytest.mark.parametrize("leaf_only", [True, False])
def test_every_offered_label_is_valid(leaf_only):
    asked = clean_settings({"tree": TREE, "leaf_only": leaf_only})
    entries = context(asked, TASK, None)["entries"]
    offered = [entry.path for entry in entries if entry.can_be_chosen]
    assert offered == paths(asked.tree, leaf_only=leaf_only)
    assert len(entries) == 4
    assert [entry.above for entry in entries] == [(), ("Harmful",), ("Harmful",), ()]
    for path in offered:
        assert clean_value({"labels": [path]}, shown=SHOWN, settings=asked)


@pytest.mark.parametrize(
    ("asked", "places"),
    [
        ({"tree": FLAT}, (True, False, False)),
        ({"tree": TREE}, (False, True, False)),
        ({"tree": TREE, "confidence": True}, (True, True, False)),
        ({"tree": TREE, "scope": "response"}, (False, False, True)),
        ({"tree": FLAT, "scope": "response", "confidence": True}, (True, False, True)),
        ({"tree": [{"name": str(number)} for number in range(10)]}, (False, True, False)),
    ],
)
def test_the_place_on_the_page(asked, places):
    shown = context(clean_settings(asked), TASK, None)
    assert (shown["show_bar"], shown["show_side"], shown["show_responses"]) == places


def test_untouched_fields_are_no_answer():
    assert read_fields() is None
    assert read_fields(answer=[], answer_7=[], answer_confidence=[""]) is None
    assert read_fields(answer2=["style"], answer_x=["style"]) is None


@pytest.mark.parametrize(
    ("asked", "fields", "field"),
    [
        (OF_TASK, {"answer": ["nothing"]}, "value.labels.0"),
        (OF_TASK, {"answer": ["style", NONE]}, "value.labels.1"),
        (OF_TASK, {"answer": ["harm/hate", "harm/fraud", "style"]}, "value.labels"),
        (OF_TASK, {"answer_7": ["style"]}, "value.responses"),
        (OF_RESPONSES, {"answer_7": ["style"]}, "value.responses.4"),
        (OF_RESPONSES, {"answer_7": ["x"], "answer_4": [NONE]}, "value.responses.7.0"),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(asked, fields, field):
    with pytest.raises(InvalidValue) as error:
        clean_value(read_fields(**fields), shown=SHOWN, settings=asked)
    assert error.value.field == field


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["labels", "responses", "7", "harm"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(json_values)
def test_any_value_can_be_shown(value):
    for asked in (OF_TASK, OF_RESPONSES):
        assert len(context(asked, TASK, value)["by_response"]) == 2


names = st.sampled_from(["answer", "answer.7", "answer.", "answer.x", "answer.confidence"])


@settings(max_examples=40)
@given(st.dictionaries(names, st.lists(st.text(max_size=5), max_size=2)))
def test_any_fields_can_be_read(fields):
    value = read(MultiValueDict(fields), "answer")
    assert value is None or isinstance(value, dict)
