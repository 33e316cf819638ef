"""Pairwise preference with criteria, reasons and confidence; without them it is as it was."""

import json
from dataclasses import asdict

import pytest

from annotate.kinds import InvalidValue, pairwise
from annotate.kinds.contract import Pair, Shown

A, B = 12, 34
SHOWN = Shown.of_ids([B, A])
TIE = {"verdict": "tie"}
CRITERIA = [
    {
        "name": "helpful",
        "title": "Helpful",
        "description": "Does it help?",
        "reasons": ["correct", "informative", "concise"],
    },
    {"name": "harmless"},
]
SURE = {"confidence": "absolutely"}
ANSWER = {
    "verdict": "prefer",
    "preferred": A,
    "strength": 3,
    **SURE,
    "criteria": {
        "helpful": {
            "verdict": "prefer",
            "preferred": B,
            "strength": 1,
            "confidence": "fairly",
            "reasons": ["correct", "concise"],
            "own_reason": "names its sources",
        },
        "harmless": {**TIE, "confidence": "not"},
    },
}


def settings(**more) -> pairwise.PairwiseSettings:
    return pairwise.clean_settings({"criteria": CRITERIA, "confidence": True, **more})


def clean(answer: dict, **more) -> dict:
    return pairwise.clean_value(answer, shown=SHOWN, settings=settings(**more))


def changed(path: str, value: object) -> dict:
    """ANSWER with another value at the dotted path; None takes it away."""
    answer = json.loads(json.dumps(ANSWER))
    *steps, last = path.split(".")
    at = answer
    for step in steps:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return answer


def test_a_complete_answer_is_stored_as_it_is():
    assert clean(ANSWER) == ANSWER


def test_reasons_are_stored_in_the_order_offered_and_empty_ones_left_out():
    answer = changed("criteria.helpful.reasons", ["concise", "correct"])
    assert clean(answer) == ANSWER
    answer = changed("criteria.helpful.own_reason", "  ")
    answer["criteria"]["helpful"]["reasons"] = []
    assert set(clean(answer)["criteria"]["helpful"]) == {
        *("verdict", "preferred", "strength", "confidence")
    }


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("confidence", None, "value.confidence"),
        ("confidence", "very", "value.confidence"),
        ("criteria", None, "value.criteria.helpful"),
        ("criteria", [], "value.criteria.helpful"),
        ("criteria", ["helpful"], "value.criteria"),
        ("criteria.harmless", None, "value.criteria.harmless"),
        ("criteria.harmless", {}, "value.criteria.harmless"),
        ("criteria.harmless", "tie", "value.criteria.harmless"),
        ("criteria.truthful", TIE, "value.criteria.truthful"),
        ("criteria.helpful.verdict", "best", "value.criteria.helpful.verdict"),
        ("criteria.helpful.preferred", 99, "value.criteria.helpful.preferred"),
        ("criteria.helpful.strength", 4, "value.criteria.helpful.strength"),
        ("criteria.helpful.confidence", None, "value.criteria.helpful.confidence"),
        ("criteria.helpful.reasons", ["kind"], "value.criteria.helpful.reasons.0"),
        ("criteria.helpful.reasons", ["correct"] * 2, "value.criteria.helpful.reasons.1"),
        ("criteria.helpful.reasons", "correct", "value.criteria.helpful.reasons"),
        ("criteria.harmless.reasons", ["correct"], "value.criteria.harmless.reasons.0"),
        ("criteria.helpful.own_reason", 3, "value.criteria.helpful.own_reason"),
        ("criteria.helpful.own_reason", "x" * 2001, "value.criteria.helpful.own_reason"),
        ("criteria.helpful.own_reason", "a\0b", "value.criteria.helpful.own_reason"),
        ("criteria.helpful.points", 1, "value.criteria.helpful.points"),
        ("criteria.harmless.strength", 1, "value.criteria.harmless.preferred"),
        ("margin", 1, "value.margin"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(path, value, field):
    with pytest.raises(InvalidValue) as refused:
        clean(changed(path, value))
    assert refused.value.field == field


def test_criteria_and_confidence_are_refused_where_they_are_not_asked():
    plain = pairwise.clean_settings({})
    for extra in (SURE, {"criteria": {"helpful": TIE}}):
        with pytest.raises(InvalidValue):
            pairwise.clean_value({**TIE, **extra}, shown=SHOWN, settings=plain)
    assert pairwise.clean_value({**TIE, "criteria": {}}, shown=SHOWN, settings=plain) == TIE


def test_pairs_and_distance_are_those_of_the_whole():
    assert pairwise.pairs(ANSWER, [A, B]) == [Pair(A, B, 3, tie=False)]
    assert pairwise.distance(ANSWER, TIE, [A, B]) == 0.5
    assert pairwise.distance(ANSWER, {**ANSWER, "criteria": {}}, [A, B]) == 0


def test_old_rows_are_read_as_before():
    old = {"verdict": "prefer", "preferred": B, "strength": 2, "margin": 0.4}
    assert pairwise.signed(old, [A, B]) == -2
    assert pairwise.SCHEMA_VERSION == 1


def test_settings_are_stored_and_read_again():
    stored = json.loads(json.dumps(asdict(settings())))
    assert pairwise.clean_settings(stored) == settings()
    assert stored["criteria"][1] == {
        "name": "harmless",
        "title": "Harmless",
        "description": "",
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("criteria", "field"),
    [
        ("helpful", "criteria"),
        ({}, "criteria"),
        ([{"name": "x"}] * 13, "criteria"),
        (["helpful"], "criteria.0"),
        ([{"name": "Helpful"}], "criteria.0.name"),
        ([{}], "criteria.0.name"),
        ([{"name": "x"}, {"name": "x"}], "criteria.1.name"),
        ([{"name": "x", "title": 3}], "criteria.0.title"),
        ([{"name": "x", "description": 3}], "criteria.0.description"),
        ([{"name": "x", "reasons": "abc"}], "criteria.0.reasons"),
        ([{"name": "x", "reasons": ["a", "a"]}], "criteria.0.reasons.1"),
        ([{"name": "x", "reasons": [""]}], "criteria.0.reasons.0"),
        ([{"name": "x", "weight": 1}], "criteria.0.weight"),
    ],
)
def test_bad_criteria_are_refused_with_their_path(criteria, field):
    with pytest.raises(InvalidValue) as refused:
        pairwise.clean_settings({"criteria": criteria})
    assert refused.value.field == f"kind_settings.{field}"


def test_confidence_is_true_or_false():
    with pytest.raises(InvalidValue, match=r"kind_settings\.confidence"):
        pairwise.clean_settings({"confidence": 1})
