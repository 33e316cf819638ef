"""How far annotators agree. Pure: labels in, numbers out.

A unit (one task) is the multiset of labels that its annotators gave. Units come counted, as
{labels: how many such units}, since a large project has few different ones.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from itertools import accumulate
from typing import Any, Literal

Labels = tuple[Hashable, ...]
Level = Literal["nominal", "ordinal", "interval"]


def count_units(units: Iterable[Iterable[Hashable]]) -> Counter[Labels]:
    """The units, those with the same labels put together (their order does not matter)."""
    return Counter(tuple(sorted(labels, key=repr)) for labels in units)


def percent_agreement(units: Mapping[Labels, int]) -> float | None:
    """The share, 0..1, of pairs of annotators of one unit that gave the same label.

    Every pair counts alike, so a unit with more annotators weighs more. None without a pair.
    """
    equal = pairs = 0
    for labels, times in units.items():
        size = len(labels)
        pairs += times * size * (size - 1) // 2
        equal += times * sum(n * (n - 1) // 2 for n in Counter(labels).values())
    return equal / pairs if pairs else None


def krippendorff_alpha(units: Mapping[Labels, int], level: Level = "nominal") -> float | None:
    """Krippendorff's alpha: 1 - observed / expected disagreement.

    Two labels disagree by 1 if they differ (`nominal`), by the square of their difference
    (`interval`), or by the square of how many labels given lie between their midpoints
    (`ordinal`); for the last two, labels are numbers. Units with fewer than two labels are left
    out. None where it is not defined: without a unit, or with one label throughout (no
    disagreement could be expected). Raises ValueError for labels that are no numbers.

    Source: K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, part C (any number
    of observers, missing data) and part D (metrics). The ordinal metric, the sum of n_g from c to
    k less (n_c + n_k) / 2, is the difference of the two labels' mean ranks, so that it is the
    interval metric on those.
    """
    paired = {labels: times for labels, times in units.items() if len(labels) > 1}
    totals: Counter[Hashable] = Counter()  # n_c
    for labels, times in paired.items():
        for label, n in Counter(labels).items():
            totals[label] += times * n
    values = sum(totals.values())
    if level == "nominal":
        observed = sum(
            times * _unequal(Counter(labels)) / (len(labels) - 1)
            for labels, times in paired.items()
        )
        expected: float = _unequal(totals)
    else:
        place = _places(totals, level)
        observed = sum(
            times * _squares(Counter(labels), place) / (len(labels) - 1)
            for labels, times in paired.items()
        )
        expected = _squares(totals, place)
    if len(totals) < 2:
        return None
    return 1 - (values - 1) * observed / expected


def _unequal(counts: Mapping[Hashable, int]) -> int:
    """Ordered pairs of different labels."""
    return sum(counts.values()) ** 2 - sum(n * n for n in counts.values())


def _squares(counts: Mapping[Hashable, int], place: Mapping[Hashable, float]) -> float:
    """The sum of (a - b)^2 over ordered pairs of labels, by their places."""
    size = sum(counts.values())
    mean = sum(n * place[label] for label, n in counts.items()) / size if size else 0.0
    return 2 * size * sum(n * (place[label] - mean) ** 2 for label, n in counts.items())


def _places(totals: Mapping[Any, int], level: Level) -> dict[Hashable, float]:
    for label in totals:
        if not isinstance(label, int | float) or label != label:
            raise ValueError(f"label {label!r} is no number, which {level} alpha takes")
    if level == "interval":
        return {label: float(label) for label in totals}
    if level != "ordinal":
        raise ValueError(f"level: {level!r} is not nominal, ordinal or interval")
    ordered = sorted(totals)
    before = accumulate((totals[label] for label in ordered), initial=0)
    return {label: start + totals[label] / 2 for label, start in zip(ordered, before, strict=False)}
