"""Pairwise under a stated criterion, as a form."""

from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict

from annotate.kinds.context import clean_value
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.pairwise import PairwiseSettings
from annotate.pages.kinds import context as page_part

STATED = {"situation": "The reader is a child.", "criterion": "Which is shorter?"}
PLAIN = PairwiseSettings()


def shown(stated: object, value: object = None) -> dict:
    responses = [SimpleNamespace(pk=7), SimpleNamespace(pk=4)]
    return page_part.context(PLAIN, SimpleNamespace(responses=responses, context=stated), value)


def test_the_criterion_stands_before_the_situation():
    found = [(str(name), text) for name, text in shown(STATED)["statements"]]
    assert found == [("Judge by", "Which is shorter?"), ("Situation", "The reader is a child.")]


@pytest.mark.parametrize("stated", [None, {}, [], {"criterion": ""}, {"criterion": {"a": 1}}])
def test_a_task_that_states_nothing_can_be_shown(stated):
    assert shown(stated)["statements"] == []


def test_the_answer_is_that_of_pairwise_and_comes_back():
    about = Shown((ShownResponse(7), ShownResponse(4)), context=STATED)
    sent = MultiValueDict({"answer": ["prefer:4:2"]})
    value = clean_value(page_part.read(sent, "answer"), shown=about, settings=PLAIN)
    assert value == {
        "verdict": "prefer",
        "preferred": 4,
        "strength": 2,
        "under": "Which is shorter?",
    }
    assert shown(STATED, value)["overall"].answer == "prefer:4:2"
