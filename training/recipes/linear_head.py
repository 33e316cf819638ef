"""A linear Bradley-Terry model of embedding differences, fitted by Newton's method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.calibration import sigmoid
from training.recipes.errors import NonFiniteLossError

L2_GRID = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)


@dataclass(frozen=True)
class PreferenceRows:
    """gap_ND: features of chosen minus rejected. target_N: P(chosen better). All [N]."""

    gap_ND: np.ndarray
    target_N: np.ndarray
    weight_N: np.ndarray
    margin_N: np.ndarray

    def take(self, rows: np.ndarray) -> "PreferenceRows":
        return PreferenceRows(
            self.gap_ND[rows], self.target_N[rows], self.weight_N[rows], self.margin_N[rows]
        )


def weighted_loss(rows: PreferenceRows, coefficients_D: np.ndarray) -> float:
    """Sum of w [-t log s(z - m) - (1 - t) log s(-z - m)], z = gap . coefficients."""
    z_N = rows.gap_ND @ coefficients_D
    forward_N = np.logaddexp(0.0, rows.margin_N - z_N)
    backward_N = np.logaddexp(0.0, rows.margin_N + z_N)
    return float(
        np.sum(rows.weight_N * (rows.target_N * forward_N + (1 - rows.target_N) * backward_N))
    )


def fit_linear_bradley_terry(rows: PreferenceRows, *, l2: float) -> np.ndarray:
    """Coefficients [D] that minimise `weighted_loss` + l2/2 |coefficients|^2 (convex, unique).

    Damped Newton steps until the gradient vanishes. Raises NonFiniteLossError if it does not.
    """
    width = rows.gap_ND.shape[1]
    coefficients_D = np.zeros(width)
    objective = weighted_loss(rows, coefficients_D)
    for _ in range(100):
        z_N = rows.gap_ND @ coefficients_D
        forward_N = sigmoid(rows.margin_N - z_N)
        backward_N = sigmoid(rows.margin_N + z_N)
        slope_N = rows.weight_N * ((1 - rows.target_N) * backward_N - rows.target_N * forward_N)
        curvature_N = rows.weight_N * (
            rows.target_N * forward_N * (1 - forward_N)
            + (1 - rows.target_N) * backward_N * (1 - backward_N)
        )
        gradient_D = rows.gap_ND.T @ slope_N + l2 * coefficients_D
        if np.abs(gradient_D).max() < 1e-8 * max(1.0, float(rows.weight_N.sum())):
            return coefficients_D
        hessian_DD = (rows.gap_ND.T * curvature_N) @ rows.gap_ND + l2 * np.eye(width)
        step_D = np.linalg.solve(hessian_DD, gradient_D)
        scale = 1.0
        while scale > 1e-8:
            moved_D = coefficients_D - scale * step_D
            value = weighted_loss(rows, moved_D) + l2 / 2 * float(moved_D @ moved_D)
            if value <= objective:
                break
            scale /= 2
        else:
            return coefficients_D
        coefficients_D, objective = moved_D, value
    raise NonFiniteLossError("the linear head did not converge in 100 Newton steps; raise l2.")


def out_of_fold_gaps(
    rows: PreferenceRows, groups: Sequence[int], *, l2: float, folds: int, seed: int
) -> np.ndarray:
    """[N] score differences, each from a head that never saw the row's prompt."""
    fold_N = _folds(groups, folds, seed)
    gaps_N = np.zeros(len(fold_N))
    for fold in range(folds):
        inside = fold_N == fold
        if inside.any() and not inside.all():
            coefficients_D = fit_linear_bradley_terry(rows.take(~inside), l2=l2)
            gaps_N[inside] = rows.gap_ND[inside] @ coefficients_D
    return gaps_N


def choose_l2(
    rows: PreferenceRows, groups: Sequence[int], *, folds: int = 5, seed: int
) -> tuple[float, dict[float, float]]:
    """The strength with the lowest out-of-fold log-loss, and the losses (nats a row) of all."""
    losses = {}
    for l2 in L2_GRID:
        gaps_N = out_of_fold_gaps(rows, groups, l2=l2, folds=folds, seed=seed)
        one = PreferenceRows(gaps_N[:, None], rows.target_N, rows.weight_N, 0 * rows.margin_N)
        losses[l2] = weighted_loss(one, np.ones(1)) / float(rows.weight_N.sum())
    return min(losses, key=lambda l2: losses[l2]), losses


def _folds(groups: Sequence[int], folds: int, seed: int) -> np.ndarray:
    """Fold of each row; rows of one group (prompt) share a fold."""
    names = sorted(set(groups))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: int(place) % folds for name, place in zip(names, shuffled, strict=True)}
    return np.array([fold_of[group] for group in groups])
