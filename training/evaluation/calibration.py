"""Is a predicted probability of preference right as often as it says? Pure numpy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def sigmoid(logit: ArrayLike) -> Floats:
    """Logistic function without overflow."""
    values = np.asarray(logit, dtype=np.float64)
    return np.exp(-np.logaddexp(0.0, -values))


def preference_log_loss(gap: ArrayLike, target: ArrayLike = 1.0) -> float:
    """Mean negative log-likelihood in nats of `target` under sigmoid(gap)."""
    gap = np.asarray(gap, dtype=np.float64)
    target = np.broadcast_to(np.asarray(target, dtype=np.float64), gap.shape)
    losses = target * np.logaddexp(0.0, -gap) + (1 - target) * np.logaddexp(0.0, gap)
    return float(np.mean(losses))


def expected_calibration_error(gap: ArrayLike, bins: int = 10) -> float:
    """ECE of a preference model from the score differences chosen - rejected.

    Each pair is one prediction with confidence sigmoid(|gap|) in [0.5, 1], right when gap > 0
    (half right at exactly 0); `bins` equal bins over [0.5, 1], each weighted by its rows.
    Source: Guo et al. 2017 (arXiv:1706.04599, equation 3).
    """
    gap = np.asarray(gap, dtype=np.float64)
    if gap.size == 0:
        return float("nan")
    confidence = sigmoid(np.abs(gap))
    correct = np.where(gap == 0, 0.5, gap > 0)
    position = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    rows = np.bincount(position, minlength=bins)
    sums = np.bincount(position, weights=correct - confidence, minlength=bins)
    return float(np.abs(sums).sum() / rows.sum())


def fit_temperature(gap: ArrayLike) -> float:
    """Temperature T > 0 that minimises the log-loss of gap / T; fit it on rows kept from test.

    The loss is convex in 1/T: bisection on its derivative over T in [0.05, 100]. Pairs that are
    all right (or all wrong) push T to an end of that range, so few rows give a bad T: callers
    ask for a minimum number. Source: Guo et al. 2017 (arXiv:1706.04599, section 4.2).
    """
    gap = np.asarray(gap, dtype=np.float64)
    if gap.size == 0 or not np.isfinite(gap).all():
        raise ValueError(f"temperature needs finite score differences, got {gap.size} rows")
    low, high = np.log(1 / 100), np.log(1 / 0.05)

    def slope(log_scale: float) -> float:
        return float(np.sum(gap * (sigmoid(np.exp(log_scale) * gap) - 1)))

    if slope(low) >= 0:
        return 100.0
    if slope(high) <= 0:
        return 0.05
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))
