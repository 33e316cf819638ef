"""Reliability of raters: that it is what was planted, and what divided items and gold do to it."""

import numpy as np
import pytest

from annotate.kinds.sayings import Label
from annotate.quality.reliability import by_rater, gold_scores, judge, scores
from annotate.quality.votes import Row, gather

RIGHT = [0.95, 0.9, 0.85, 0.8, 0.5]


def votes_of(labels):
    """labels: (task, rater, label) -> the votes."""
    rows = [
        Row(place, task, rater, None, 0.0, (), "", [Label("", "", str(label))])
        for place, (task, rater, label) in enumerate(labels)
    ]
    return gather(rows).labels[""]


def planted(seed=0, tasks=400, raters=RIGHT):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, tasks)
    said = [
        (task, rater, int(truth[task] if rng.random() < p else 1 - truth[task]))
        for task in range(tasks)
        for rater, p in enumerate(raters)
    ]
    return truth, said


def test_each_rater_is_as_reliable_as_planted() -> None:
    _, said = planted()
    votes = votes_of(said)
    found = by_rater([scores(votes, judge(votes, raters=5))])
    for rater, right in enumerate(RIGHT):
        assert found[rater].right == pytest.approx(right, abs=0.05)
        assert found[rater].labels == 400
        low, high = found[rater].interval
        assert low < found[rater].right < high
        assert high - low < 0.12


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """With three raters what is true of an item is often unsure, which makes them wider."""
    held = 0
    for seed in range(60):
        votes = votes_of(planted(seed, tasks=120, raters=[0.9, 0.75, 0.8])[1])
        low, high = by_rater([scores(votes, judge(votes, raters=3))])[0].interval
        held += low <= 0.9 <= high
    assert held >= 53


def test_single_labels_tell_nothing() -> None:
    single = [(task, 0, task % 2) for task in range(9)]
    assert judge(votes_of(single), raters=2) is None
    votes = votes_of([*single, (20, 0, 1), (20, 1, 1)])
    found = by_rater([scores(votes, judge(votes, raters=2))])
    assert {rater: one.labels for rater, one in found.items()} == {0: 1, 1: 1}
    assert by_rater([]) == {}


def test_both_sides_of_a_divided_item_are_right() -> None:
    """Twelve careful people, a third of the items with an even split."""
    rng = np.random.default_rng(5)
    said = []
    for task in range(90):
        for rater in range(12):
            truth = rng.integers(0, 2) if task % 3 == 0 else task % 2
            said.append((task, rater, truth if rng.random() < 0.97 else 1 - truth))
    votes = votes_of(said)
    judged = judge(votes, raters=12)
    divided = [task for task, (place, _) in enumerate(votes.items) if place % 3 == 0]
    others = [task for task, (place, _) in enumerate(votes.items) if place % 3]
    assert (judged.divided_N[divided] > 0.5).mean() > 0.9
    assert (judged.divided_N[others] > 0.5).mean() < 0.05
    found = by_rater([scores(votes, judged)])
    assert all(one.right > 0.9 for one in found.values())


def test_gold_is_known_whatever_most_say() -> None:
    said = [(task, rater, "b") for task in range(40) for rater in range(3)]
    said += [(task, 3, "a") for task in range(40)]
    votes = votes_of(said)
    gold = {item: votes.classes.index("a") for item in range(20)}
    on_gold = by_rater([gold_scores(votes, gold)])
    assert (on_gold[3].right, on_gold[0].right, on_gold[3].labels) == (1.0, 0.0, 20)
    judged = judge(votes, raters=4, gold=gold)
    with_gold = by_rater([scores(votes, judged, gold=gold)])
    without = by_rater([scores(votes, judge(votes, raters=4))])
    assert with_gold[3].right > without[3].right + 0.4


def test_one_class_or_very_many_have_no_model() -> None:
    assert judge(votes_of([(0, 0, 1), (0, 1, 1)]), raters=2) is None
    many = [(task, rater, task) for task in range(13) for rater in (0, 1)]
    assert judge(votes_of(many), raters=2) is None
