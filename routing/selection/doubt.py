"""Strategies from predicted probabilities: how unsure, how divided, how much to be gained."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def uncertainty(p_first: ArrayLike) -> Floats:
    """Entropy in bits of P(first response better): 1 at a half, 0 where sure."""
    return _entropy(np.asarray(p_first, dtype=np.float64))


def disagreement(p_MN: ArrayLike) -> Floats:
    """Mutual information in bits between an answer and which member of [M, N] gives it.

    High where members are sure and contradict each other, low where all are unsure: what more
    labels can settle. Source: Houlsby et al. 2011 (arXiv:1112.5745; BALD).
    """
    p = np.asarray(p_MN, dtype=np.float64)
    if p.ndim != 2 or len(p) < 2:
        raise ValueError(f"members: expected [M >= 2, N], got {p.shape}")
    return np.asarray(np.maximum(_entropy(p.mean(0)) - _entropy(p).mean(0), 0.0))


def expected_gain(
    error_now: ArrayLike, error_asked: ArrayLike, *, value: float = 1.0, cost: float = 0.0
) -> Floats:
    """What asking saves: (expected error of the label that stands - of people's) value - cost."""
    return np.asarray(
        (np.asarray(error_now, float) - np.asarray(error_asked, float)) * value - cost
    )


def _entropy(p: Floats) -> Floats:
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))
