import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model import Ridge as SklearnRidge

from routing.predictor.columns import Columns
from routing.predictor.isotonic import fit_isotonic, pool_adjacent_violators, reliability
from routing.predictor.logistic import choose_logistic, fit_logistic, folds_of, sigmoid
from routing.predictor.ranks import spearman
from routing.predictor.ridge import fit_ridge, held_out


def test_logistic_regression_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6))
    y = rng.random(300) < sigmoid(x @ [1, -2, 0.5, 0, 0, 0.2] + 0.3)
    weight = rng.random(300) + 0.5
    mine = fit_logistic(x, y.astype(float), weight, np.full(6, 2.0))
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=5000).fit(x, y, sample_weight=weight)
    assert mine.coefficients_C == pytest.approx(theirs.coef_[0], abs=1e-3)
    assert mine.intercept == pytest.approx(theirs.intercept_[0], abs=1e-3)


def test_rows_of_one_kind_give_no_failure() -> None:
    found = fit_logistic(np.ones((20, 1)), np.ones(20), np.ones(20), np.ones(1))
    assert sigmoid(found.logit(np.ones((1, 1))))[0] > 0.99


def test_noise_is_penalised_away_by_folds_of_groups() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 40))
    y = (rng.random(200) < 0.3).astype(float)
    groups = np.arange(200) // 4
    chosen = choose_logistic(x, y, np.ones(200), groups, is_tag=np.arange(40) > 3, seed=0)
    assert chosen.l2[0] == 100
    assert chosen.l2[1] >= 300
    assert sigmoid(chosen.held_out_logit_N).std() < 0.05
    fold = folds_of(groups, 5, 3)
    assert all(len(np.unique(fold[groups == g])) == 1 for g in range(50))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_pooling_is_scikit_learns(values: list[float]) -> None:
    weight = np.arange(1.0, len(values) + 1)
    mine, _ = pool_adjacent_violators(np.array(values), weight)
    theirs = IsotonicRegression().fit_transform(
        np.arange(len(values)), values, sample_weight=weight
    )
    assert mine == pytest.approx(theirs, abs=1e-6)


def test_calibration_rises_and_is_right_on_average() -> None:
    rng = np.random.default_rng(2)
    score = rng.normal(size=3000)
    happened = rng.random(3000) < sigmoid(3 * score - 1)  # the score alone is overcautious
    curve = fit_isotonic(score, happened)
    predicted = curve(score)
    assert (np.diff(curve(np.sort(score))) >= 0).all()
    for mean, share, rows in reliability(predicted, happened):
        assert rows == 300
        assert mean == pytest.approx(share, abs=0.07)
    assert curve(99.0) <= 1
    with pytest.raises(ValueError, match="needs rows"):
        fit_isotonic([], [])


def test_ridge_is_scikit_learns_with_more_columns_than_rows() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 80)) * rng.random(80), rng.normal(size=30)
    mine = fit_ridge(x, y, alpha=0.2)
    scaled = (x - x.mean(0)) / x.std(0)
    theirs = SklearnRidge(alpha=0.2 * 30).fit(scaled, y)
    assert mine.predict(x) == pytest.approx(theirs.predict(scaled))
    fold = np.arange(30) % 3
    found = held_out(x, y, [0.2, 5.0], fold)
    for number, alpha in enumerate((0.2, 5.0)):
        one = fit_ridge(x[fold != 1], y[fold != 1], alpha).predict(x[fold == 1])
        assert found[number, fold == 1] == pytest.approx(one)


@given(st.lists(st.integers(0, 5), min_size=3, max_size=30), st.integers(0, 99))
def test_spearman_is_scipys(values: list[int], seed: int) -> None:
    other = np.random.default_rng(seed).integers(0, 4, len(values))
    if len(set(values)) > 1 and len(set(other.tolist())) > 1:
        assert spearman(values, other) == pytest.approx(stats.spearmanr(values, other).statistic)
    else:
        assert spearman(values, other) == 0


def test_columns_leave_out_rare_tags_and_say_what_is_unknown() -> None:
    rng = np.random.default_rng(4)
    tags = np.stack([rng.random(200) < p for p in (0.5, 0.05, 0.98)], axis=1)
    prompts = np.arange(200) // 20
    tags = np.column_stack([tags, prompts < 3])
    signals = np.column_stack([rng.normal(size=200), np.ones(200), rng.normal(size=200)])
    signals[:60, 2] = np.nan
    names = {"tag_names": list("abcd"), "signal_names": ["x", "same", "gappy"]}
    columns = Columns.fit(tags, signals, **names)
    assert columns.names == ("x", "gappy", "gappy unknown", "a", "d")
    assert columns.is_tag.tolist() == [False, False, False, True, True]
    made = columns.apply(tags, signals)
    assert made.mean(0) == pytest.approx(np.zeros(5), abs=0.5)
    assert made[0, 1] == 0
    assert Columns.from_json(columns.to_json()) == columns
    # A tag on three of ten prompts is these prompts; few rows in many prompts are fine.
    by_prompt = Columns.fit(tags, signals, group_N=prompts, **names)
    assert by_prompt.names == ("x", "gappy", "gappy unknown", "a")
