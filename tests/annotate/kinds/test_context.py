"""Pairwise preferences under what the task states."""

import pytest

from annotate.kinds import InvalidValue, context
from annotate.kinds.contract import Pair, Shown, ShownResponse

PREFER = {"verdict": "prefer", "preferred": 2, "strength": 1}
SHORTER = {"criterion": "Which is shorter?"}


def clean(value: object, stated: dict | None = SHORTER) -> dict:
    shown = Shown((ShownResponse(2), ShownResponse(1)), context=stated)
    return context.clean_value(value, shown=shown, settings=context.clean_settings({}))


def test_an_answer_tells_what_it_was_judged_under():
    stored = {**PREFER, "under": "Which is shorter?"}
    assert clean(PREFER) == stored
    assert clean(stored) == stored
    assert clean(PREFER, {"situation": "A child asks."})["under"] == "A child asks."
    assert clean(PREFER, {**SHORTER, "situation": "A child asks."}) == stored
    assert context.pairs(stored, [1, 2]) == [Pair(2, 1, 1, tie=False, stated=True)]
    assert context.distance(stored, {**stored, "preferred": 1}, [1, 2]) == 1


@pytest.mark.parametrize(
    ("value", "stated", "field"),
    [
        ({}, SHORTER, "value"),
        ([], SHORTER, "value"),
        ({"verdict": "prefer"}, SHORTER, "value.preferred"),
        ({**PREFER, "under": "Which is longer?"}, SHORTER, "value.under"),
        ({"under": "Which is shorter?"}, SHORTER, "value"),
        (PREFER, None, "context.criterion"),
        (PREFER, {}, "context.criterion"),
        (PREFER, {"criterion": " "}, "context.criterion"),
        (PREFER, {"criterion": 5}, "context.criterion"),
        (PREFER, {**SHORTER, "situation": None}, "context.situation"),
    ],
)
def test_refused(value, stated, field):
    with pytest.raises(InvalidValue) as refused:
        clean(value, stated)
    assert refused.value.field == field


def user(text):
    return {"role": "user", "content": text}


BOTH = {"criterion": " Which is shorter?\n", "situation": "A child asks."}
REPLY = {"role": "assistant", "content": "Hello."}
PICTURE = {"type": "image", "file": 3}


@pytest.mark.parametrize(
    ("turns", "stated", "read"),
    [
        ([user("Why?")], SHORTER, [user("Why?\n\nWhich is shorter?")]),
        ([user("Why?")], BOTH, [user("Why?\n\nA child asks.\n\nWhich is shorter?")]),
        ([user("Why?")], {"words": ["x"]}, [user("Why?")]),
        ([user("Hi"), REPLY], SHORTER, [user("Hi"), REPLY, user("Which is shorter?")]),
        ([], SHORTER, [user("Which is shorter?")]),
        (
            [user([PICTURE])],
            SHORTER,
            [user([PICTURE, {"type": "text", "text": "Which is shorter?"}])],
        ),
    ],
)
def test_models_read_it_at_the_end_of_the_prompt(turns, stated, read):
    before = repr(turns)
    assert context.prompt_under(turns, stated) == read
    assert repr(turns) == before
