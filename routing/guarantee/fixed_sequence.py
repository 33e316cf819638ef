"""Which confidence suffices for a promised agreement: fixed-sequence testing of thresholds."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from routing.guarantee.binomial import binomial_cdf, upper_bound


@dataclass(frozen=True)
class Threshold:
    """Rows with at least this confidence keep the promise. `value` is inf where nothing passed.

    share: of the rows tested on that lie above; errors: the share of those that were wrong, and
    its exact upper bound at the same delta.
    """

    value: float
    share: float
    errors: float
    bound: float
    rows: int


def lowest_threshold(
    confidence: ArrayLike,
    wrong: ArrayLike,
    *,
    thresholds: ArrayLike,
    risk: float,
    delta: float,
    min_rows: int = 30,
    seed: int = 0,
) -> Threshold:
    """The lowest of `thresholds` at which P(wrong | confidence >= threshold) <= risk, as tested.

    With probability 1 - delta over the rows the risk above the threshold is as promised. The rows
    must be independent of how confidence and thresholds were made. Thresholds are tested from high
    to low, each at the full level delta, until the first that cannot reject "the risk is higher";
    those with fewer than `min_rows` rows above are passed over, and those with so few that a risk
    of six tenths of the promised one could not be shown: a first test that fails ends it all. A
    loss between 0 and 1 (a tie counts a half) is made a coin with that chance, so that the
    binomial test stays exact.

    Source: Jung et al. 2024, Trust or Escalate (arXiv:2407.18370, section 2); fixed-sequence
    testing: P. Bauer (1991). Raises ValueError for numbers out of range.
    """
    confidence_N, loss_N = np.asarray(confidence, float), np.asarray(wrong, float)
    if not 0 < risk < 1 or not 0 < delta < 1:
        raise ValueError(f"risk and delta lie between 0 and 1, got {risk} and {delta}")
    if loss_N.size and (loss_N.min() < 0 or loss_N.max() > 1):
        raise ValueError("wrong: losses lie from 0 to 1")
    wrong_N = np.random.default_rng(seed).random(len(loss_N)) < loss_N
    found = Threshold(float("inf"), 0.0, 0.0, 1.0, 0)
    for value in np.unique(np.asarray(thresholds, float))[::-1]:
        above = confidence_N >= value
        rows = int(above.sum())
        if rows < min_rows or rows == found.rows:
            continue
        if binomial_cdf(int(0.6 * risk * rows), rows, risk) > delta:
            continue
        errors = int(wrong_N[above].sum())
        if binomial_cdf(errors, rows, risk) > delta:
            break
        found = Threshold(float(value), rows / len(confidence_N), errors / rows, 1.0, rows)
    if not found.rows:
        return found
    return replace(found, bound=upper_bound(round(found.errors * found.rows), found.rows, delta))
