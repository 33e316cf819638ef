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
    assert context.pairs(stored, [1, 2]) == [Pair(2, 1, 1, tie=False)]
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
