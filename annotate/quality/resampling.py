"""Agreement of very many labels with bootstrap intervals, from sums over clusters. Pure numpy.

Every figure here is a function of sums over clusters (prompts), so that drawing clusters anew is
one product of matrices. The figures are those of agreement.py and kappa.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from annotate.kinds.sayings import Level
from annotate.quality.intervals import wilson
from annotate.quality.votes import Floats, Ints

DRAWS = 1000
CELLS = 20_000_000  # numbers held at a time; also bounds the draws where clusters differ all
MOST_UNDEFINED = 0.05

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Figures:
    """`items` with two labels or more, and their `labels`. `percent` is the share, 0 to 1, of pairs
    of labels of one item that are equal; `alpha` is Krippendorff's. None where undefined."""

    items: int = 0
    labels: int = 0
    percent: float | None = None
    percent_interval: Interval = None
    alpha: float | None = None
    alpha_interval: Interval = None


def agreement_figures(
    item_V: Ints,
    label_V: Ints,
    cluster_V: Ints,
    places_K: Floats,
    level: Level,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Figures:
    """`cluster_V`: what each label's item is drawn with; all labels of an item in one cluster.
    `places_K`: the classes' numbers, for `interval`; they are in ascending order.

    Intervals are percentiles of `draws` samples of clusters, as in alpha_interval.py; the ranks
    of `ordinal` labels are those among all labels in every sample.
    """
    if not len(item_V):
        return Figures()
    _, item_V, votes_I = np.unique(item_V, return_inverse=True, return_counts=True)
    kept_V = votes_I[item_V] > 1
    if not kept_V.any():
        return Figures()
    label_V, cluster_V = label_V[kept_V], np.unique(cluster_V[kept_V], return_inverse=True)[1]
    item_V = np.unique(item_V[kept_V], return_inverse=True)[1]
    size_I = np.bincount(item_V).astype(np.float64)
    classes, items = len(places_K), len(size_I)
    cluster_I = np.zeros(items, dtype=np.int64)
    cluster_I[item_V] = cluster_V
    _, cell_C, count_C = _counts(item_V, label_V, classes)
    equal_I = _summed(cell_C, count_C * (count_C - 1) / 2, items)
    total_K = np.bincount(label_V, minlength=classes).astype(np.float64)
    clusters = int(cluster_V.max()) + 1

    def by_cluster(weight_I: Floats) -> Floats:
        return _summed(cluster_I, weight_I, clusters)

    shared = [by_cluster(equal_I), by_cluster(size_I * (size_I - 1) / 2), by_cluster(size_I)]
    if level == "nominal":
        apart_I = (size_I**2 - _summed(cell_C, count_C**2, items)) / (size_I - 1)
        counts_CK = np.zeros((clusters, classes))
        np.add.at(counts_CK, (cluster_V, label_V), 1.0)
        features_CF = np.column_stack([*shared, by_cluster(apart_I), counts_CK])
    else:
        at_K = places_K if level == "interval" else np.cumsum(total_K) - total_K / 2
        at_V = at_K[label_V] - at_K[label_V].mean()
        sum_I, square_I = _summed(item_V, at_V, items), _summed(item_V, at_V**2, items)
        apart_I = 2 * (size_I * square_I - sum_I**2) / (size_I - 1)
        features_CF = np.column_stack(
            [*shared, by_cluster(apart_I), by_cluster(sum_I), by_cluster(square_I)]
        )

    def alpha(sums_DF: Floats) -> Floats:
        n_D, apart_D = sums_DF[:, 2], sums_DF[:, 3]
        if level == "nominal":
            chance_D = n_D**2 - (sums_DF[:, 4:] ** 2).sum(1)
        else:
            chance_D = 2 * (n_D * sums_DF[:, 5] - sums_DF[:, 4] ** 2)
        defined_D = chance_D > 1e-9 * n_D**2
        safe_D = np.where(defined_D, chance_D, 1.0)
        return np.where(defined_D, 1 - (n_D - 1) * apart_D / safe_D, np.nan)

    def percent(sums_DF: Floats) -> Floats:
        return np.asarray(sums_DF[:, 0] / np.maximum(sums_DF[:, 1], 1e-300))

    whole_1F = features_CF.sum(0, keepdims=True)
    drawn_DF = _drawn(features_CF, draws, seed)
    return Figures(
        items=items,
        labels=len(item_V),
        percent=_number(percent(whole_1F)[0]),
        percent_interval=_of_share(_interval(drawn_DF, percent), clusters),
        alpha=_number(alpha(whole_1F)[0]),
        alpha_interval=_interval(drawn_DF, alpha),
    )


@dataclass(frozen=True)
class PairFigures:
    """Two raters on the `items` that both labelled; `kappa` is Cohen's, None where undefined."""

    items: int
    percent: float
    percent_interval: Interval
    kappa: float | None
    kappa_interval: Interval


def pair_figures(
    first_I: Ints,
    second_I: Ints,
    cluster_I: Ints,
    places_K: Floats,
    level: Level,
    *,
    draws: int = 300,
    seed: int = 0,
) -> PairFigures:
    """Their labels of each item. Of `ordinal` labels kappa weighs the squares of steps in their
    order, of `interval` ones those of differences: see kappa.py.
    """
    cluster_I = np.unique(cluster_I, return_inverse=True)[1]
    clusters, classes = int(cluster_I.max()) + 1, len(places_K)
    equal_I = (first_I == second_I).astype(np.float64)

    def by_cluster(weight_I: Floats) -> Floats:
        return _summed(cluster_I, weight_I, clusters)

    one_I = np.ones(len(first_I))
    if level == "nominal":
        sides_CK = np.zeros((2, clusters, classes))
        np.add.at(sides_CK[0], (cluster_I, first_I), 1.0)
        np.add.at(sides_CK[1], (cluster_I, second_I), 1.0)
        more = [sides_CK[0], sides_CK[1]]
    else:
        at_K = places_K if level == "interval" else np.arange(classes, dtype=np.float64)
        x_I, y_I = at_K[first_I] - at_K.mean(), at_K[second_I] - at_K.mean()
        more = [by_cluster(one) for one in ((x_I - y_I) ** 2, x_I, y_I, x_I**2, y_I**2)]
    features_CF = np.column_stack([by_cluster(one_I), by_cluster(equal_I), *more])

    def kappa(sums_DF: Floats) -> Floats:
        n_D = sums_DF[:, 0]
        if level == "nominal":
            apart_D = n_D - sums_DF[:, 1]
            rows_DK, columns_DK = sums_DF[:, 2 : 2 + classes], sums_DF[:, 2 + classes :]
            chance_D = n_D**2 - (rows_DK * columns_DK).sum(1)
        else:
            apart_D, x_D, y_D, xx_D, yy_D = sums_DF[:, 2:].T
            chance_D = n_D * (xx_D + yy_D) - 2 * x_D * y_D
        defined_D = chance_D > 1e-9 * n_D**2
        safe_D = np.where(defined_D, chance_D, 1.0)
        return np.where(defined_D, 1 - n_D * apart_D / safe_D, np.nan)

    def percent(sums_DF: Floats) -> Floats:
        return np.asarray(sums_DF[:, 1] / np.maximum(sums_DF[:, 0], 1e-300))

    whole_1F = features_CF.sum(0, keepdims=True)
    drawn_DF = _drawn(features_CF, draws, seed)
    return PairFigures(
        items=len(first_I),
        percent=float(percent(whole_1F)[0]),
        percent_interval=_of_share(_interval(drawn_DF, percent), clusters),
        kappa=_number(kappa(whole_1F)[0]),
        kappa_interval=_interval(drawn_DF, kappa),
    )


def _counts(item_V: Ints, label_V: Ints, classes: int) -> tuple[Ints, Ints, Floats]:
    """Cells (item, label) that occur: their keys, items and how often."""
    key_C, count_C = np.unique(item_V * classes + label_V, return_counts=True)
    return key_C, key_C // classes, count_C.astype(np.float64)


def _summed(place_N: Ints, weight_N: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(place_N, weights=weight_N, minlength=size), dtype=np.float64)


def _drawn(features_CF: Floats, draws: int, seed: int) -> Floats:
    """[D, F]: the features' sums in samples of as many clusters; none for a single cluster."""
    clusters, width = features_CF.shape
    if clusters < 2:
        return np.zeros((0, width))
    kinds_SF, times_S = np.unique(features_CF, axis=0, return_counts=True)
    draws = min(draws, max(100, CELLS // len(kinds_SF)))
    at_a_time = max(1, CELLS // 4 // len(kinds_SF))
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, draws, at_a_time):
        size = min(at_a_time, draws - start)
        parts.append(rng.multinomial(clusters, times_S / clusters, size=size) @ kinds_SF)
    return np.concatenate(parts)


def _interval(drawn_DF: Floats, figure: Callable[[Floats], Floats]) -> Interval:
    if not len(drawn_DF):
        return None
    found_D = figure(drawn_DF)
    found_D = found_D[~np.isnan(found_D)]
    if len(found_D) < len(drawn_DF) * (1 - MOST_UNDEFINED):
        return None
    low, high = np.quantile(found_D, [0.025, 0.975])
    return float(low), float(high)


def _of_share(found: Interval, clusters: int) -> Interval:
    """Wilson's interval where no draw differs, as intervals.share_interval has it."""
    if found is None or found[1] - found[0] > 1e-9:
        return found
    return wilson(min(clusters, found[0] * clusters), clusters)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
