"""A linear Bradley-Terry model of embedding differences, fitted by Newton's method."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from training.evaluation.calibration import sigmoid
from training.recipes.errors import NonFiniteLossError

L2_GRID = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
MOST_STEPS = 200
LEAST_GAIN = 0.3
"""A step that leaves more than this share of the gradient asks for the curvature anew."""
EXACT, CLOSE = 1e-8, 1e-5
"""The largest gradient that is left, for each unit of weight: of a head that is kept, and of one
that only compares strengths (its loss differs from the least one in the ninth digit)."""


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

    def with_gaps(self, gap_ND: np.ndarray) -> "PreferenceRows":
        """The same labels of other features."""
        return replace(self, gap_ND=gap_ND)


def weighted_loss(rows: PreferenceRows, coefficients_D: np.ndarray) -> float:
    """Sum of w [-t log s(z - m) - (1 - t) log s(-z - m)], z = gap . coefficients."""
    return _loss_of(rows, rows.gap_ND @ coefficients_D)


def _loss_of(rows: PreferenceRows, z_N: np.ndarray) -> float:
    forward_N = np.logaddexp(0.0, rows.margin_N - z_N)
    backward_N = np.logaddexp(0.0, rows.margin_N + z_N)
    return float(
        np.sum(rows.weight_N * (rows.target_N * forward_N + (1 - rows.target_N) * backward_N))
    )


class HeadFit:
    """Heads of several strengths on the same rows, each begun from the one before it.

    The curvature of the loss changes little from step to step and from strength to strength, so one
    matrix of it serves until a step gains too little; it shapes the steps alone, never the result.
    """

    def __init__(self, rows: PreferenceRows) -> None:
        self.rows = rows
        self.coefficients_D = np.zeros(rows.gap_ND.shape[1])
        self.gap32_ND = rows.gap_ND.astype(np.float32)
        self.curvature_DD: np.ndarray | None = None

    def fit(self, *, l2: float, tolerance: float = EXACT) -> np.ndarray:
        """Coefficients [D] that minimise `weighted_loss` + l2/2 |coefficients|^2 (convex, unique).

        Damped Newton steps until the gradient vanishes. Raises NonFiniteLossError if it does not.
        """
        rows, before = self.rows, np.inf
        z_N = rows.gap_ND @ self.coefficients_D
        objective = self._objective(z_N, self.coefficients_D, l2)
        factor: tuple[np.ndarray, bool] | None = None
        for _ in range(MOST_STEPS):
            slope_N, curvature_N = _derivatives(rows, z_N)
            gradient_D = rows.gap_ND.T @ slope_N + l2 * self.coefficients_D
            largest = float(np.abs(gradient_D).max())
            if largest < tolerance * max(1.0, float(rows.weight_N.sum())):
                return self.coefficients_D
            if self.curvature_DD is None or largest > LEAST_GAIN * before:
                weighted_ND = self.gap32_ND * curvature_N.astype(np.float32)[:, None]
                self.curvature_DD = (weighted_ND.T @ self.gap32_ND).astype(np.float64)
                factor = None
            if factor is None:
                factor = cho_factor(self.curvature_DD + l2 * np.eye(len(gradient_D)))
            step_D, before, scale = cho_solve(factor, gradient_D), largest, 1.0
            along_N = rows.gap_ND @ step_D
            while scale > 1e-8:
                moved_D, moved_N = self.coefficients_D - scale * step_D, z_N - scale * along_N
                value = self._objective(moved_N, moved_D, l2)
                if value <= objective:
                    break
                scale /= 2
            else:
                return self.coefficients_D
            self.coefficients_D, z_N, objective = moved_D, moved_N, value
        raise NonFiniteLossError(
            f"the linear head did not converge in {MOST_STEPS} Newton steps; raise l2."
        )

    def _objective(self, z_N: np.ndarray, coefficients_D: np.ndarray, l2: float) -> float:
        return _loss_of(self.rows, z_N) + l2 / 2 * float(coefficients_D @ coefficients_D)


def _derivatives(rows: PreferenceRows, z_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of each row's loss by its difference of rewards, [N]."""
    forward_N = sigmoid(rows.margin_N - z_N)
    backward_N = sigmoid(rows.margin_N + z_N)
    slope_N = rows.weight_N * ((1 - rows.target_N) * backward_N - rows.target_N * forward_N)
    curvature_N = rows.weight_N * (
        rows.target_N * forward_N * (1 - forward_N)
        + (1 - rows.target_N) * backward_N * (1 - backward_N)
    )
    return slope_N, curvature_N


