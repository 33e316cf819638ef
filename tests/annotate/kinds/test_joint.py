"""Joint preferences: two responses with two prompts."""

import pytest

from annotate.kinds import InvalidValue, joint
from annotate.kinds.contract import Pair, Shown, ShownResponse

MESSAGES = [{"role": "user", "content": "Name a fruit."}]
PREFER = {"verdict": "prefer", "preferred": 2, "strength": 3}


def shown(prompts: object) -> Shown:
    context = {} if prompts is None else {"prompts": prompts}
    return Shown((ShownResponse(2), ShownResponse(1)), context=context)


def clean(value: object, prompts: object = {"2": MESSAGES}) -> dict:
    return joint.clean_value(value, shown=shown(prompts), settings=joint.clean_settings({}))


def test_answers_are_those_of_pairwise():
    assert clean(PREFER) == PREFER
    assert clean({"verdict": "both_bad"}) == {"verdict": "both_bad"}
    with pytest.raises(InvalidValue) as refused:
        clean({"verdict": "prefer", "preferred": 3})
    assert refused.value.field == "value.preferred"


def test_each_response_has_its_prompt():
    assert joint.prompts_of(shown({"2": MESSAGES})) == {2: MESSAGES, 1: None}
    assert joint.prompts_of(shown({"1": "a", "2": "b"})) == {2: "b", 1: "a"}


@pytest.mark.parametrize(
    ("prompts", "field"),
    [
        (None, "context.prompts"),
        ({}, "context.prompts"),
        ([], "context.prompts"),
        ({"1": "a", "2": "a"}, "context.prompts"),
        ({"3": "a"}, "context.prompts.3"),
        ({"1": ""}, "context.prompts.1"),
        ({"1": 5}, "context.prompts.1"),
    ],
)
def test_a_task_needs_two_prompts(prompts, field):
    with pytest.raises(InvalidValue) as refused:
        clean(PREFER, prompts)
    assert refused.value.field == field


def test_a_preference_across_prompts_is_no_pair_of_one_prompt():
    assert joint.pairs(PREFER, [1, 2]) == []
    assert joint.joint_pair(PREFER, [1, 2]) == Pair(2, 1, 3, tie=False)
    assert joint.distance(PREFER, {"verdict": "tie"}, [1, 2]) == 0.5
