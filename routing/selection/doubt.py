"""Strategies from predicted probabilities: how unsure, how divided, how much to be gained."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def uncertainty(p_first: ArrayLike) -> Floats:
    """Entropy in bits of P(first response better): 1 at a half, 0 where sure."""
    return _entropy(np.asarray(p_first, dtype=np.float64))


def disagreement(p_MN: ArrayLike, weight_MN: ArrayLike | None = None) -> Floats:
    """Mutual information in bits between an answer and which member of [M, N] gives it.

    High where members are sure and contradict each other, low where all are unsure: what more
    labels can settle. A member that said nothing of a row is NaN there; fewer than two that did
    give NaN. weight_MN: how much each counts, alike where left out.

    Source: Houlsby et al. 2011 (arXiv:1112.5745; BALD).
    """
    p = np.asarray(p_MN, dtype=np.float64)
    if p.ndim != 2 or len(p) < 2:
        raise ValueError(f"members: expected [M >= 2, N], got {p.shape}")
    known = np.isfinite(p)
    weight = np.where(known, 1.0 if weight_MN is None else np.asarray(weight_MN), 0.0)
    share = weight / np.maximum(weight.sum(0), 1e-12)
    told = np.where(known, p, 0.5)
    found = np.maximum(_entropy((share * told).sum(0)) - (share * _entropy(told)).sum(0), 0.0)
    return np.asarray(np.where(known.sum(0) > 1, found, np.nan))


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
