"""Shares, weights and tests of principles, beside scipy and brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.principles.scores import (
    Part,
    difference_of,
    false_discovery,
    score,
    share_of,
    sign_test,
    weight_of,
)

stats = pytest.importorskip("scipy.stats")


def part(votes: list[list[int]], *, prompts=None, longer=None, first=None) -> Part:
    vote_IP = np.array(votes)
    size = len(votes)
    return Part(
        vote_IP,
        np.array(prompts if prompts is not None else range(size)),
        np.array(longer if longer is not None else [1] * size),
        np.array(first if first is not None else [1, -1] * (size // 2) + [1] * (size % 2)),
    )


@given(st.lists(st.tuples(st.sampled_from([-1, 0, 1]), st.integers(0, 6)), max_size=40))
def test_the_sign_test_is_the_binomial_test_of_prompts(given_rows) -> None:
    votes = np.array([vote for vote, _ in given_rows], dtype=np.int64)
    prompts = np.array([prompt for _, prompt in given_rows], dtype=np.int64)
    sums = [int(votes[prompts == one].sum()) for one in range(7)]
    hits, count = sum(one > 0 for one in sums), sum(one != 0 for one in sums)
    expected = stats.binomtest(hits, count, 0.5).pvalue if count else 1.0
    assert sign_test(votes, prompts) == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_false_discoveries_are_those_of_scipy(p_values) -> None:
    expected = stats.false_discovery_control(p_values)
    assert false_discovery(p_values) == pytest.approx(expected, abs=1e-12)


def test_pairs_of_one_prompt_widen_the_interval() -> None:
    """Ten prompts whose eight pairs all say the same carry ten votes, not eighty."""
    right = np.repeat([1.0, 1, 1, 1, 1, 1, 1, 0, 0, 0], 8)
    together = share_of(right, np.repeat(np.arange(10), 8))
    apart = share_of(right, np.arange(80))
    alone = share_of(right[::8], np.arange(10))
    assert together.share == apart.share == alone.share == 0.7
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    assert apart.high - apart.low < 0.4 * (together.high - together.low)


def test_an_interval_covers_what_it_says() -> None:
    """Prompts with pairs that hang together: of 95 % intervals some 95 % hold the truth."""
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        of_prompt = rng.beta(3, 2, 60)
        right = rng.random((60, 4)) < of_prompt[:, None]
        found = share_of(right.ravel().astype(float), np.repeat(np.arange(60), 4))
        held += found.low <= 0.6 <= found.high
    assert 0.91 <= held / 400 <= 0.98


def test_the_list_goes_by_what_is_right_and_against_what_is_wrong() -> None:
    """Of three principles one is always right, one always wrong, one a coin."""
    coin = [1, -1] * 10
    training = part([[1, -1, one] for one in coin])
    held_out = part([[1, -1, one] for one in coin], longer=[1] * 15 + [-1] * 5)
    found = score(training, held_out)
    assert [one.listed for one in found.principles] == [True, True, False]
    assert [round(one.weight, 6) for one in found.principles] == [
        round(math.log(21), 6), -round(math.log(21), 6), 0.0
    ]  # fmt: skip
    assert [one.held_out.share for one in found.principles] == [1.0, 0.0, 0.5]
    assert found.principles[0].q == pytest.approx(3 / 2 * 2 * 0.5**20)
    assert found.principles[2].q == 1.0
    assert found.by_list.right.share == 1.0
    assert found.by_length.right.share == 0.75
    assert found.by_length.difference[0] == 0.25
    assert found.by_place.right.share == 0.5


def test_what_is_held_out_teaches_nothing() -> None:
    """A principle that is wrong where it is held out keeps its sign of the training part."""
    found = score(part([[1]] * 10), part([[-1]] * 10, longer=[-1] * 10))
    assert found.by_list.right.share == 0.0
    assert found.by_length.right.share == 0.0
    assert found.principles[0].held_out.share == 0.0


def test_what_speaks_seldom_or_never() -> None:
    training = part([[1, 0]] * 4 + [[0, 0]] * 6)
    found = score(training, part([[0, 0]] * 4))
    assert [one.listed for one in found.principles] == [False, False]
    assert found.principles[1].training.share is None
    assert found.principles[0].held_out.count == 0
    assert found.by_list.right.share == 0.5  # it says nothing: as a coin
    assert weight_of(np.array([], dtype=np.int64)) == 0.0


def test_a_difference_is_paired() -> None:
    one, other = np.array([1.0, 1, 0, 1]), np.array([1.0, 0, 0, 0.5])
    value, low, high = difference_of(one, other, np.arange(4))
    apart = one - other
    assert value == pytest.approx(apart.mean())
    half = 1.959963984540054 * apart.std(ddof=1) / 2
    assert (low, high) == pytest.approx((apart.mean() - half, apart.mean() + half))
    assert difference_of(one[:1], other[:1], np.zeros(1)) is None
