"""How far annotators agree. Pure: labels in, numbers out.

A unit (one task) is the multiset of labels that its annotators gave. Units come counted, as
{labels: how many such units}, since a large project has few different ones.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping

Labels = tuple[Hashable, ...]


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


def krippendorff_alpha(units: Mapping[Labels, int]) -> float | None:
    """Krippendorff's alpha for nominal labels: 1 - observed / expected disagreement.

    Units with fewer than two labels are left out. None where it is not defined: without a
    unit, or with one label throughout (no disagreement could be expected).

    Source: K. Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, part C: nominal
    data, any number of observers, missing data.
    """
    observed = 0.0  # sum over c != k of the coincidences o_ck
    totals: Counter[Hashable] = Counter()  # n_c
    for labels, times in units.items():
        size = len(labels)
        if size < 2:
            continue
        counts = Counter(labels)
        unequal = size * size - sum(n * n for n in counts.values())
        observed += times * unequal / (size - 1)
        for label, n in counts.items():
            totals[label] += times * n
    values = sum(totals.values())
    expected = values * values - sum(n * n for n in totals.values())
    if not expected:
        return None
    return 1 - (values - 1) * observed / expected
