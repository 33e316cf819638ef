"""Agreement beyond chance between two raters, and between as many raters of each item. Pure."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Literal

from annotate.quality.agreement import Labels

Weights = Literal["linear", "quadratic"]


def cohen_kappa(
    pairs: Sequence[tuple[Hashable, Hashable]],
    *,
    weights: Weights | None = None,
    order: Sequence[Hashable] = (),
) -> float | None:
    """Cohen's kappa of two raters' labels (first's, second's) on the same items.

    1 - sum w_ij o_ij / sum w_ij e_ij, with e_ij from each rater's own shares of labels. Without
    `weights` every difference counts alike (J. Cohen, Educational and Psychological Measurement
    20, 1960); with them by its steps, or their square, in `order`, which names all labels from
    low to high (J. Cohen, Psychological Bulletin 70, 1968). None where it is not defined: without
    pairs, or where both gave one label alone. Raises ValueError for a label that is not in order.
    """
    place = {label: rank for rank, label in enumerate(order)}
    if weights is not None:
        for label in {label for pair in pairs for label in pair}:
            if label not in place:
                raise ValueError(f"order: {label!r} was given but is not in it")
    first, second = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)

    def apart(a: Hashable, b: Hashable) -> int:
        if weights is None:
            return int(a != b)
        steps = abs(place[a] - place[b])
        return steps if weights == "linear" else steps * steps

    observed = sum(n * apart(a, b) for (a, b), n in Counter(pairs).items())
    expected = sum(n * m * apart(a, b) for a, n in first.items() for b, m in second.items())
    if not expected:
        return None
    return 1 - observed * len(pairs) / expected


def fleiss_kappa(units: Mapping[Labels, int]) -> float | None:
    """Fleiss' kappa: (P - P_e) / (1 - P_e), every item labelled by as many raters.

    `units` are counted as in agreement.py. Source: J. L. Fleiss, Psychological Bulletin 76 (1971).
    None without items or where all labels are the same. Raises ValueError where
    items have different numbers of labels, or fewer than two: Krippendorff's alpha takes those.
    """
    sizes = {len(labels) for labels in units}
    if not sizes:
        return None
    if len(sizes) > 1 or min(sizes) < 2:
        raise ValueError(
            f"units: {sorted(sizes)} labels an item; Fleiss' kappa takes one number of 2 or more"
        )
    (size,) = sizes
    items = sum(units.values())
    shares: Counter[Hashable] = Counter()
    equal = 0
    for labels, times in units.items():
        counts = Counter(labels)
        equal += times * sum(n * (n - 1) for n in counts.values())
        for label, n in counts.items():
            shares[label] += times * n
    by_chance = sum(n * n for n in shares.values()) / (items * size) ** 2
    if by_chance == 1:
        return None
    return (equal / (items * size * (size - 1)) - by_chance) / (1 - by_chance)
