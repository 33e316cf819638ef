"""P(a label is wrong) from tags and signals: a ridge logistic model, or boosted trees where these
are clearly better on held-out prompts; calibrated by isotonic regression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from routing.policies.contract import Floats, Instances, Ints, Layout
from routing.predictor.columns import Columns
from routing.predictor.isotonic import Isotonic, fit_isotonic, reliability
from routing.predictor.logistic import Logistic, choose_logistic
from routing.predictor.trees import Booster, Trees, held_out_logits, is_clearly_less, log_losses

MIN_ROWS = 50  # fewer give a constant


@dataclass(frozen=True)
class ErrorModel:
    """Calibrated expected error of one source's label. `curve`: its reliability, held out.

    `trees` predict in the logistic model's place where there are some. `tried`: the held-out
    log-loss in nats of every model that was tried, before calibration.
    """

    columns: Columns
    model: Logistic
    calibration: Isotonic
    curve: tuple[tuple[float, float, int], ...] = ()
    log_loss: float = float("nan")
    trees: Trees | None = None
    tried: Mapping[str, float] = field(default_factory=dict)

    def predict(self, batch: Instances) -> tuple[Floats, Floats]:
        """(expected error [N], what each column adds to the log-odds [N, C])."""
        x_NC = self.columns.apply(batch.tags, batch.signals)
        if self.trees is not None:
            logit_N, parts_NC = self.trees.explain(x_NC)
            return self.calibration(logit_N), parts_NC
        return self.calibration(self.model.logit(x_NC)), x_NC * self.model.coefficients_C

    def to_json(self) -> dict[str, Any]:
        return {
            "columns": self.columns.to_json(),
            "intercept": self.model.intercept,
            "coefficients": self.model.coefficients_C.tolist(),
            "calibration": self.calibration.to_json(),
            "curve": [list(point) for point in self.curve],
            "log_loss": self.log_loss,
            "trees": self.trees.to_json() if self.trees is not None else None,
            "tried": dict(self.tried),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ErrorModel":
        return cls(
            Columns.from_json(stored["columns"]),
            Logistic(stored["intercept"], np.array(stored["coefficients"], dtype=float)),
            Isotonic.from_json(stored["calibration"]),
            tuple((float(a), float(b), int(n)) for a, b, n in stored["curve"]),
            stored["log_loss"],
            Trees.from_json(stored["trees"]) if stored.get("trees") else None,
            stored.get("tried", {}),
        )


def fit_error_model(
    batch: Instances,
    layout: Layout,
    *,
    row_M: Ints,
    error_M: Floats,
    weight_M: Floats,
    group_N: Ints,
    seed: int,
    use_signals: Sequence[int] | None = None,
    boost: Booster | None = None,
) -> ErrorModel:
    """Fit to errors of labels (single ones may lie outside 0..1), each of the instance `row_M`.

    With `boost`, trees are tried too, and kept where their log-loss on held-out prompts is lower by
    more than one standard error over prompts.

    Calibrated on predictions from folds that never saw the prompt. With fewer than MIN_ROWS
    rows it predicts their mean everywhere.
    """
    rows, which_M = np.unique(row_M, return_inverse=True)
    weight = np.bincount(which_M, weights=weight_M).astype(np.float64)
    error = np.bincount(which_M, weights=weight_M * error_M) / np.maximum(weight, 1e-12)
    columns = Columns.fit(
        batch.tags[rows],
        batch.signals[rows],
        tag_names=layout.tags,
        signal_names=[one.name for one in layout.signals],
        use_signals=use_signals,
        group_N=group_N[rows],
    )
    if len(rows) < MIN_ROWS or len(np.unique(group_N[rows])) < 5 or not columns.names:
        return _constant(error_M, weight_M)
    x_NC = columns.apply(batch.tags[rows], batch.signals[rows])
    chosen = choose_logistic(x_NC, error, weight, group_N[rows], is_tag=columns.is_tag, seed=seed)
    logit_N, trees, tried = chosen.held_out_logit_N, None, {"logistic": chosen.log_loss}
    if boost is not None:
        grown_N = held_out_logits(x_NC, error, weight, group_N[rows], boost=boost, seed=seed)
        loss_N = log_losses(grown_N, error)
        tried["trees"] = float(weight @ loss_N / weight.sum())
        if is_clearly_less(loss_N, log_losses(logit_N, error), weight, group_N[rows]):
            logit_N, trees = grown_N, boost(x_NC, error, weight, seed)
    calibration = fit_isotonic(logit_N, error, weight)
    curve = tuple(reliability(calibration(logit_N), error))
    loss = tried["logistic" if trees is None else "trees"]
    return ErrorModel(columns, chosen.model, calibration, curve, loss, trees, tried)


def _constant(error_M: Floats, weight_M: Floats) -> ErrorModel:
    """The mean, drawn to a half as by two labels."""
    mean = float(np.clip((weight_M @ error_M + 1) / (weight_M.sum() + 2), 0.0, 1.0))
    empty = Columns((), (), (), (), (), ())
    flat = Isotonic(np.array([0.0]), np.array([mean]))
    return ErrorModel(empty, Logistic(0.0, np.zeros(0)), flat)
