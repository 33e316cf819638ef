"""The linear Bradley-Terry head against scikit-learn and a general optimiser."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from training.recipes.linear_head import (
    CLOSE,
    HeadFits,
    PreferenceRows,
    choose_l2,
    fit_linear_bradley_terry,
    out_of_fold_gaps,
    weighted_loss,
)


def rows(count=200, width=5, seed=0, **other):
    rng = np.random.default_rng(seed)
    gap_ND = rng.normal(size=(count, width))
    truth_D = np.arange(width) - 2.0
    flip_N = rng.random(count) > 1 / (1 + np.exp(-gap_ND @ truth_D))
    gap_ND[flip_N] *= -1
    values = {
        "target_N": np.ones(count),
        "weight_N": np.ones(count),
        "margin_N": np.zeros(count),
        **other,
    }
    return PreferenceRows(gap_ND=gap_ND, **values)


def test_equals_sklearn_with_weights():
    weights_N = np.random.default_rng(1).uniform(0.1, 3, 200)
    data = rows(weight_N=weights_N)
    signs = np.where(np.arange(200) % 2, 1, -1)
    theirs = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000).fit(
        data.gap_ND * signs[:, None], signs, sample_weight=weights_N
    )
    assert fit_linear_bradley_terry(data, l2=2.0) == pytest.approx(theirs.coef_[0], abs=1e-5)


def test_equals_a_general_optimiser_with_ties_and_margins():
    rng = np.random.default_rng(2)
    data = rows(target_N=rng.choice([1.0, 0.5, 0.8], 200), margin_N=rng.choice([0.0, 0.7], 200))
    best = minimize(
        lambda c: weighted_loss(data, c) + 1.5 / 2 * c @ c, np.zeros(5), options={"gtol": 1e-9}
    )
    assert fit_linear_bradley_terry(data, l2=1.5) == pytest.approx(best.x, abs=1e-4)


def test_separable_rows_stay_finite():
    data = PreferenceRows(np.ones((4, 1)), np.ones(4), np.ones(4), np.zeros(4))
    assert np.isfinite(fit_linear_bradley_terry(data, l2=0.01)).all()


def test_out_of_fold_scores_do_not_see_their_own_prompt():
    rng = np.random.default_rng(3)
    noise = PreferenceRows(rng.normal(size=(60, 100)), np.ones(60), np.ones(60), np.zeros(60))
    groups = [number // 3 for number in range(60)]
    gaps_N = out_of_fold_gaps(noise, groups, l2=0.1, folds=5, seed=0)
    seen = noise.gap_ND @ fit_linear_bradley_terry(noise, l2=0.1)
    assert (seen > 0).all()
    assert 0.25 < (gaps_N > 0).mean() < 0.75


def test_noise_wants_a_strong_prior_and_signal_a_weak_one():
    rng = np.random.default_rng(4)
    noise = PreferenceRows(rng.normal(size=(80, 40)), np.ones(80), np.ones(80), np.zeros(80))
    noise.gap_ND[::2] *= -1
    groups = list(range(80))
    assert choose_l2(noise, groups, seed=0).l2 >= 30
    signal = rows(count=400)
    assert choose_l2(signal, list(range(400)), seed=0).l2 <= 10


def test_differences_under_the_chosen_strength_are_out_of_fold():
    data, groups = rows(count=300, width=20, seed=6), [number // 2 for number in range(300)]
    chosen = choose_l2(data, groups, seed=1)
    apart = out_of_fold_gaps(data, groups, l2=chosen.l2, folds=5, seed=1)
    assert chosen.gap_N == pytest.approx(apart, rel=2e-3, abs=1e-3)
    inside = data.gap_ND @ fit_linear_bradley_terry(data, l2=chosen.l2)
    assert np.abs(chosen.gap_N - inside).max() > 0.05


@pytest.mark.parametrize("single", [False, True])
def test_folds_fitted_in_step_are_heads_fitted_apart(single):
    rng = np.random.default_rng(7)
    data = rows(
        count=300,
        width=12,
        weight_N=rng.uniform(0.2, 2, 300),
        margin_N=rng.choice([0.0, 0.5], 300),
        target_N=rng.choice([1.0, 0.5, 0.9], 300),
    )
    fold_N = rng.choice([0, 1, 3], 300)
    fits = HeadFits(data, fold_N, single=single)
    for l2 in (300.0, 3.0, 0.01):  # each begins from the one before
        gap_NF = fits.fit(l2=l2, tolerance=CLOSE if single else 1e-8)
        for column, fold in enumerate([0, 1, 3]):
            apart_D = fit_linear_bradley_terry(data.take(fold_N != fold), l2=l2)
            assert fits.coefficients_DF[:, column] == pytest.approx(
                apart_D, abs=2e-3 if single else 1e-6
            )
            assert gap_NF[:, column] == pytest.approx(
                data.gap_ND @ apart_D, abs=2e-2 if single else 1e-5
            )


def test_strengths_are_tried_until_two_in_a_row_were_worse():
    rng = np.random.default_rng(4)
    noise = PreferenceRows(rng.normal(size=(80, 40)), np.ones(80), np.ones(80), np.zeros(80))
    noise.gap_ND[::2] *= -1
    found = choose_l2(noise, list(range(80)), seed=0, grid=(0.1, 1.0, 10.0, 100.0, 1000.0, 1e4))
    tried = list(found.losses)
    assert tried == sorted(tried, reverse=True)
    assert min(found.losses, key=found.losses.get) == found.l2 == tried[-3]
    assert 0.1 not in found.losses


def test_of_one_prompt_nothing_is_known_out_of_fold():
    found = choose_l2(rows(count=10), [1] * 10, seed=0)
    assert (found.l2, found.gap_N.tolist()) == (0.3, [0.0] * 10)
