"""Prompt with K responses: every way to give, or leave out, a label."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.interchange.records import ImportedLabel
from tests.annotate.interchange.reading import read_one, read_rows

ROW = {"prompt": "Why?", "responses": ["a", {"text": "b", "model": "m", "version": "2"}, "c"]}


def verdicts(item):
    return {(lab.first, lab.second): lab.preferred for lab in item.labels}


def test_unlabelled():
    item = read_one({**ROW, "id": 17, "topic": "x"}, "responses")
    assert item.external_id == "17"
    assert [r.text for r in item.responses] == ["a", "b", "c"]
    assert (item.responses[1].generator, item.responses[1].generator_version) == ("m", "2")
    assert item.labels == ()
    assert item.metadata == {"topic": "x"}


def test_best_of_k():
    item = read_one({**ROW, "label": 1}, "responses")
    assert verdicts(item) == {(0, 1): 1, (1, 2): 1}


@pytest.mark.parametrize("verdict", ["tie", "both_good", "both_bad"])
def test_two_responses_that_tie(verdict):
    item = read_one({"prompt": "p", "responses": ["a", "b"], "label": verdict}, "responses")
    assert item.labels == (ImportedLabel(verdict),)


def test_several_annotators():
    labels = [
        {"preferred": 0, "annotator": "w1", "strength": 3},
        {"verdict": "tie", "annotator": "w2"},
    ]
    item = read_one({"prompt": "p", "responses": ["a", "b"], "labels": labels}, "responses")
    assert item.labels == (
        ImportedLabel("prefer", preferred=0, strength=3, annotator="w1"),
        ImportedLabel("tie", annotator="w2"),
    )


def test_one_pair_of_many():
    item = read_one({**ROW, "label": {"preferred": 2, "pair": [2, 0]}}, "responses")
    assert verdicts(item) == {(0, 2): 2}


def test_ranking_with_a_tie():
    item = read_one({**ROW, "ranking": [2, [0, 1]]}, "responses")
    assert verdicts(item) == {(0, 1): None, (0, 2): 2, (1, 2): 2}
    assert item.labels[0].verdict == "tie"


@given(st.permutations(range(6)))
def test_ranking_implies_every_pair(order):
    row = {"prompt": "p", "responses": list("abcdef"), "ranking": list(order)}
    item = read_one(row, "responses")
    expected = {tuple(sorted(p)): p[0] for p in itertools.combinations(order, 2)}
    assert verdicts(item) == expected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"responses": "a"}, "responses"),
        ({"responses": ["a", "b", None]}, "responses[2]"),
        ({"responses": ["a"] * 11}, "responses"),
        ({"responses": ["a", "a"]}, "responses"),
        ({"responses": ["a", 3]}, "responses[1]"),
        ({"responses": ["a", {"model": "m"}]}, "responses[1].content"),
        ({"label": 3}, "label"),
        ({"label": True}, "label"),
        ({"label": "best"}, "label"),
        ({"label": {"preferred": 0, "pair": [1, 2]}}, "label"),
        ({"label": {"preferred": 0, "pair": [1, 1]}}, "label.pair"),
        ({"labels": {"a": 1}}, "labels"),
        ({"labels": [0, {"preferred": 0, "strength": 9}]}, "labels[1].strength"),
        ({"ranking": [0, 1]}, "ranking"),
        ({"ranking": [0, 1, 1, 2]}, "ranking[2]"),
        ({"ranking": [0, 1, 7]}, "ranking[2]"),
    ],
)
def test_what_is_wrong_is_named(change, field):
    [error] = read_rows([{**ROW, **change}], "responses")
    assert error.field == field


def test_what_is_said_of_a_known_answer_may_stand_beside_it():
    row = {**ROW, "gold": 1, "gold_use": "quiz", "gold_explanation": "**b** is right."}
    gold = read_one(row, "responses").gold
    assert (gold.use, gold.explanation) == ("quiz", "**b** is right.")
    gold = read_one({**row, "gold": {"preferred": 1, "use": "training"}}, "responses").gold
    assert (gold.use, gold.explanation) == ("training", "**b** is right.")
    without = read_one({**ROW, "gold_use": None, "gold_explanation": ""}, "responses")
    assert (without.gold, without.metadata) == (None, {})


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"gold_use": "quiz"}, "gold_use"),
        ({"gold_explanation": "Why"}, "gold_explanation"),
        ({"gold": 1, "gold_use": "exam"}, "gold_use"),
        ({"gold": 1, "gold_use": ["quiz"]}, "gold_use"),
        ({"gold": 1, "gold_explanation": 3}, "gold_explanation"),
    ],
)
def test_nothing_said_of_a_known_answer_is_passed_over(said, field):
    [problem] = read_rows([{**ROW, **said}], "responses")
    assert problem.field == field
