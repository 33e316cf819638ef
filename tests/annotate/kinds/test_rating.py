"""Ratings by criteria: scales, what is refused and where, preferences, distance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.kinds import InvalidValue, rating, scales
from annotate.kinds.contract import Pair, Shown, ShownResponse

CRITERIA = [
    {"name": "helpful", "title": "Helpful?", "scale": {"type": "likert", "points": 5}},
    {"name": "correct", "scale": {"type": "yes_no"}, "allow_na": True},
    {"name": "length", "scale": {"type": "number", "min": 0, "max": 1, "step": 0.1}}
    | {"required": False},
]
FULL = {"helpful": 4, "correct": "yes", "length": 0.3}
SCALES = {"helpful": [1, 5], "correct": "yes_no", "length": [0, 1]}
SHOWN = Shown(tuple(ShownResponse(pk) for pk in (8, 7)), context={"words": ["a", "red", "cat"]})


def clean(ratings: object, *, words: object = None, **more: object) -> dict:
    answer = {"ratings": ratings} | ({} if words is None else {"words": words})
    asked = rating.clean_settings({"criteria": CRITERIA, **more})
    return rating.clean_value(answer, shown=SHOWN, settings=asked)


def test_an_answer_as_stored():
    few = {"helpful": 5, "correct": None}
    assert clean({"8": few, "7": FULL}, overall="correct") == {
        "ratings": {"7": FULL, "8": few},
        "overall": "correct",
        "scales": SCALES,
    }


def test_words_of_the_task_are_marked_one_by_one():
    marks = {"7": ["yes", "no", "unsure"], "8": ["yes"] * 3}
    rated = {"7": FULL, "8": FULL}
    asked = rating.clean_settings({"criteria": CRITERIA, "words": True})
    value = rating.clean_value({"ratings": rated, "words": marks}, shown=SHOWN, settings=asked)
    assert value["words"] == marks
    for wrong, field in [
        (None, "value.words"),
        ({"7": ["yes"] * 3}, "value.words.8"),
        ({**marks, "8": ["yes"] * 2}, "value.words.8"),
        ({**marks, "8": ["yes", "maybe", "no"]}, "value.words.8.1"),
    ]:
        with pytest.raises(InvalidValue) as refused:
            rating.clean_value({"ratings": rated, "words": wrong}, shown=SHOWN, settings=asked)
        assert refused.value.field == field
    with pytest.raises(InvalidValue) as refused:
        clean(rated, words=marks)
    assert refused.value.field == "value.words"


@pytest.mark.parametrize(
    ("ratings", "field"),
    [
        (None, "value.ratings"),
        ([], "value.ratings"),
        ({}, "value.ratings.7"),
        ({"7": FULL}, "value.ratings.8"),
        ({"7": FULL, "8": FULL, "9": FULL}, "value.ratings.9"),
        ({"7": FULL, "8": []}, "value.ratings.8"),
        ({"7": FULL, "8": {**FULL, "humour": 3}}, "value.ratings.8.humour"),
        ({"7": FULL, "8": {"correct": "yes"}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": None}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": 0}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": 6}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": 3.5}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": True}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "helpful": "4"}}, "value.ratings.8.helpful"),
        ({"7": FULL, "8": {**FULL, "correct": True}}, "value.ratings.8.correct"),
        ({"7": FULL, "8": {**FULL, "correct": "maybe"}}, "value.ratings.8.correct"),
        ({"7": FULL, "8": {**FULL, "length": 0.35}}, "value.ratings.8.length"),
        ({"7": FULL, "8": {**FULL, "length": 1.1}}, "value.ratings.8.length"),
        ({"7": FULL, "8": {**FULL, "length": float("nan")}}, "value.ratings.8.length"),
        ({"7": FULL, "8": {**FULL, "length": float("inf")}}, "value.ratings.8.length"),
        ({"7": FULL, "8": {**FULL, "length": 10**400}}, "value.ratings.8.length"),
    ],
)
def test_refused_answers(ratings, field):
    with pytest.raises(InvalidValue) as refused:
        clean(ratings)
    assert refused.value.field == field


def test_nothing_rated_is_no_answer():
    asked = rating.clean_settings({"criteria": [{"name": "tone", "required": False}]})
    with pytest.raises(InvalidValue) as refused:
        rating.clean_value({"ratings": {"7": {}, "8": {}}}, shown=SHOWN, settings=asked)
    assert refused.value.field == "value.ratings"


def criteria(**more: object) -> dict:
    return {"criteria": [{"name": "a", **more}]}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"criteria": []}, "kind_settings.criteria"),
        ({"criteria": {"a": 1}}, "kind_settings.criteria"),
        ({"criteria": ["a"]}, "kind_settings.criteria.0"),
        ({"criteria": [{}]}, "kind_settings.criteria.0.name"),
        ({"criteria": [{"name": "a.b"}]}, "kind_settings.criteria.0.name"),
        ({"criteria": [{"name": "a"}, {"name": "a"}]}, "kind_settings.criteria.1.name"),
        ({"criteria": [{"name": "a"}], "overall": "b"}, "kind_settings.overall"),
        ({"words": "yes"}, "kind_settings.words"),
        (criteria(weight=1), "kind_settings.criteria.0.weight"),
        (criteria(required=1), "kind_settings.criteria.0.required"),
        (criteria(title=5), "kind_settings.criteria.0.title"),
        (criteria(scale=5), "kind_settings.criteria.0.scale"),
        (criteria(scale={"type": "stars"}), "kind_settings.criteria.0.scale.type"),
        (criteria(scale={"points": 1}), "kind_settings.criteria.0.scale.points"),
        (criteria(scale={"points": 5.0}), "kind_settings.criteria.0.scale.points"),
        (criteria(scale={"labels": ["bad", "good"]}), "kind_settings.criteria.0.scale.labels"),
        (
            criteria(scale={"points": 2, "labels": ["bad", 1]}),
            "kind_settings.criteria.0.scale.labels.1",
        ),
        (criteria(scale={"type": "yes_no", "points": 3}), "kind_settings.criteria.0.scale.points"),
        (
            criteria(scale={"type": "number", "min": 1, "max": 1}),
            "kind_settings.criteria.0.scale.max",
        ),
        (
            criteria(scale={"type": "number", "max": float("nan")}),
            "kind_settings.criteria.0.scale.max",
        ),
        (criteria(scale={"type": "number", "step": 11}), "kind_settings.criteria.0.scale.step"),
        (criteria(scale={"type": "number", "step": 1e-9}), "kind_settings.criteria.0.scale.step"),
    ],
)
def test_refused_settings(asked, field):
    with pytest.raises(InvalidValue) as refused:
        rating.clean_settings(asked)
    assert refused.value.field == field


@given(st.integers(-50, 50), st.sampled_from([0.1, 0.25, 0.3, 1, 2.5]), st.integers(0, 40))
def test_numbers_on_the_steps_are_taken_as_written(low, step, steps):
    scale = scales.clean_scale(
        "s", {"type": "number", "min": low, "max": low + 40 * step, "step": step}
    )
    written = float(f"{low + steps * step:.10g}")
    number = min(max(low + steps * step, scale.min), scale.max)  # with its error of rounding
    assert scales.clean_rating("x", number, scale) == written
    with pytest.raises(InvalidValue):
        scales.clean_rating("x", low + steps * step + step / 3, scale)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (4, 2, Pair(7, 8, 2, tie=False)),
        (4, 3, Pair(7, 8, 1, tie=False)),
        (1, 5, Pair(8, 7, 3, tie=False)),
        (2, 5, Pair(8, 7, 3, tie=False)),
        (3, 3, Pair(7, 8, 0, tie=True)),
    ],
)
def test_pairs_follow_the_overall_criterion(first, second, expected):
    value = clean({"7": {**FULL, "helpful": first}, "8": {**FULL, "helpful": second}})
    assert rating.pairs(value, [7, 8]) == [expected]


def test_what_is_unsure_or_not_applicable_makes_no_pair():
    def found(first: str | None, second: str | None) -> list[Pair]:
        rated = {"7": {**FULL, "correct": first}, "8": {**FULL, "correct": second}}
        return rating.pairs(clean(rated, overall="correct"), [7, 8])

    assert found("no", "yes") == [Pair(8, 7, 3, tie=False)]
    assert found("yes", "yes") == [Pair(7, 8, 0, tie=True)]
    assert found("yes", "unsure") == found(None, "yes") == found("unsure", "unsure") == []


def test_distance_by_hand():
    a = clean({"7": {"helpful": 1, "correct": "yes"}, "8": {"helpful": 5, "correct": None}})
    b = clean({"7": {"helpful": 5, "correct": "unsure"}, "8": {**FULL, "correct": "no"}})
    # Gaps of 4/4 and 1/2 at 7, of 1/4 and 1 at 8; only one of them rates a length.
    assert rating.distance(a, b, [7, 8]) == pytest.approx((1 + 0.5 + 0.25 + 1) / 4)
    old = {**b, "scales": {"helpful": [1, 9], "correct": "yes_no"}}
    old["ratings"] = {"7": {"helpful": 9}, "8": {"helpful": 9}}
    assert rating.distance(a, old, [7, 8]) == pytest.approx((1 + 0) / 2)
