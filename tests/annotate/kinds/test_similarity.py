"""Similarity triplets: the anchor, what is refused and where, distance."""

import pytest

from annotate.kinds import InvalidValue, similarity
from annotate.kinds.contract import Shown, ShownResponse


def clean(value: object, anchor: object = 5, **asked: object) -> dict:
    responses = tuple(ShownResponse(pk) for pk in (6, 5, 4))
    context = None if anchor is None else {"anchor": anchor}
    return similarity.clean_value(
        value,
        shown=Shown(responses, context=context),
        settings=similarity.clean_settings(asked),
    )


def closer(pk: object, **more: object) -> dict:
    return {"verdict": "closer", "closer": pk, **more}


def test_the_task_names_the_anchor_or_the_first_response_is_it():
    assert clean(closer(6)) == closer(6, anchor=5)
    assert clean(closer(6, anchor=5)) == closer(6, anchor=5)
    assert clean(closer(6), anchor=None) == closer(6, anchor=4)
    assert clean({"verdict": "cant_tell"}) == {"verdict": "cant_tell", "anchor": 5}
    assert similarity.triplet(closer(6, anchor=5), [4, 5, 6]) == (5, 6, 4)
    assert similarity.triplet({"verdict": "cant_tell", "anchor": 5}, [4, 5, 6]) is None
    assert similarity.pairs(closer(6, anchor=5), [4, 5, 6]) == []


@pytest.mark.parametrize(
    ("value", "anchor", "field"),
    [
        ({}, 5, "value"),
        ({"closer": 6}, 5, "value.verdict"),
        (closer(5), 5, "value.closer"),
        (closer(7), 5, "value.closer"),
        (closer(True), 5, "value.closer"),
        (closer(None), 5, "value.closer"),
        (closer(6, anchor=4), 5, "value.anchor"),
        (closer(6, anchor=9), 5, "value.anchor"),
        ({"verdict": "cant_tell", "closer": 6}, 5, "value.closer"),
        (closer(6), 9, "context.anchor"),
        (closer(6), "5", "context.anchor"),
    ],
)
def test_refused(value, anchor, field):
    with pytest.raises(InvalidValue) as refused:
        clean(value, anchor)
    assert refused.value.field == field


def test_a_project_may_want_a_choice():
    with pytest.raises(InvalidValue) as refused:
        clean({"verdict": "cant_tell"}, allow_cant_tell=False)
    assert refused.value.field == "value.verdict"
    with pytest.raises(InvalidValue) as refused:
        similarity.clean_settings({"allow_cant_tell": 0})
    assert refused.value.field == "kind_settings.allow_cant_tell"


def test_distance():
    unsure = {"verdict": "cant_tell", "anchor": 5}
    ids = [4, 5, 6]
    assert similarity.distance(closer(6, anchor=5), closer(4, anchor=5), ids) == 1
    assert similarity.distance(closer(6, anchor=5), unsure, ids) == 0.5
    assert similarity.distance(unsure, unsure, ids) == 0
    assert similarity.distance(closer(6, anchor=5), closer(6, anchor=4), ids) == 1
