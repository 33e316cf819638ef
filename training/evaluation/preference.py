"""How well scores agree with preferences, next to what response length alone would do.

All functions take the score difference chosen - rejected (`gap`) or the two scores; rows that
are ties have no better response and are left out by the caller. Pure numpy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, fsum, lgamma, log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from annotate.quality.intervals import wilson
from training.evaluation.calibration import (
    expected_calibration_error,
    preference_log_loss,
    sigmoid,
)


@dataclass(frozen=True)
class Proportion:
    value: float
    low: float
    high: float
    rows: int

    def as_dict(self) -> dict[str, float | int]:
        return {"value": self.value, "low": self.low, "high": self.high, "rows": self.rows}


def pairwise_accuracy(gap: ArrayLike) -> Proportion:
    """Share of pairs whose chosen response scores higher, with Wilson's 95 % interval.

    Equal scores count one half; (nan, 0, 1) without pairs. The interval takes pairs for
    independent: several judgements of one task or prompt make it too narrow.
    """
    gap = np.asarray(gap, dtype=np.float64)
    right = float(np.sum(gap > 0) + 0.5 * np.sum(gap == 0))
    share = right / gap.size if gap.size else float("nan")
    return Proportion(share, *wilson(right, gap.size), gap.size)


@dataclass(frozen=True)
class LengthBaseline:
    """Prefers by length difference alone: logit = slope x (log length chosen - rejected)."""

    slope: float

    def gap(self, chosen_length: ArrayLike, rejected_length: ArrayLike) -> np.ndarray:
        return self.slope * _length_gap(chosen_length, rejected_length)


def fit_length_baseline(
    chosen_length: ArrayLike, rejected_length: ArrayLike, l2: float = 1e-3
) -> LengthBaseline:
    """One-parameter logistic regression on the training pairs (Newton's method).

    Its sign says whether annotators prefer longer or shorter responses. `l2` keeps the slope
    finite when length separates the pairs completely.
    """
    feature = _length_gap(chosen_length, rejected_length)
    slope = 0.0
    for _ in range(100):
        probability = sigmoid(slope * feature)
        gradient = float(np.sum((1 - probability) * feature)) - l2 * slope
        curvature = float(np.sum(probability * (1 - probability) * feature**2)) + l2
        step = gradient / curvature
        slope += max(-1.0, min(1.0, step))
        if abs(step) < 1e-10:
            break
    return LengthBaseline(slope)


def length_correlation(scores: ArrayLike, lengths: ArrayLike) -> float:
    """Pearson correlation of score and response length; nan when either is constant."""
    scores = np.asarray(scores, dtype=np.float64)
    lengths = np.asarray(lengths, dtype=np.float64)
    if scores.size < 2 or np.ptp(scores) == 0 or np.ptp(lengths) == 0:
        return float("nan")
    return float(np.corrcoef(scores, lengths)[0, 1])


def accuracy_by_group(gap: ArrayLike, group: Sequence[Any]) -> dict[str, Proportion]:
    """Accuracy within each value of `group`, for example source or subset."""
    gap = np.asarray(gap, dtype=np.float64)
    names = np.array([str(name) for name in group])
    return {
        str(name): pairwise_accuracy(gap[names == name]) for name in sorted(set(names.tolist()))
    }


def accuracy_by_margin(
    gap: ArrayLike, margin: Sequence[float | None], bins: int = 4
) -> list[dict[str, Any]]:
    """Accuracy in quantile bins of the annotators' margin; rows without a margin are left out.

    Returns [{"from", "to", "accuracy"}], ascending; bins that coincide are merged.
    """
    known = np.array([value is not None for value in margin], dtype=bool)
    gaps = np.asarray(gap, dtype=np.float64)[known]
    values = np.array([value for value in margin if value is not None], dtype=np.float64)
    if values.size == 0:
        return []
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    place = np.clip(np.searchsorted(edges[1:-1], values, side="right"), 0, None)
    result = []
    for index in np.unique(place):
        inside = place == index
        result.append(
            {
                "from": float(values[inside].min()),
                "to": float(values[inside].max()),
                "accuracy": pairwise_accuracy(gaps[inside]).as_dict(),
            }
        )
    return result


def paired_accuracy_test(gap_a: ArrayLike, gap_b: ArrayLike) -> dict[str, float | int]:
    """Exact McNemar test of two models on the same pairs, in the same order.

    Returns the two numbers of pairs that only one of them gets right and the two-sided p-value
    that they are equally good. Source: McNemar 1947; exact binomial form.
    """
    right_a = np.asarray(gap_a, dtype=np.float64) > 0
    right_b = np.asarray(gap_b, dtype=np.float64) > 0
    if right_a.shape != right_b.shape:
        raise ValueError(f"the models scored {right_a.size} and {right_b.size} pairs")
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(~right_a & right_b))
    trials, fewer = only_a + only_b, min(only_a, only_b)
    return {"only_a": only_a, "only_b": only_b, "p_value": _sign_test(trials, fewer)}


def _sign_test(trials: int, fewer: int) -> float:
    """Two-sided p of at most `fewer` heads in `trials` fair throws; from logarithms of binomial
    coefficients, for the coefficients themselves have as many digits as there are rows.
    """
    whole = lgamma(trials + 1) - trials * log(2)
    terms = (exp(whole - lgamma(k + 1) - lgamma(trials - k + 1)) for k in range(fewer + 1))
    return min(1.0, 2 * fsum(terms))


def evaluate_scores(
    *,
    chosen: ArrayLike,
    rejected: ArrayLike,
    chosen_length: ArrayLike,
    rejected_length: ArrayLike,
    temperature: float,
    baseline: LengthBaseline,
    margin: Sequence[float | None],
    source: Sequence[str],
) -> dict[str, Any]:
    """Every figure of one split as plain values; scores are given before the temperature."""
    chosen = np.asarray(chosen, dtype=np.float64)
    rejected = np.asarray(rejected, dtype=np.float64)
    gap = chosen - rejected
    scores = np.concatenate([chosen, rejected])
    lengths = np.concatenate([np.asarray(chosen_length), np.asarray(rejected_length)])
    length_gap = baseline.gap(chosen_length, rejected_length)
    if gap.size == 0:
        return {"rows": 0}
    return {
        "rows": int(gap.size),
        "accuracy": pairwise_accuracy(gap).as_dict(),
        "log_loss_before_temperature": preference_log_loss(gap),
        "log_loss": preference_log_loss(gap / temperature),
        "ece_before_temperature": expected_calibration_error(gap),
        "ece": expected_calibration_error(gap / temperature),
        "temperature": temperature,
        "length_only_accuracy": pairwise_accuracy(length_gap).as_dict(),
        "length_only_slope": baseline.slope,
        "length_correlation": _plain(length_correlation(scores, lengths)),
        "against_length_only": paired_accuracy_test(gap, length_gap),
        "accuracy_by_margin": accuracy_by_margin(gap, margin),
        "accuracy_by_source": {
            name: share.as_dict() for name, share in accuracy_by_group(gap, source).items()
        },
    }


def _length_gap(chosen_length: ArrayLike, rejected_length: ArrayLike) -> np.ndarray:
    return np.log1p(np.asarray(chosen_length, dtype=np.float64)) - np.log1p(
        np.asarray(rejected_length, dtype=np.float64)
    )


def _plain(value: float) -> float | None:
    """JSON has no nan: None says that the figure is not defined here."""
    return None if np.isnan(value) else value
