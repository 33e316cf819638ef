"""Calibration by isotonic regression: a rising curve from scores to probabilities."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Isotonic:
    """A piecewise linear curve through the middles of the pooled blocks; flat outside them."""

    score_B: Floats
    value_B: Floats

    def __call__(self, score: ArrayLike) -> Floats:
        return np.interp(np.asarray(score, dtype=np.float64), self.score_B, self.value_B)

    def to_json(self) -> dict[str, Any]:
        return {"score": self.score_B.tolist(), "value": self.value_B.tolist()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Isotonic":
        return cls(np.array(stored["score"], dtype=float), np.array(stored["value"], dtype=float))


def pool_adjacent_violators(value_N: Floats, weight_N: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """(fitted [N], block of each row [N]): the rising sequence nearest in weighted squares.

    Source: M. Ayer et al. (1955), An empirical distribution function for sampling with
    incomplete information.
    """
    level: list[float] = []
    weight: list[float] = []
    length: list[int] = []
    for value, mass in zip(value_N.tolist(), weight_N.tolist(), strict=True):
        level.append(value)
        weight.append(mass)
        length.append(1)
        while len(level) > 1 and level[-2] >= level[-1]:
            mass = weight[-2] + weight[-1]
            level[-2] = (level[-2] * weight[-2] + level[-1] * weight[-1]) / mass
            weight[-2], length[-2] = mass, length[-2] + length[-1]
            del level[-1], weight[-1], length[-1]
    block_N = np.repeat(np.arange(len(level)), length)
    return np.array(level)[block_N], block_N


def fit_isotonic(
    score: ArrayLike,
    target: ArrayLike,
    weight: ArrayLike | None = None,
    *,
    prior: float = 5.0,
    low: float = 0.0,
    high: float = 1.0,
) -> Isotonic:
    """Fit `target` (on average low..high) as a rising function of `score`; equal scores are pooled.

    Each block's value is drawn to the overall mean as by `prior` rows, so that ten rows that all
    went well do not promise certainty. Raises ValueError without rows.
    """
    score_N, target_N = np.asarray(score, dtype=float), np.asarray(target, dtype=float)
    weight_N = np.ones_like(score_N) if weight is None else np.asarray(weight, dtype=float)
    if not score_N.size or weight_N.sum() <= 0:
        raise ValueError("isotonic regression needs rows with weight")
    points, which_N = np.unique(score_N, return_inverse=True)
    mass_P = np.bincount(which_N, weights=weight_N).astype(np.float64)
    mean_P = np.bincount(which_N, weights=weight_N * target_N) / np.maximum(mass_P, 1e-12)
    fitted_P, block_P = pool_adjacent_violators(mean_P, np.maximum(mass_P, 1e-12))
    mass_B = np.bincount(block_P, weights=mass_P).astype(np.float64)
    middle_B = np.bincount(block_P, weights=mass_P * points) / np.maximum(mass_B, 1e-12)
    first_B = np.unique(block_P, return_index=True)[1]
    overall = float(weight_N @ target_N / weight_N.sum())
    value_B = (mass_B * fitted_P[first_B] + prior * overall) / (mass_B + prior)
    # Drawing small blocks to the mean may bend the curve; pool once more.
    value_B, _ = pool_adjacent_violators(value_B, mass_B)
    value_B = np.clip(value_B, low, high)
    return Isotonic(middle_B, value_B)


def reliability(
    predicted: ArrayLike, happened: ArrayLike, *, bins: int = 10
) -> list[tuple[float, float, int]]:
    """(mean predicted, mean happened, rows) of bins of equal size: the reliability curve."""
    predicted_N, happened_N = np.asarray(predicted, float), np.asarray(happened, float)
    order = np.argsort(predicted_N, kind="stable")
    return [
        (float(predicted_N[part].mean()), float(happened_N[part].mean()), len(part))
        for part in np.array_split(order, bins)
        if len(part)
    ]
