"""Ridge logistic regression on soft targets; cross-validation over groups sets its strength."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.quality.newton import Local, climb

Floats = NDArray[np.float64]
AT_REST = 1e-3  # the error that is left is about its square
L2_SIGNALS = (1.0, 10.0, 100.0)
L2_TAGS = (30.0, 300.0, 3000.0)


def sigmoid(logit: ArrayLike) -> Floats:
    """Logistic function without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -np.asarray(logit, dtype=np.float64))))


@dataclass(frozen=True)
class Logistic:
    """P(y = 1) = sigmoid(intercept + x . coefficients)."""

    intercept: float
    coefficients_C: Floats

    def logit(self, x_NC: Floats) -> Floats:
        return self.intercept + x_NC @ self.coefficients_C


def fit_logistic(
    x_NC: Floats,
    target_N: Floats,
    weight_N: Floats,
    penalty_C: Floats,
    start: Logistic | None = None,
) -> Logistic:
    """Minimise sum w [-t log p - (1 - t) log(1 - p)] + 1/2 sum penalty c^2; the intercept is free.

    Convex. The intercept is held within +-12 by a penalty of 1e-4, so rows
    of one kind alone give a probability near 0 or 1 and no failure.
    """
    rows = np.concatenate([np.ones((len(x_NC), 1)), x_NC], axis=1)
    penalty = np.concatenate([[1e-4], penalty_C])
    coefficients = np.zeros(rows.shape[1])
    if start is not None:
        coefficients = np.concatenate([[start.intercept], start.coefficients_C])

    def likelihood(c: Floats) -> Local:
        z_N = rows @ c
        p_N = sigmoid(z_N)
        loss_N = target_N * np.logaddexp(0.0, -z_N) + (1 - target_N) * np.logaddexp(0.0, z_N)
        slope = rows.T @ (weight_N * (target_N - p_N)) - penalty * c
        curve = (rows.T * (weight_N * p_N * (1 - p_N))) @ rows + np.diag(penalty)
        return Local(-float(weight_N @ loss_N + 0.5 * penalty @ (c * c)), slope, curve)

    coefficients, _ = climb(likelihood, coefficients, at_rest=AT_REST)
    return Logistic(float(coefficients[0]), coefficients[1:])


def folds_of(groups: ArrayLike, folds: int, seed: int) -> NDArray[np.int64]:
    """[N]: the fold of each row; rows of one group (prompt) share a fold."""
    names, which_N = np.unique(np.asarray(groups), return_inverse=True)
    place = np.random.default_rng(seed).permutation(len(names)) % folds
    return np.asarray(place[which_N], dtype=np.int64)


@dataclass(frozen=True)
class ChosenLogistic:
    """The model of all rows, the penalties chosen, and each row's logit from folds without it."""

    model: Logistic
    l2: tuple[float, float]
    held_out_logit_N: Floats
    log_loss: float


def choose_logistic(
    x_NC: Floats,
    target_N: Floats,
    weight_N: Floats,
    groups: ArrayLike,
    *,
    is_tag: NDArray[np.bool_],
    seed: int,
    folds: int = 5,
    l2_signals: Sequence[float] = L2_SIGNALS,
    l2_tags: Sequence[float] = L2_TAGS,
) -> ChosenLogistic:
    """Fit with the pair of penalties (signals, tags) of the lowest log-loss on held-out folds."""
    fold_N = folds_of(groups, folds, seed)
    if not is_tag.any():
        l2_tags = l2_tags[:1]
    if is_tag.all():
        l2_signals = l2_signals[:1]
    best: tuple[float, tuple[float, float], Floats] | None = None
    begun: dict[int, Logistic] = {}
    for pair in product(l2_signals, l2_tags):
        penalty_C = np.where(is_tag, pair[1], pair[0])
        logit_N = np.zeros(len(target_N))
        for fold in range(folds):
            inside = fold_N == fold
            if inside.any() and not inside.all():
                fitted = fit_logistic(
                    x_NC[~inside],
                    target_N[~inside],
                    weight_N[~inside],
                    penalty_C,
                    begun.get(fold),
                )
                begun[fold] = fitted
                logit_N[inside] = fitted.logit(x_NC[inside])
        loss_N = target_N * np.logaddexp(0.0, -logit_N) + (1 - target_N) * np.logaddexp(
            0.0, logit_N
        )
        loss = float(weight_N @ loss_N / weight_N.sum())
        if best is None or loss < best[0]:
            best = (loss, pair, logit_N)
    assert best is not None
    loss, pair, logit_N = best
    model = fit_logistic(x_NC, target_N, weight_N, np.where(is_tag, pair[1], pair[0]))
    return ChosenLogistic(model, pair, logit_N, loss)
