"""Counting alignment by hand: coverage, false failures, votes, drift."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotate.models import Judge
from routing.reports.alignment import Alignment, align, majority, moved_since, paired


def test_coverage_and_false_failures_are_evalgens() -> None:
    """Of 4 bad outputs the judge fails 3, of 6 good ones 1: alignment 2 · .75 · .8333 / 1.5833."""
    people = {n: n >= 4 for n in range(10)}
    said = {n: n == 3 or 4 <= n < 9 for n in range(10)}
    found = align(people, said | {99: True})
    assert found == Alignment(3, 1, 1, 5)
    assert (found.coverage.hits, found.coverage.count) == (3, 4)
    assert (found.false_failures.hits, found.false_failures.count) == (1, 6)
    assert found.agreement.value == 0.8
    assert found.alignment == pytest.approx(2 * 0.75 * (5 / 6) / (0.75 + 5 / 6))
    assert found.coverage.low == pytest.approx(0.30064, abs=1e-4)  # Wilson's for 3 of 4


def test_without_bad_or_good_outputs_nothing_is_aligned() -> None:
    assert align({1: True}, {1: True}).alignment is None
    assert align({1: False}, {1: False}).alignment is None
    assert align({1: False, 2: True}, {1: True, 2: False}).alignment == 0


def test_a_majority_is_more_than_half() -> None:
    votes = {1: [True], 2: [True, False], 3: [True, False, False], 4: [True, True, False]}
    assert majority(votes) == {1: True, 3: False, 4: True}


def test_drift_is_on_what_both_read() -> None:
    before = Judge(pk=1)
    now = {1: True, 2: True, 3: False, 4: True}
    then = {1: True, 2: False, 3: True, 5: True}
    moved = moved_since(before, now, then, {1: True, 2: True, 4: True})
    assert (moved.flipped.hits, moved.flipped.count) == (2, 3)
    assert (moved.now.hits, moved.then.hits, moved.now.count) == (2, 1, 2)
    value, low, high = moved.difference
    assert value == 0.5
    assert low < 0.5 <= high
    assert moved_since(None, now, then, {}) is None
    assert moved_since(before, now, {9: True}, {}) is None


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 100))
def test_a_paired_difference_lies_in_its_interval(won: int, lost: int, same: int) -> None:
    count = won + lost + same
    if not count:
        return
    value, low, high = paired(won, lost, count)
    assert -1 <= low < high <= 1
    turned = paired(lost, won, count)
    assert (turned[0], turned[1]) == pytest.approx((-value, -high))
