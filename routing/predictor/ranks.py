"""Ranks with ties, and Spearman's correlation of them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def average_ranks(values: ArrayLike) -> NDArray[np.float64]:
    """[N]: ranks from 1; equal values share the mean of theirs."""
    _, which_N, count_P = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last_P = np.cumsum(count_P)
    return np.asarray((last_P - (count_P - 1) / 2)[which_N], dtype=np.float64)


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Spearman's rho; 0 where one side does not vary."""
    a, b = average_ranks(one), average_ranks(other)
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
