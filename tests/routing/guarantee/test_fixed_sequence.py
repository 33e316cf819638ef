import numpy as np
import pytest
from scipy import stats

from routing.guarantee.binomial import binomial_cdf, upper_bound
from routing.guarantee.fixed_sequence import lowest_threshold

GRID = np.linspace(0, 1, 101)


@pytest.mark.parametrize(
    ("hits", "count", "p"), [(0, 1, 0.5), (3, 10, 0.2), (40, 1000, 0.05), (999, 2000, 0.5),
                             (2, 5000, 1e-4), (0, 50, 1e-9), (50, 50, 0.3)],
)  # fmt: skip
def test_the_binomial_tail_is_scipys(hits: int, count: int, p: float) -> None:
    assert binomial_cdf(hits, count, p) == pytest.approx(stats.binom.cdf(hits, count, p), rel=1e-9)


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (3, 60), (57, 400), (19, 20)])
def test_the_upper_bound_is_clopper_pearsons(hits: int, count: int) -> None:
    wanted = stats.beta.ppf(0.95, hits + 1, count - hits)
    assert upper_bound(hits, count, 0.05) == pytest.approx(wanted, abs=1e-9)
    assert upper_bound(5, 5, 0.05) == 1


def test_the_promise_is_broken_in_at_most_one_of_twenty() -> None:
    """500 repetitions; the risk above each threshold is known, since it was planted."""
    rng = np.random.default_rng(0)
    risk, delta = 0.15, 0.05
    broken, kept = 0, []
    for repetition in range(500):
        confidence = rng.random(300)
        chance = 0.5 * (1 - confidence)  # the risk above c is (1 - c) / 4
        found = lowest_threshold(
            confidence, rng.random(300) < chance, thresholds=GRID, risk=risk, delta=delta,
            seed=repetition,
        )  # fmt: skip
        broken += np.isfinite(found.value) and (1 - found.value) / 4 > risk
        kept.append(found.share)
    assert broken <= 25
    # It is no promise by keeping nothing: the true threshold of .4 leaves a share of .6.
    assert np.mean(kept) > 0.25


def test_half_losses_are_tested_as_their_mean() -> None:
    """Ties throughout are a risk of one half: promised at .7, refused at .4."""
    losses = np.full(2000, 0.5)
    confidence = np.random.default_rng(1).random(2000)
    high = lowest_threshold(confidence, losses, thresholds=GRID, risk=0.7, delta=0.05)
    low = lowest_threshold(confidence, losses, thresholds=GRID, risk=0.4, delta=0.05)
    assert high.share > 0.95
    assert low.value == float("inf")


def test_nothing_is_promised_on_few_rows_and_nonsense_is_refused() -> None:
    few = lowest_threshold(np.ones(10), np.zeros(10), thresholds=GRID, risk=0.1, delta=0.05)
    assert (few.value, few.share) == (float("inf"), 0.0)
    # None wrong of 70 might show a risk under 10 %, but so few could not show one of 6 %.
    for rows, passed in ((70, False), (250, True)):
        found = lowest_threshold(
            np.ones(rows), np.zeros(rows), thresholds=[1.0], risk=0.1, delta=0.05
        )
        assert np.isfinite(found.value) == passed
    with pytest.raises(ValueError, match="risk and delta"):
        lowest_threshold(np.ones(5), np.zeros(5), thresholds=GRID, risk=1.5, delta=0.05)
    with pytest.raises(ValueError, match="losses lie from 0 to 1"):
        lowest_threshold(np.ones(5), np.full(5, 2), thresholds=GRID, risk=0.1, delta=0.05)
