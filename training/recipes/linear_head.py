"""A linear Bradley-Terry model of embedding differences, fitted by Newton's method."""

from collections.abc import Iterator, Sequence
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
LARGE = 1_000_000
"""Numbers from which on reading them takes the time, and half the digits half of it."""


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


def _losses_of(rows: PreferenceRows, z_NF: np.ndarray, weight_NF: np.ndarray) -> np.ndarray:
    """[F] summed losses of the rewards' differences z under each column's weights."""
    margin_N1, target_N1 = rows.margin_N[:, None], rows.target_N[:, None]
    forward_NF = np.logaddexp(0.0, margin_N1 - z_NF)
    backward_NF = np.logaddexp(0.0, margin_N1 + z_NF)
    lost_NF = weight_NF * (target_N1 * forward_NF + (1 - target_N1) * backward_NF)
    return np.asarray(lost_NF.sum(0))


def _loss_of(rows: PreferenceRows, z_N: np.ndarray) -> float:
    return float(_losses_of(rows, z_N[:, None], rows.weight_N[:, None])[0])


class HeadFits:
    """Heads of several strengths, each begun from the one before it, and F of them in step: head f
    of all rows but those of fold f, or one of all rows where there are no folds.

    In step, because reading the differences takes most of the time and is shared. The curvature of
    the loss changes little from step to step, strength to strength and fold to fold, so one matrix
    of it, less each fold's part, serves until a step gains too little; it shapes the steps alone,
    never the result. single: the differences in float32, enough for `CLOSE`.
    """

    def __init__(
        self, rows: PreferenceRows, fold_N: np.ndarray | None = None, *, single: bool = False
    ) -> None:
        self.rows = rows
        self.fold_N = np.zeros(len(rows.target_N), dtype=int) if fold_N is None else fold_N
        self.folds = np.unique(self.fold_N)
        held_out_NF = self.fold_N[:, None] == self.folds
        if fold_N is None:
            held_out_NF[:] = False
        self.weight_NF = rows.weight_N[:, None] * ~held_out_NF
        self.leaves_out = fold_N is not None
        self.gap32_ND = rows.gap_ND.astype(np.float32, copy=False)
        self.gap_ND = self.gap32_ND if single else rows.gap_ND.astype(np.float64, copy=False)
        self.coefficients_DF = np.zeros((rows.gap_ND.shape[1], len(self.folds)))
        self.curvature_FDD: list[np.ndarray] | None = None

    def fit(self, *, l2: float, tolerance: float = EXACT) -> np.ndarray:
        """[N, F] differences of rewards, all rows by each head, whose coefficients (kept in
        `coefficients_DF`) minimise `weighted_loss` + l2/2 |coefficients|^2 (convex, unique).

        Damped Newton steps until the gradients vanish. Raises NonFiniteLossError if they do not.
        """
        enough_F = tolerance * np.maximum(1.0, self.weight_NF.sum(0))
        before_F = np.full(len(self.folds), np.inf)
        at_rest_F = np.zeros(len(self.folds), dtype=bool)
        z_NF = self._project(self.coefficients_DF)
        objective_F = self._objectives(z_NF, self.coefficients_DF, l2)
        factors: list[tuple[np.ndarray, bool]] | None = None
        for _ in range(MOST_STEPS):
            slope_NF, curvature_NF = _derivatives(self.rows, z_NF, self.weight_NF)
            gradient_DF = self._gather(slope_NF) + l2 * self.coefficients_DF
            largest_F = np.abs(gradient_DF).max(0)
            at_rest_F |= largest_F < enough_F
            if at_rest_F.all():
                return z_NF
            slow_F = ~at_rest_F & (largest_F > LEAST_GAIN * before_F)
            if self.curvature_FDD is None or slow_F.any():
                self.curvature_FDD = self._curvatures(curvature_NF)
                factors = None
            if factors is None:
                factors = [_factor(one_DD, l2) for one_DD in self.curvature_FDD]
            step_DF = np.stack(
                [cho_solve(f, g) for f, g in zip(factors, gradient_DF.T, strict=True)], axis=1
            )
            along_NF, scale_F = self._project(step_DF), np.where(at_rest_F, 0.0, 1.0)
            before_F = largest_F
            while True:
                moved_DF = self.coefficients_DF - scale_F * step_DF
                moved_NF = z_NF - scale_F * along_NF
                value_F = self._objectives(moved_NF, moved_DF, l2)
                worse_F = ~(value_F <= objective_F) & (scale_F > 0)
                if not worse_F.any():
                    break
                scale_F = np.where(worse_F, scale_F / 2, scale_F)
                scale_F[scale_F <= 1e-8] = 0.0
            at_rest_F |= scale_F == 0  # no step, however short, finds less
            self.coefficients_DF, z_NF, objective_F = moved_DF, moved_NF, value_F
        raise NonFiniteLossError(
            "The linear head did not converge in {steps} Newton steps; raise l2.", steps=MOST_STEPS
        )

    def _project(self, coefficients_DF: np.ndarray) -> np.ndarray:
        found_NF = self.gap_ND @ coefficients_DF.astype(self.gap_ND.dtype)
        return np.asarray(found_NF, dtype=np.float64)

    def _gather(self, slope_NF: np.ndarray) -> np.ndarray:
        found_FD = slope_NF.T.astype(self.gap_ND.dtype) @ self.gap_ND
        return np.asarray(found_FD.T, dtype=np.float64)

    def _objectives(self, z_NF: np.ndarray, coefficients_DF: np.ndarray, l2: float) -> np.ndarray:
        losses_F = _losses_of(self.rows, z_NF, self.weight_NF)
        return np.asarray(losses_F + l2 / 2 * np.sum(coefficients_DF**2, axis=0))

    def _curvatures(self, curvature_NF: np.ndarray) -> list[np.ndarray]:
        """[F] of [D, D]: of the mean over the heads that have a row, by the rows of each."""
        counted_N = np.maximum(1, np.count_nonzero(self.weight_NF, axis=1))
        root_N = np.sqrt(curvature_NF.sum(1) / counted_N).astype(np.float32)
        parts = []
        for fold in self.folds:
            inside_N = self.fold_N == fold
            weighted_ND = self.gap32_ND[inside_N] * root_N[inside_N, None]
            # Of a matrix with itself numpy works out one half.
            parts.append((weighted_ND.T @ weighted_ND).astype(np.float64))
        whole_DD = np.sum(parts, axis=0)
        return [whole_DD - part_DD for part_DD in parts] if self.leaves_out else [whole_DD]


