"""A model on a set of pairs from elsewhere, subset by subset, next to preferring by length.

Several pairs of one prompt hang together, so intervals count prompts, not pairs. Pure numpy.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.quality.intervals import t95, wilson
from training.evaluation.preference import Proportion, paired_accuracy_test

Floats = NDArray[np.float64]


def points(gap: ArrayLike) -> Floats:
    """[N] 1 where chosen scores higher, 0.5 at equal scores, 0 elsewhere."""
    gap_N = np.asarray(gap, dtype=np.float64)
    return np.where(gap_N == 0, 0.5, gap_N > 0)


def clustered_share(point: ArrayLike, cluster: ArrayLike) -> Proportion:
    """The mean of points in 0..1 with Wilson's 95 % interval on the effective number of rows.

    That number is N over the design effect, times (t_{N-1} / t_{G-1})^2 for G clusters (prompts),
    whose few degrees of freedom widen the interval; at most N. The design effect is the variance of
    the mean by clusters, G / (G - 1) * sum over clusters of (sum of deviations)^2 / N^2, over
    p (1 - p) / (N - 1). So it is N where every row has a cluster of its own; 1 for a single
    cluster; and the number of clusters where all rows agree, which tells nothing of how far those
    of one cluster hang together. Source: Korn & Graubard 1998 (Survey Methodology 24, section 2),
    with Wilson's interval for theirs. (nan, 0, 1) without rows.
    """
    point_N = np.asarray(point, dtype=np.float64)
    if not point_N.size:
        return Proportion(float("nan"), 0.0, 1.0, 0)
    _, place_N = np.unique(np.asarray(cluster), return_inverse=True)
    share = float(point_N.mean())
    rows, clusters = point_N.size, int(place_N.max()) + 1
    effective = float(clusters)
    if clusters > 1 and np.ptp(point_N) > 0:
        variance = _variance(point_N - share, place_N) * clusters / (clusters - 1)
        alone = share * (1 - share) / (rows - 1)
        few = (t95(rows - 1) / t95(clusters - 1)) ** 2
        effective = float(rows) * few * (min(1.0, alone / variance) if variance > 0 else 1.0)
    low, high = wilson(share * effective, effective)
    return Proportion(share, low, high, point_N.size)


def _variance(deviation_N: Floats, place_N: NDArray[np.intp]) -> float:
    sums = np.bincount(place_N, weights=deviation_N)
    return float((sums**2).sum()) / deviation_N.size**2


def mean_of_shares(shares: Sequence[Proportion]) -> dict[str, float | int]:
    """The plain mean of several shares, each counting the same however many rows it has.

    The interval adds up the squared distances of each share to its own ends (MOVER; Zou & Donner
    2008, Statistics in Medicine 27, equation 3, with equal weights), shares taken for independent.
    """
    count = len(shares)
    if not count:
        return {"value": float("nan"), "low": 0.0, "high": 1.0, "rows": 0}
    mean = sum(share.value for share in shares) / count
    below = sqrt(sum((share.value - share.low) ** 2 for share in shares)) / count
    above = sqrt(sum((share.high - share.value) ** 2 for share in shares)) / count
    return {"value": mean, "low": mean - below, "high": mean + above, "rows": count}


def paired_difference(
    point_a: ArrayLike, point_b: ArrayLike, cluster: ArrayLike
) -> dict[str, float | int | None]:
    """How much higher the share of a is than that of b on the same rows, by clusters.

    The interval is by Student's t with G - 1 degrees of freedom for G clusters, with the
    cluster-robust variance times G / (G - 1); its ends are None for fewer than two.
    """
    gap_N = np.asarray(point_a, dtype=np.float64) - np.asarray(point_b, dtype=np.float64)
    _, place_N = np.unique(np.asarray(cluster), return_inverse=True)
    count = int(place_N.max()) + 1 if gap_N.size else 0
    mean = float(gap_N.mean()) if gap_N.size else float("nan")
    if count < 2:
        return {"value": mean, "low": None, "high": None, "rows": gap_N.size}
    half = t95(count - 1) * sqrt(_variance(gap_N - mean, place_N) * count / (count - 1))
    return {
        "value": mean,
        "low": max(-1.0, mean - half),
        "high": min(1.0, mean + half),
        "rows": gap_N.size,
    }


def pair_set_figures(
    *,
    gap: ArrayLike,
    length_gap: ArrayLike,
    subset: Sequence[str],
    cluster: ArrayLike,
) -> dict[str, Any]:
    """Every figure of one model on one set as plain values.

    `gap`, `length_gap`: [N] score and length in characters, chosen - rejected; `subset`: [N] names;
    `cluster`: [N] the prompt of each pair. Equal scores count one half. The length-only baseline
    prefers the longer response.
    """
    gap_N, length_N = (np.asarray(one, dtype=np.float64) for one in (gap, length_gap))
    names, place_N = np.unique(np.asarray(subset), return_inverse=True)
    prompt_N = np.asarray(cluster)
    if not gap_N.size:
        return {"rows": 0}
    mine, by_length = points(gap_N), points(length_N)
    inside_SN = [place_N == place for place in range(len(names))]
    of_model, of_length = (
        [clustered_share(point_N[inside], prompt_N[inside]) for inside in inside_SN]
        for point_N in (mine, by_length)
    )
    by_subset = {
        name: {
            "accuracy": of_model[place].as_dict(),
            "length_only_accuracy": of_length[place].as_dict(),
            "ties": int((gap_N[inside_SN[place]] == 0).sum()),
            "prompts": int(np.unique(prompt_N[inside_SN[place]]).size),
        }
        for place, name in enumerate(names.tolist())
    }
    return {
        "rows": int(gap_N.size),
        "prompts": int(np.unique(prompt_N).size),
        "ties": int((gap_N == 0).sum()),
        "accuracy": clustered_share(mine, prompt_N).as_dict(),
        "mean_over_subsets": mean_of_shares(of_model),
        "length_only_accuracy": clustered_share(by_length, prompt_N).as_dict(),
        "length_only_mean_over_subsets": mean_of_shares(of_length),
        "against_length_only": {
            **paired_accuracy_test(gap_N, length_N),
            "difference": paired_difference(mine, by_length, prompt_N),
        },
        "by_subset": by_subset,
    }
