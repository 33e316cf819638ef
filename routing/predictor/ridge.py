"""Ridge regression in the dual, for more columns than rows; held-out folds set its strength."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ALPHAS = tuple(float(10.0**e) for e in np.arange(-3, 5.1, 0.5))


@dataclass(frozen=True)
class Ridge:
    """y = intercept + ((x - mean) / width) . coefficients."""

    mean_C: Floats
    width_C: Floats
    coefficients_C: Floats
    intercept: float

    def predict(self, x_NC: Floats) -> Floats:
        return self.intercept + ((x_NC - self.mean_C) / self.width_C) @ self.coefficients_C


def fit_ridge(x_NC: Floats, y_N: Floats, alpha: float) -> Ridge:
    """Minimise |y - Xc|^2 + alpha n |c|^2 on columns scaled to deviation 1."""
    mean_C, width_C = x_NC.mean(0), x_NC.std(0)
    width_C = np.where(width_C > 1e-12, width_C, 1.0)
    scaled = (x_NC - mean_C) / width_C
    intercept = float(y_N.mean())
    kernel = scaled @ scaled.T + alpha * len(y_N) * np.eye(len(y_N))
    return Ridge(mean_C, width_C, scaled.T @ np.linalg.solve(kernel, y_N - intercept), intercept)


def held_out(
    x_NC: Floats, y_N: Floats, alphas: Sequence[float], fold_N: NDArray[np.int64]
) -> Floats:
    """[alphas, N]: each row predicted by models of the other folds.

    One eigendecomposition a fold serves all strengths.
    """
    found = np.zeros((len(alphas), len(y_N)))
    for fold in np.unique(fold_N):
        inside = fold_N == fold
        mean_C, width_C = x_NC[~inside].mean(0), x_NC[~inside].std(0)
        scaled = (x_NC - mean_C) / np.where(width_C > 1e-12, width_C, 1.0)
        trained, y = scaled[~inside], y_N[~inside]
        values, vectors = np.linalg.eigh(trained @ trained.T)
        seen = vectors.T @ (y - y.mean())
        across = scaled[inside] @ trained.T @ vectors
        for number, alpha in enumerate(alphas):
            found[number, inside] = y.mean() + across @ (seen / (values + alpha * len(y)))
    return found


def choose_alpha(
    x_NC: Floats, y_N: Floats, *, seed: int, folds: int = 5, alphas: Sequence[float] = ALPHAS
) -> float:
    """The strength of the lowest squared error on held-out folds."""
    fold_N = np.random.default_rng(seed).permutation(len(y_N)) % folds
    errors = ((held_out(x_NC, y_N, alphas, fold_N) - y_N) ** 2).mean(1)
    return alphas[int(np.argmin(errors))]
