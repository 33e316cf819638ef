"""Two responses under two prompts, as a form."""

import re
from types import SimpleNamespace

import pytest
from django.utils.datastructures import MultiValueDict

from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.joint import clean_value
from annotate.kinds.pairwise import PairwiseSettings
from annotate.pages.kinds import joint

TALK = [{"role": "user", "content": "Name a *fruit*."}, {"role": "assistant", "content": "Apple."}]
PLAIN = PairwiseSettings()


def shown(stated: object, value: object = None) -> dict:
    responses = [SimpleNamespace(pk=7), SimpleNamespace(pk=4)]
    return joint.context(PLAIN, SimpleNamespace(responses=responses, context=stated), value)


def turns(stated: object) -> dict[int, list[tuple[str, str]]]:
    by_response = shown(stated)["by_response"]
    return {
        pk: [
            (turn.role, re.sub(' dir="auto"', "", turn.html).strip()) for turn in place["own_turns"]
        ]
        for pk, place in by_response.items()
    }


def test_each_response_has_its_own_prompt_or_the_tasks():
    talk = [("user", "<p>Name a <em>fruit</em>.</p>"), ("assistant", "<p>Apple.</p>")]
    assert turns({"prompts": {"4": TALK}}) == {7: [], 4: talk}
    assert turns({"prompts": {"7": "Sing.", "4": TALK}})[7] == [("user", "<p>Sing.</p>")]


def test_a_prompt_may_hold_parts():
    parts = [{"type": "text", "text": "Look <script>"}]
    ((role, html),) = turns({"prompts": {"4": [{"role": "user", "content": parts}]}})[4]
    assert role == "user"
    assert "Look" in html
    assert "<script" not in html


@pytest.mark.parametrize(
    "stated",
    [None, {}, {"prompts": []}, {"prompts": {"4": 3, "x": "y"}}, {"prompts": {"4": [1, {}]}}],
)
def test_wrong_prompts_can_be_shown(stated):
    assert turns(stated) == {7: [], 4: []}


def test_the_answer_is_that_of_pairwise_and_comes_back():
    about = Shown((ShownResponse(7), ShownResponse(4)), context={"prompts": {"4": TALK}})
    sent = MultiValueDict({"answer": ["prefer:4:2"]})
    value = clean_value(joint.read(sent, "answer"), shown=about, settings=PLAIN)
    assert value == {"verdict": "prefer", "preferred": 4, "strength": 2}
    assert shown({"prompts": {"4": TALK}}, value)["overall"].answer == "prefer:4:2"
