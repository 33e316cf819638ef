"""Filters of training pairs, against loops and values worked by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.data import filters
from training.data.pairs import PreferencePair

ASKED = ({"role": "user", "content": "?"},)


def pair(number, **other):
    return PreferencePair(number, number, ASKED, f"good {number}", f"bad {number}", **other)


def test_the_displacement_score_by_hand():
    chosen = np.array([[1.0, 2.0], [3.0, 0.0]])
    rejected = np.array([[1.0, 2.0], [-1.0, 5.0]])
    # Equal states: 5 - 5. Opposite ones: -3 - 9.
    assert filters.displacement_scores(chosen, rejected).tolist() == [0.0, -12.0]
    with pytest.raises(ValueError, match="expected"):
        filters.displacement_scores(chosen, rejected[:1])


def test_the_displacement_score_is_least_for_opposites_and_knows_no_rotation():
    rng = np.random.default_rng(0)
    chosen, rejected = rng.normal(size=(2, 6, 4))
    turned, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    found = filters.displacement_scores(chosen, rejected)
    assert filters.displacement_scores(chosen @ turned, rejected @ turned) == pytest.approx(found)
    same_length = rejected * np.linalg.norm(chosen, axis=1, keepdims=True)
    same_length /= np.linalg.norm(rejected, axis=1, keepdims=True)
    ours = filters.displacement_scores(chosen, same_length)
    assert (filters.displacement_scores(chosen, -chosen) <= ours + 1e-9).all()
    assert (ours <= filters.displacement_scores(chosen, chosen) + 1e-9).all()


@given(
    st.lists(st.integers(-3, 3), max_size=12),
    st.floats(0, 0.9),
)
def test_the_highest_go_and_the_others_keep_their_order(scores, share):
    kept = filters.without_highest(scores, share).tolist()
    assert kept == sorted(kept)
    assert len(kept) == len(scores) - round(share * len(scores))
    gone = set(range(len(scores))) - set(kept)
    for one, other in itertools.product(kept, gone):
        assert (scores[one], one) < (scores[other], other)


def test_strength_by_hand():
    mean, deviation = filters.preference_strength(np.array([[1.0, -2.0], [3.0, -2.0]]))
    assert mean.tolist() == [2.0, -2.0]
    assert deviation.tolist() == [1.0, 0.0]


PAIRS = [pair(1, margin=2.0), pair(2), pair(3, margin=1.0), pair(4, tie=True), pair(5)]
MEAN = np.array([-1.0, 3.0, -0.2, -9.0, 0.1])


@pytest.mark.parametrize(
    ("rule", "share", "counts", "strengths"),
    [
        ("none", 0.5, {}, [-1.0, 3.0, -0.2, 0.0, 0.1]),
        ("drop", 0.5, {"dropped": 2}, [3.0, 0.0, 0.1]),
        ("flip", 0.5, {"flipped": 2}, [1.0, 3.0, 0.2, 0.0, 0.1]),
        ("flip", 0.75, {"flipped": 2}, [1.0, 3.0, 0.2, 0.0, 0.1]),  # what agrees is not flipped
        ("soften", 0.25, {"softened": 1}, [1.0, 3.0, -0.2, 0.0, 0.1]),
    ],
)
def test_the_weakest_are_dropped_flipped_or_softened(rule, share, counts, strengths):
    found, strength, counted = filters.by_strength(PAIRS, MEAN, rule=rule, share=share)
    assert counted == counts
    assert strength.tolist() == strengths
    assert len(found) == len(strengths)
    assert sum(one.tie for one in found) == 1
    if rule == "drop":
        assert [one.id for one in found] == [2, 4, 5]
    if rule == "flip":
        assert (found[0].chosen, found[0].rejected, found[0].margin) == ("bad 1", "good 1", 0.0)
        assert found[2].margin == 0.0
        assert found[1] == PAIRS[1]
    if rule == "soften":
        assert found[0].target == pytest.approx(1 / (1 + math.e))
        assert found[0].margin == 0.0
        assert found[0].chosen == "good 1"
        assert found[1].target == 1.0


def test_a_prompt_alone_is_lonelier_than_one_in_a_crowd():
    rng = np.random.default_rng(1)
    crowd = rng.normal(size=(20, 3)) * 0.1
    found = filters.loneliness(np.vstack([crowd, [[9.0, 0.0, 0.0]]]))
    assert found.argmax() == 20
    vectors = np.vstack([crowd, [[9.0, 0.0, 0.0]]])
    third = [sorted(np.linalg.norm(vectors - one, axis=1))[3] for one in vectors]
    expected = np.log(np.array(third) / np.median(third))
    assert found == pytest.approx(expected, abs=1e-6)


def test_loneliness_knows_neither_place_nor_size_of_the_whole():
    vectors = np.random.default_rng(2).normal(size=(13, 4))
    found = filters.loneliness(vectors)
    assert filters.loneliness(7 * vectors + 3) == pytest.approx(found, abs=1e-6)
    assert np.median(found) == pytest.approx(0, abs=1e-9)


def test_copies_few_rows_and_none_have_a_finite_loneliness():
    copies = np.vstack([np.ones((5, 2)), np.random.default_rng(3).normal(size=(9, 2))])
    found = filters.loneliness(copies)
    assert found[:5] == pytest.approx(math.log(filters.CLOSEST))
    assert np.isfinite(found).all()
    assert filters.loneliness(np.ones((9, 2))).tolist() == [math.log(filters.CLOSEST)] * 9
    for few in (0, 1, 3):
        assert filters.loneliness(np.ones((few, 2))).tolist() == [0.0] * few


@pytest.mark.parametrize(
    ("text", "quality"),
    [
        ("", 0.0),
        (" \n", 0.0),
        ("one two three four", 1.0),
        ("a b c a b c a b c", 3 / 7),
        ("你好世界", 1.0),
        ("!!! ???", 0.0),
        ("well, yes.", 7 / 9),
    ],
)
def test_quality_of_a_text(text, quality):
    assert filters.text_quality(text) == pytest.approx(quality)


def test_importance_by_hand():
    margin, quality, lonely = np.array([1.0, 3.0]), np.array([0.4, 0.2]), np.array([5.0, 5.0])
    weights = {"quality_weight": 0.5, "diversity_weight": 2.0}
    # Two values lie one deviation from their mean; equal ones say nothing.
    found = filters.importance(margin, quality, lonely, **weights)
    assert found.tolist() == pytest.approx([-1 + 0.5, 1 - 0.5])
    scaled = filters.importance(10 * margin + 4, quality, lonely, **weights)
    assert scaled == pytest.approx(found)