def _factor(curvature_DD: np.ndarray, l2: float) -> tuple[np.ndarray, bool]:
    """Of curvature and prior. Rounding may have taken a little from the smallest directions."""
    lost = 1e-6 * float(np.trace(curvature_DD)) / len(curvature_DD)
    found: tuple[np.ndarray, bool] = cho_factor(
        curvature_DD + max(l2, lost) * np.eye(len(curvature_DD))
    )
    return found


def _derivatives(
    rows: PreferenceRows, z_NF: np.ndarray, weight_NF: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """First and second derivative of each row's loss by its difference of rewards, [N, F]."""
    margin_N1, target_N1 = rows.margin_N[:, None], rows.target_N[:, None]
    forward_NF, backward_NF = sigmoid(margin_N1 - z_NF), sigmoid(margin_N1 + z_NF)
    slope_NF = weight_NF * ((1 - target_N1) * backward_NF - target_N1 * forward_NF)
    curvature_NF = weight_NF * (
        target_N1 * forward_NF * (1 - forward_NF)
        + (1 - target_N1) * backward_NF * (1 - backward_NF)
    )
    return slope_NF, curvature_NF


def fit_linear_bradley_terry(rows: PreferenceRows, *, l2: float) -> np.ndarray:
    """Coefficients [D] of one strength; see `HeadFits.fit`."""
    fits = HeadFits(rows)
    fits.fit(l2=l2)
    return fits.coefficients_DF[:, 0]


def out_of_fold_gaps(
    rows: PreferenceRows, groups: Sequence[int], *, l2: float, folds: int, seed: int
) -> np.ndarray:
    """[N] score differences, each from a head that never saw the row's prompt."""
    ((_, gap_N),) = _out_of_fold(rows, groups, strengths=(l2,), folds=folds, seed=seed)
    return gap_N


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
    """The strength with the lowest out-of-fold log-loss.

    From the strongest on; weaker ones are left out once two in a row were worse than the best.
    """
    losses: dict[float, float] = {}
    best, best_gap_N, worse = max(grid), np.zeros(0), 0
    tried = _out_of_fold(rows, groups, strengths=grid, folds=folds, seed=seed, tolerance=CLOSE)
    for l2, gap_N in tried:
        losses[l2] = _mean_loss(rows, gap_N)
        if losses[l2] <= losses[best]:
            best, best_gap_N, worse = l2, gap_N, 0
        elif (worse := worse + 1) == 2:
            break
    return Strength(best, losses, best_gap_N)


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
) -> Iterator[tuple[float, np.ndarray]]:
    """`out_of_fold_gaps` of each strength; the strongest priors go first, their heads are short."""
    fold_N = _folds(groups, folds, seed)
    if len(np.unique(fold_N)) < 2:  # of one prompt there is nothing else to learn from
        yield from ((l2, np.zeros(len(fold_N))) for l2 in sorted(strengths, reverse=True))
        return
    single = tolerance >= CLOSE and rows.gap_ND.size >= LARGE
    heads = HeadFits(rows, fold_N, single=single)
    own_N = np.searchsorted(heads.folds, fold_N)
    for l2 in sorted(strengths, reverse=True):
        yield l2, heads.fit(l2=l2, tolerance=tolerance)[np.arange(len(fold_N)), own_N]


def _folds(groups: Sequence[int], folds: int, seed: int) -> np.ndarray:
    """Fold of each row; rows of one group (prompt) share a fold."""
    names = sorted(set(groups))
    shuffled = np.random.default_rng(seed).permutation(len(names))
    fold_of = {name: int(place) % folds for name, place in zip(names, shuffled, strict=True)}
    return np.array([fold_of[group] for group in groups])
