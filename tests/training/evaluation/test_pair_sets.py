"""Figures of a set of pairs, against sums done by hand and published intervals."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from annotate.quality.intervals import wilson
from training.evaluation.pair_sets import (
    clustered_share,
    mean_of_shares,
    pair_set_figures,
    paired_difference,
    points,
)
from training.evaluation.preference import Proportion


def test_points_of_gaps():
    assert points([2.0, 0.0, -1.0]).tolist() == [1, 0.5, 0]


def test_rows_of_their_own_prompts_have_wilsons_interval():
    # 81 of 263: Wilson's interval in Newcombe 1998 (Statistics in Medicine 17, table I), method 3.
    share = clustered_share([1.0] * 81 + [0.0] * 182, range(263))
    assert (share.low, share.high) == (
        pytest.approx(0.2553, abs=5e-5),
        pytest.approx(0.3662, abs=5e-5),
    )
    assert share.rows == 263


@given(st.lists(st.booleans(), min_size=1, max_size=30), st.integers(1, 4))
def test_rows_that_only_repeat_each_other_add_nothing(right, times):
    once = clustered_share([float(hit) for hit in right], range(len(right)))
    again = clustered_share(
        np.repeat([float(hit) for hit in right], times), np.repeat(range(len(right)), times)
    )
    assert again.value == pytest.approx(once.value)
    assert again.low <= once.low + 1e-9
    assert again.high >= once.high - 1e-9
    assert (once.low, once.high) == pytest.approx(wilson(sum(right), len(right)))


def test_many_rows_that_repeat_each_other_count_as_their_prompts():
    once = clustered_share([1.0, 1.0, 0.0] * 400, range(1200))
    again = clustered_share(np.repeat([1.0, 1.0, 0.0] * 400, 3), np.repeat(range(1200), 3))
    assert (again.low, again.high) == pytest.approx((once.low, once.high), abs=1e-4)


@pytest.mark.parametrize("prompts", [2, 3, 10])
def test_few_prompts_have_intervals_that_hold(prompts):
    """Drawn 1,000 times with a true share of one half: of 95 % intervals some 950 hold it."""
    rng = np.random.default_rng(prompts)
    held = [0, 0]
    for _ in range(1000):
        ease = rng.beta(1.5, 1.5, prompts)[:, None]
        one, other = ((rng.random((prompts, 10)) < ease).ravel().astype(float) for _ in range(2))
        cluster = np.repeat(range(prompts), 10)
        share, gap = clustered_share(one, cluster), paired_difference(one, other, cluster)
        held[0] += share.low <= 0.5 <= share.high
        held[1] += gap["low"] <= 0 <= gap["high"]
    assert min(held) > 885  # 775 and 725 of 1,000 for two prompts by the normal distribution


def test_one_prompt_counts_as_one_row_however_many_pairs_it_has():
    share = clustered_share([1.0, 1.0, 0.0, 1.0] * 25, [7] * 100)
    assert (share.low, share.high) == pytest.approx(wilson(0.75, 1))


def test_clusters_that_disagree_inside_do_not_narrow_the_interval_beyond_rows():
    share = clustered_share([1.0, 0.0] * 20, np.repeat(range(20), 2))
    effective = 40 * (t.ppf(0.975, 39) / t.ppf(0.975, 19)) ** 2
    assert (share.low, share.high) == pytest.approx(wilson(effective / 2, effective), abs=1e-6)
    share = clustered_share([0.5] * 6, [0, 0, 0, 1, 1, 1])
    assert (share.low, share.high) == pytest.approx(wilson(1.0, 2.0))


def test_the_effective_number_of_rows_by_hand():
    # p = 3/5; deviations: prompt a .4 + .4 + .4 = 1.2, prompt b -.6 - .6 = -1.2.
    # V = 2 / 1 (1.44 + 1.44) / 25 = .2304; of rows by themselves .24 / 4 = .06.
    share = clustered_share([1, 1, 1, 0, 0], ["a", "a", "a", "b", "b"])
    effective = 5 * 0.06 / 0.2304 * (2.776445 / 12.706205) ** 2
    expected = wilson(0.6 * effective, effective)
    assert (share.low, share.high) == pytest.approx(expected, abs=1e-6)
    empty = clustered_share([], [])
    assert (empty.low, empty.high, empty.rows) == (0.0, 1.0, 0)


def test_the_mean_of_shares_by_hand():
    shares = [Proportion(0.5, 0.3, 0.7, 10), Proportion(0.9, 0.6, 1.0, 1000)]
    found = mean_of_shares(shares)
    assert found["value"] == pytest.approx(0.7)
    assert found["low"] == pytest.approx(0.7 - sqrt(0.04 + 0.09) / 2)
    assert found["high"] == pytest.approx(0.7 + sqrt(0.04 + 0.01) / 2)
    one = mean_of_shares(shares[:1])
    assert (one["value"], one["low"], one["high"], one["rows"]) == pytest.approx((0.5, 0.3, 0.7, 1))


def test_the_difference_of_two_models_by_hand():
    # Differences 1, 1, 0, -1 in prompts a, a, b, c: mean .25; sums of deviations 1.5, -.25, -1.25;
    # 4.3027: t of two degrees of freedom.
    found = paired_difference([1, 1, 1, 0], [0, 0, 1, 1], ["a", "a", "b", "c"])
    half = 4.302653 * sqrt((1.5**2 + 0.25**2 + 1.25**2) / 16 * 3 / 2)
    assert found["value"] == 0.25
    assert found["low"] == pytest.approx(max(-1, 0.25 - half))
    assert found["high"] == pytest.approx(min(1, 0.25 + half))
    assert paired_difference([1, 0], [0, 0], ["a", "a"])["low"] is None


def test_clustered_errors_equal_a_bootstrap_over_prompts():
    """The independent computation: resampling prompts and looking at what comes out."""
    rng = np.random.default_rng(3)
    size = rng.integers(1, 6, 300)
    ease = rng.beta(2, 1, 300)
    cluster = np.repeat(np.arange(300), size)
    right = (rng.random(cluster.size) < np.repeat(ease, size)).astype(float)
    share = clustered_share(right, cluster)
    sums = np.bincount(cluster, weights=right)
    means = []
    for _ in range(2000):
        drawn = rng.integers(0, 300, 300)
        means.append(sums[drawn].sum() / size[drawn].sum())
    low, high = np.quantile(means, [0.025, 0.975])
    assert (share.low, share.high) == pytest.approx((low, high), abs=0.008)
    independent = wilson(right.sum(), right.size)
    assert share.high - share.low > 1.05 * (independent[1] - independent[0])


def test_every_figure_of_a_small_set_by_hand():
    figures = pair_set_figures(
        gap=[1.0, -1.0, 0.0, 2.0, 3.0],
        length_gap=[5, 5, -5, -5, 0],
        subset=["chat", "chat", "chat", "code", "code"],
        cluster=[0, 1, 2, 3, 3],
    )
    assert (figures["rows"], figures["prompts"], figures["ties"]) == (5, 4, 1)
    assert figures["accuracy"]["value"] == pytest.approx(3.5 / 5)
    chat, code = figures["by_subset"]["chat"], figures["by_subset"]["code"]
    assert chat["accuracy"]["value"] == pytest.approx(0.5)
    assert (chat["ties"], chat["prompts"], code["prompts"]) == (1, 3, 1)
    assert code["accuracy"]["value"] == 1
    assert figures["mean_over_subsets"]["value"] == pytest.approx(0.75)
    assert figures["length_only_accuracy"]["value"] == pytest.approx(2.5 / 5)
    assert chat["length_only_accuracy"]["value"] == pytest.approx(2 / 3)
    against = figures["against_length_only"]
    assert (against["only_a"], against["only_b"], against["p_value"]) == (2, 1, 1.0)
    assert against["difference"]["value"] == pytest.approx(0.2)
    assert pair_set_figures(gap=[], length_gap=[], subset=[], cluster=[]) == {"rows": 0}