def fit_linear_bradley_terry(rows: PreferenceRows, *, l2: float) -> np.ndarray:
    """Coefficients [D] of one strength; see `HeadFit.fit`."""
    return HeadFit(rows).fit(l2=l2)


def out_of_fold_gaps(
    rows: PreferenceRows, groups: Sequence[int], *, l2: float, folds: int, seed: int
) -> np.ndarray:
    """[N] score differences, each from a head that never saw the row's prompt."""
    return _out_of_fold(rows, groups, strengths=(l2,), folds=folds, seed=seed)[l2]


@dataclass(frozen=True)
class Strength:
    """losses: out-of-fold log-loss, in nats a row, of every strength tried; gap_N: out-of-fold
    differences of rewards under the one chosen."""

    l2: float
    losses: dict[float, float]
    gap_N: np.ndarray


def choose_l2(
    rows: PreferenceRows,
    groups: Sequence[int],
    *,
    folds: int = 5,
    seed: int,
    grid: Sequence[float] = L2_GRID,
) -> Strength:
    """The strength with the lowest out-of-fold log-loss."""
    gaps = _out_of_fold(rows, groups, strengths=grid, folds=folds, seed=seed, tolerance=CLOSE)
    losses = {l2: _mean_loss(rows, gaps[l2]) for l2 in grid}
    best = min(losses, key=lambda l2: losses[l2])
    return Strength(best, losses, gaps[best])


def strength_of(
    rows: PreferenceRows, groups: Sequence[int], *, l2: float, folds: int = 5, seed: int
) -> Strength:
    """Of the one strength given."""
    gap_N = out_of_fold_gaps(rows, groups, l2=l2, folds=folds, seed=seed)
    return Strength(l2, {l2: _mean_loss(rows, gap_N)}, gap_N)


def _mean_loss(rows: PreferenceRows, gap_N: np.ndarray) -> float:
    """Nats a row, whatever margin was learned with."""
    unmoved = replace(rows, margin_N=0 * rows.margin_N)
    return _loss_of(unmoved, gap_N) / float(rows.weight_N.sum())


def _out_of_fold(
    rows: PreferenceRows,
    groups: Sequence[int],
    *,
    strengths: Sequence[float],
    folds: int,
    seed: int,
    tolerance: float = EXACT,
) -> dict[float, np.ndarray]:
    """`out_of_fold_gaps` of each strength; the strongest priors go first, their heads are short."""
    fold_N = _folds(groups, folds, seed)
    gaps = {l2: np.zeros(len(fold_N)) for l2 in strengths}
    for fold in range(folds):
        inside = fold_N == fold
        if inside.any() and not inside.all():
            head, kept_ND = HeadFit(rows.take(~inside)), rows.gap_ND[inside]
            for l2 in sorted(strengths, reverse=True):
                gaps[l2][inside] = kept_ND @ head.fit(l2=l2, tolerance=tolerance)
    return gaps


def _folds(groups: Sequence[int], folds: int, seed: int) -> np.ndarray:
    """Fold of each row; rows of one group (prompt) share a fold."""
    names = sorted(set(groups))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: int(place) % folds for name, place in zip(names, shuffled, strict=True)}
    return np.array([fold_of[group] for group in groups])
