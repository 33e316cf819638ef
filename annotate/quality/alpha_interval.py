"""The bootstrap interval of Krippendorff's alpha. Pure numpy."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from annotate.quality.agreement import Labels, Level, krippendorff_alpha

MOST_UNDEFINED = 0.05


def alpha_interval(
    clusters: Iterable[Mapping[Labels, int]],
    level: Level = "nominal",
    *,
    draws: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[float, float] | None:
    """The ends of the interval: clusters are drawn with replacement, as many as there are.

    A cluster holds counted units that may hang together: a task's one unit, {labels: 1}, the
    characters of a text, all tasks of a prompt. None for fewer than two clusters with a unit of
    two labels, and where alpha is undefined (all labels alike) in more than one draw of twenty.

    Source: A. Zapf, S. Castell, L. Morawietz and A. Karch, BMC Medical Research Methodology 16:93
    (2016), the bootstrap over units, here by percentiles and over clusters. It is not the one
    that K. Krippendorff gives, which draws disagreements one by one, as if labels of a unit did
    not hang together.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is not between 0 and 1")
    kinds = Counter(
        frozenset(paired.items())
        for cluster in clusters
        if (paired := {labels: times for labels, times in cluster.items() if len(labels) > 1})
    )
    if kinds.total() < 2:
        return None
    units = list({labels for kind in kinds for labels, _ in kind})
    column = {labels: place for place, labels in enumerate(units)}
    times_CU = np.zeros((len(kinds), len(units)), dtype=np.int64)
    for row, kind in enumerate(kinds):
        for labels, times in kind:
            times_CU[row, column[labels]] = times
    share_C = np.array(list(kinds.values())) / kinds.total()
    generator = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        times_U = generator.multinomial(kinds.total(), share_C) @ times_CU
        drawn = {units[place]: int(times_U[place]) for place in np.flatnonzero(times_U)}
        alpha = krippendorff_alpha(drawn, level)
        if alpha is not None:
            found.append(alpha)
    if len(found) < draws * (1 - MOST_UNDEFINED):
        return None
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
