"""What answers say, by kind: what can be compared, and that it does not depend on the order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotate.kinds import KINDS
from annotate.kinds.sayings import Label, Marked, Order
from tests.annotate.kinds.examples import EXAMPLES


def said(kind, value, ids=(3, 5)):
    return KINDS[kind].said(value, list(ids))


def test_preferences_name_responses_by_their_ids() -> None:
    value = {"verdict": "prefer", "preferred": 5, "strength": 1}
    assert said("pairwise", value, (5, 3)) == [Label("", "3,5", "second")]
    by = {**value, "criteria": {"true": {"verdict": "both_bad"}}}
    assert said("pairwise", by) == [
        Label("", "3,5", "second"), Label("true", "3,5", "both_bad"),
    ]  # fmt: skip
    assert said("context", {**value, "under": "Short?"}) == said("joint", value)
    closer = {"verdict": "closer", "closer": 7, "anchor": 3}
    assert said("similarity", closer, (3, 5, 7)) == [Label("", "5,7", "second")]


def test_ratings_have_the_level_of_their_scale() -> None:
    value = {
        "ratings": {"3": {"a": 4, "b": 2.5, "c": "yes", "d": None}},
        "words": {"3": ["no"]},
        "scales": {"a": [1, 5], "b": [0, 10], "c": "yes_no", "d": [1, 5]},
    }
    assert said("rating", value, (3,)) == [
        Label("a", "3", 4, "ordinal"), Label("b", "3", 2.5, "interval"),
        Label("c", "3", "yes"), Label("words", "3.0", "no"),
    ]  # fmt: skip
    steps = {"labels": {"3": [1, -1, None]}, "split": "lines"}
    assert said("steps", steps, (3,)) == [
        Label("", "3.0.lines", 1, "ordinal"), Label("", "3.1.lines", -1, "ordinal"),
    ]  # fmt: skip


def test_orders_keep_ties_and_what_is_below_all() -> None:
    ids = (1, 2, 3, 4)
    full = {"verdict": "full", "tiers": [[3], [1, 2]], "unrankable": {"4": "why"}}
    assert said("ranking", full, ids) == [Order("", ((3,), (1, 2)))]
    assert said("ranking", {"verdict": "best", "best": 2}, ids) == [Order("", ((2,),), (1, 3, 4))]
    ends = {"verdict": "best_worst", "best": 2, "worst": 1}
    assert said("ranking", ends, ids) == [Order("", ((2,), (3, 4), (1,)))]
    assert said("ranking", {"verdict": "all_bad"}, ids) == [Order("", (ids,))]


def test_marks_labels_and_forms() -> None:
    mark = {"response": 3, "part": 1, "start": 2, "end": 4, "type": "x"}
    assert said("spans", {"marks": [mark]}) == [
        Marked("", 3, {1: [(2, 4, "x")]}), Marked("", 5, {}),
    ]  # fmt: skip
    assert said("labels", {"labels": ["a/b", "c"]}) == [Label("", "", "a/b + c")]
    form = {
        "answers": {"best": {"verdict": "tie"}, "marks": {"marks": []}},
        "asked": [
            {"name": "best", "kind": "pairwise", "responses": [3, 5]},
            {"name": "marks", "kind": "spans", "responses": [5]},
        ],
    }
    assert said("form", form) == [Label("best", "3,5", "tie"), Marked("marks", 5, {})]
    assert said("critique", {"responses": {"3": {"critique": "Good."}}}) == []


@pytest.mark.parametrize("name", sorted(EXAMPLES))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_order_of_responses_does_not_matter(name, data) -> None:
    kind, example = KINDS[name], data.draw(EXAMPLES[name])
    cleaned = kind.clean_settings(example.settings)
    value = kind.clean_value(example.values[0], shown=example.shown, settings=cleaned)
    ids = sorted(example.shown.response_ids)
    found = kind.said(value, ids)
    assert sorted(found, key=repr) == sorted(kind.said(value, ids[::-1]), key=repr)
    for one in found:
        if isinstance(one, Label):
            assert (one.level == "nominal") == isinstance(one.value, str)
