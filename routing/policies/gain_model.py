"""How much less one source errs than another: ridge regression of paired differences, calibrated.

Two sources compared with one and the same reference share its noise, so their difference is known
far better than either error; the choice between them rests on it alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from routing.policies.contract import Floats, Instances, Ints, Layout
from routing.predictor.columns import Columns
from routing.predictor.isotonic import Isotonic, fit_isotonic, reliability
from routing.predictor.logistic import folds_of

MIN_ROWS = 50  # fewer give a constant
L2_SIGNALS = (3.0, 30.0, 300.0, 1e6)
L2_TAGS = (100.0, 1000.0, 1e4, 1e6)
DOUBT = 1.0
CAUTION = 30.0  # rows' worth of drawing each block to the mean gain


@dataclass(frozen=True)
class GainModel:
    """Expected error of the first source less that of the second. `curve`: held out."""

    columns: Columns
    intercept: float
    coefficients_C: Floats
    calibration: Isotonic
    curve: tuple[tuple[float, float, int], ...] = ()

    def predict(self, batch: Instances) -> tuple[Floats, Floats]:
        """(gain [N], what each column adds to it before calibration [N, C])."""
        x_NC = self.columns.apply(batch.tags, batch.signals)
        parts_NC = x_NC * self.coefficients_C
        return self.calibration(self.intercept + parts_NC.sum(1)), parts_NC

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": self.columns.to_json(),
            "intercept": self.intercept,
            "coefficients": self.coefficients_C.tolist(),
            "calibration": self.calibration.to_json(),
            "curve": [list(point) for point in self.curve],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "GainModel":
        return cls(
            Columns.from_json(stored["columns"]),
            stored["intercept"],
            np.array(stored["coefficients"], dtype=float),
            Isotonic.from_json(stored["calibration"]),
            tuple((float(a), float(b), int(n)) for a, b, n in stored["curve"]),
        )


def fit_gain_model(
    batch: Instances,
    layout: Layout,
    *,
    row_M: Ints,
    gain_M: Floats,
    weight_M: Floats,
    group_N: Ints,
    seed: int,
) -> GainModel:
    """Fit to differences of errors (single ones may lie outside -1..1), each of a row of the batch.

    Penalties of signals and tags by squared error on folds of prompts; calibrated by isotonic
    regression on the predictions of these folds, so that what does not hold for new prompts is
    levelled out. With few rows: the mean, drawn to 0.
    """
    rows, which_M = np.unique(row_M, return_inverse=True)
    weight = np.bincount(which_M, weights=weight_M).astype(np.float64)
    gain = np.bincount(which_M, weights=weight_M * gain_M) / np.maximum(weight, 1e-12)
    group = group_N[rows]
    columns = Columns.fit(
        batch.tags[rows], batch.signals[rows], tag_names=layout.tags,
        signal_names=[one.name for one in layout.signals], group_N=group,
    )  # fmt: skip
    if len(rows) < MIN_ROWS or len(np.unique(group)) < 5 or not columns.names:
        mean = float(weight @ gain / (weight.sum() + 10)) if len(rows) else 0.0
        flat = Isotonic(np.array([0.0]), np.array([mean]))
        return GainModel(Columns((), (), (), (), (), ()), 0.0, np.zeros(0), flat)
    x_NC = columns.apply(batch.tags[rows], batch.signals[rows])
    held_out, penalty_C = _choose(x_NC, gain, weight, group, columns, seed)
    intercept, coefficients = _ridge(x_NC, gain, weight, penalty_C)
    calibration = fit_isotonic(held_out, gain, weight, prior=CAUTION, low=-1.0)
    curve = tuple(reliability(calibration(held_out), gain))
    return GainModel(columns, intercept, coefficients, calibration, curve)


def _choose(
    x_NC: Floats, gain_N: Floats, weight_N: Floats, group_N: Ints, columns: Columns, seed: int
) -> tuple[Floats, Floats]:
    """(held-out predictions [N], penalties [C]) of the strongest penalties that are good enough.

    Good enough: the squared error on held-out prompts is worse than the best pair's by no more
    than `DOUBT` standard errors of that difference over prompts. Where prompts are few, what is
    learned from them is often the prompts themselves; then a constant is left.
    """
    fold_N = folds_of(group_N, 5, seed)
    _, which_N = np.unique(group_N, return_inverse=True)
    is_tag = columns.is_tag
    tags: Sequence[float] = L2_TAGS if is_tag.any() else L2_TAGS[:1]
    signals: Sequence[float] = L2_SIGNALS if not is_tag.all() else L2_SIGNALS[:1]
    tried: list[tuple[Floats, Floats, Floats]] = []
    for l2_signals, l2_tags in sorted(product(signals, tags), reverse=True):
        penalty_C = np.where(is_tag, l2_tags, l2_signals)
        found = np.zeros(len(gain_N))
        for fold in np.unique(fold_N):
            inside = fold_N == fold
            intercept, coefficients = _ridge(
                x_NC[~inside], gain_N[~inside], weight_N[~inside], penalty_C
            )
            found[inside] = intercept + x_NC[inside] @ coefficients
        loss_G = np.bincount(which_N, weights=weight_N * (found - gain_N) ** 2).astype(float)
        tried.append((loss_G, found, penalty_C))
    best_G = min((loss_G for loss_G, _, _ in tried), key=np.sum)
    for loss_G, found, penalty_C in tried:
        worse_G = loss_G - best_G
        error = float(np.std(worse_G)) * np.sqrt(len(worse_G))
        if worse_G.sum() <= DOUBT * error:
            return found, penalty_C
    raise AssertionError("the best pair is as good as itself")


def _ridge(x_NC: Floats, y_N: Floats, weight_N: Floats, penalty_C: Floats) -> tuple[float, Floats]:
    """Weighted least squares with a penalty for each column; the intercept is free."""
    total = max(float(weight_N.sum()), 1e-12)
    mean_C, mean = weight_N @ x_NC / total, float(weight_N @ y_N) / total
    centred = x_NC - mean_C
    gram = (centred.T * weight_N) @ centred + np.diag(penalty_C)
    coefficients: Floats = np.linalg.solve(gram, centred.T @ (weight_N * (y_N - mean))).astype(
        np.float64
    )
    return mean - float(mean_C @ coefficients), coefficients
