"""Draws that a seed fixes, and samples of unequal probabilities whose size does not vary."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def uniform_draws(seed: int, ids: Ints, purpose: int = 0) -> Floats:
    """0 <= u < 1 for each id, fixed by seed, purpose and id alone.

    The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), applied to the id twice with the
    seed in between.
    """
    with np.errstate(over="ignore"):
        key = np.uint64(seed % 2**64) * np.uint64(0x9E3779B97F4A7C15)
        key += np.uint64(purpose + 1) * np.uint64(0xD1B54A32D192ED03)
        mixed = _mix(_mix(np.asarray(ids).astype(np.uint64)) ^ _mix(np.array(key)))
    return np.asarray((mixed >> np.uint64(11)).astype(np.float64) / 2.0**53)


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def systematic_sample(propensity: Floats, keys: Floats, start: float) -> NDArray[np.bool_]:
    """[N]: whether each row is drawn; P(drawn) is exactly its propensity (0..1).

    The size is the sum of the propensities, up or down to a whole number. `keys` give the random
    order of the rows, `start` (0..1) the draw. Source: W. G. Madow (1949), On the theory of
    systematic sampling, II.
    """
    order = np.argsort(keys, kind="stable")
    reached = np.cumsum(propensity[order])
    # A sum of whole numbers must come out whole, or the sample could have one row too many.
    whole = np.round(reached)
    reached = np.where(np.abs(reached - whole) < 1e-9 * max(len(keys), 1), whole, reached)
    crossed = np.floor(reached + 1.0 - start)
    drawn = np.zeros(len(propensity), dtype=bool)
    drawn[order] = np.diff(crossed, prepend=np.floor(1.0 - start)) > 0
    return drawn


def scaled_to(weight: Floats, total: float, floor: float) -> Floats:
    """Propensities c x weight, cut to floor .. 1, that sum to `total`.

    If even the floor everywhere is more than `total`, all get the same lower share. Bisection on
    c. Source for weight = sqrt(P(error)): Angelopoulos et al. 2025 (arXiv:2506.07949).
    """
    rows = len(weight)
    if not rows or total <= 0:
        return np.zeros(rows)
    if total <= floor * rows:
        return np.full(rows, total / rows)
    if total >= rows:
        return np.ones(rows)
    weight = np.maximum(weight, 1e-9)
    low, high = 0.0, 1.0 / float(weight.min())
    for _ in range(200):
        middle = (low + high) / 2
        if np.clip(middle * weight, floor, 1.0).sum() < total:
            low = middle
        else:
            high = middle
    propensity = np.clip(low * weight, floor, 1.0)
    free = (propensity > floor) & (propensity < 1)
    if free.any():  # what bisection left over
        propensity[free] += (total - propensity.sum()) / free.sum()
    return np.clip(propensity, 0.0, 1.0)
