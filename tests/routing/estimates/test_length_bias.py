"""The GLM of length: planted coefficients come back, intervals cover; scikit-learn agrees."""

import numpy as np
import pytest

from annotate.quality.intervals import t95
from routing.estimates.length_bias import NotTold, length_coefficient
from routing.predictor.logistic import sigmoid


def planted(seed: int, *, count: int = 400, bias: float = 0.7, taste: float = 1.2):
    """Judges follow people by `taste` and length by `bias`; people like length themselves."""
    rng = np.random.default_rng(seed)
    ratio = rng.normal(scale=0.8, size=count)
    people = np.where(rng.random(count) < sigmoid(1.5 * ratio), 1.0, -1.0)
    p = sigmoid(bias * ratio + taste * people + rng.normal(scale=0.3, size=count))
    return p, ratio, np.arange(count) // 2, people


def test_the_planted_coefficient_comes_back() -> None:
    p, ratio, group, people = planted(1, count=4000)
    found = length_coefficient(p, ratio, group, people)
    assert found.value == pytest.approx(0.7, abs=0.05)
    assert found.low < found.value < found.high
    assert found.odds_by_doubling == pytest.approx(2**found.value)
    # Without people's preference it takes their taste for its own.
    assert length_coefficient(p, ratio, group).value > 1.0


def test_no_bias_is_told_as_none_in_about_95_of_100() -> None:
    covered = 0
    for seed in range(200):
        p, ratio, group, people = planted(seed, count=120, bias=0.0)
        hard = (np.random.default_rng(seed).random(120) < p).astype(float)
        found = length_coefficient(hard, ratio, group, people)
        covered += found.low < 0 < found.high
    assert 182 <= covered <= 198


def test_it_is_the_regression_that_scikit_learn_fits() -> None:
    sklearn = pytest.importorskip("sklearn.linear_model")
    p, ratio, group, people = planted(3)
    hard = (np.random.default_rng(0).random(len(p)) < p).astype(int)
    x = np.stack([ratio, people], axis=1)
    other = sklearn.LogisticRegression(C=1e9, fit_intercept=False, tol=1e-10, max_iter=1000)
    other.fit(x, hard)
    assert length_coefficient(hard, ratio, group, people).value == pytest.approx(
        other.coef_[0][0], abs=1e-4
    )


def test_swapping_the_sides_changes_nothing() -> None:
    p, ratio, group, people = planted(4)
    once = length_coefficient(p, ratio, group, people)
    turned = length_coefficient(1 - p, -ratio, group, -people)
    assert (once.value, once.low) == pytest.approx((turned.value, turned.low))


def test_the_same_rows_twice_tell_no_more() -> None:
    p, ratio, group, people = planted(5)
    once = length_coefficient(p, ratio, group, people)
    twice = length_coefficient(*(np.tile(one, 2) for one in (p, ratio, group, people)))
    assert (once.value, once.high) == pytest.approx((twice.value, twice.high))
    assert t95(10**6) < 1.97


@pytest.mark.parametrize(
    ("p", "ratio", "people", "why"),
    [
        ([0.6] * 9, [1.0] * 9, [], "9 prompts"),
        ([0.6] * 12, [0.0] * 12, [1, -1] * 6, "equally long"),
        ([1.0, 0.0] * 6, [1.0, -1.0] * 6, [], "parts the preferences fully"),
        ([0.8, 0.3] * 6, [1.0, -1.0] * 6, [1, -1] * 6, "by length alone"),
    ],
)
def test_what_cannot_be_told_says_why(p, ratio, people, why) -> None:
    with pytest.raises(NotTold, match=why):
        length_coefficient(p, ratio, np.arange(len(p)), people)
