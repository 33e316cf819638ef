import json

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingClassifier

from routing.policies.contract import COMMON, Instances, Layout, Signal
from routing.policies.error_model import ErrorModel, fit_error_model
from routing.predictor.trees import Trees, is_clearly_less
from training.boosting import MOST_ROWS, SETTINGS, boost

LAYOUT = Layout(("a", "b"), (Signal("s", COMMON), Signal("t", COMMON)), ("judge",))


def rows(count: int, *, seed: int, crossed: bool) -> tuple[Instances, np.ndarray]:
    """Errors where s and t have the same sign, which no line finds, or where s is high."""
    rng = np.random.default_rng(seed)
    signals = rng.normal(size=(count, 2))
    p = np.where((signals.prod(1) > 0) if crossed else (signals[:, 0] > 0), 0.85, 0.1)
    error = (rng.random(count) < p).astype(float)
    tags = rng.random((count, 2)) < 0.5
    return Instances(np.arange(count), tags, signals, np.ones((count, 1), np.int8)), error


def fitted(batch: Instances, error: np.ndarray, **options) -> ErrorModel:
    size = len(batch)
    return fit_error_model(
        batch, LAYOUT, row_M=np.arange(size), error_M=error, weight_M=np.ones(size),
        group_N=np.arange(size) // 2, seed=0, **options,
    )  # fmt: skip


def test_they_predict_what_scikit_learn_predicts() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(500, 4))
    target = (x[:, 0] * x[:, 1] + 0.3 * rng.normal(size=500) > 0).astype(float)
    weight = rng.random(500) + 0.5
    ours = boost(x, target, weight, 3)
    # The same rows in the same order: those that are wrong, then the others.
    order = np.concatenate([np.flatnonzero(target == 1), np.flatnonzero(target == 0)])
    theirs = GradientBoostingClassifier(**SETTINGS, random_state=3)
    theirs.fit(x[order], target[order], sample_weight=weight[order])
    new = rng.normal(size=(300, 4))
    assert ours.logit(new) == pytest.approx(theirs.decision_function(new), abs=1e-9)
    back = Trees.from_json(json.loads(json.dumps(ours.to_json())))
    assert back.logit(new) == pytest.approx(ours.logit(new))
    logit, parts = ours.explain(new)
    rest = logit - parts.sum(1)
    assert rest == pytest.approx(np.full(300, rest[0]))  # what no column added is the same for all
    assert np.abs(parts[:, :2]).mean() > 2 * np.abs(parts[:, 2:]).mean()


def test_trees_are_kept_where_they_are_clearly_better() -> None:
    batch, error = rows(900, seed=4, crossed=True)
    model = fitted(batch, error, boost=boost)
    assert model.trees is not None
    assert model.tried["trees"] < model.tried["logistic"] - 0.05
    assert model.log_loss == model.tried["trees"]
    new, _ = rows(400, seed=5, crossed=True)
    p, parts = model.predict(new)
    same = new.signals.prod(1) > 0
    assert p[same].mean() > 0.7
    assert p[~same].mean() < 0.25
    assert parts.shape == (400, len(model.columns.names))
    again = ErrorModel.from_json(json.loads(json.dumps(model.to_json())))
    assert again.predict(new)[0] == pytest.approx(p)


def test_a_line_stays_a_line() -> None:
    batch, error = rows(300, seed=6, crossed=False)
    model = fitted(batch, error, boost=boost)
    plain = fitted(batch, error)
    if model.trees is None:
        assert model.predict(batch)[0] == pytest.approx(plain.predict(batch)[0])
    assert set(model.tried) == {"logistic", "trees"}
    assert set(plain.tried) == {"logistic"}
    noise = np.random.default_rng(0).permutation(error)
    assert fitted(batch, noise, boost=boost).trees is None  # there is nothing to be learned


def test_an_artifact_of_earlier_days_can_be_read() -> None:
    stored = fitted(*rows(200, seed=7, crossed=False)).to_json()
    del stored["trees"], stored["tried"]
    assert ErrorModel.from_json(stored).trees is None


def test_extremes() -> None:
    x = np.zeros((60, 2))
    ones = boost(x, np.ones(60), np.ones(60), 0)
    assert ones.trees == ()
    assert ones.logit(x[:3]) == pytest.approx([np.log(0.999 / 0.001)] * 3)
    beyond = boost(x, np.full(60, 1.4), np.ones(60), 0)  # an unbiased guess may lie outside 0..1
    assert beyond.base == ones.base
    many = MOST_ROWS + 500
    rng = np.random.default_rng(0)
    large = boost(rng.normal(size=(many, 2)), (rng.random(many) < 0.5) * 1.0, np.ones(many), 0)
    assert len(large.trees) == SETTINGS["n_estimators"]


def test_clearly_less_counts_groups() -> None:
    rng = np.random.default_rng(2)
    first = np.repeat(rng.normal(size=20), 50)
    weight, alone, together = np.ones(1000), np.arange(1000), np.repeat(np.arange(20), 50)
    shifted = first - first.mean() - 0.1
    assert is_clearly_less(shifted, np.zeros(1000), weight, alone)
    assert not is_clearly_less(shifted, np.zeros(1000), weight, together)
    assert not is_clearly_less(weight, weight, weight, alone)
