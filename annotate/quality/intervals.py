"""Intervals for proportions and means. Pure."""

from collections.abc import Sequence
from functools import lru_cache
from math import atan, cos, pi, sin, sqrt

Z95 = 1.959963984540054
FEW_DEGREES = 200


def wilson(hits: float, count: float, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for hits out of count (E. B. Wilson, 1927); (0, 1) for none.

    Half hits, for ties, may be among them; the count may be an effective one, no whole number.
    """
    if not 0 <= hits <= count:
        raise ValueError(f"hits must be from 0 to count, got {hits} of {count}")
    if count == 0:
        return 0.0, 1.0
    share = hits / count
    middle = share + z * z / (2 * count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    low = 0.0 if hits == 0 else (middle - half) / scale
    high = 1.0 if hits == count else (middle + half) / scale
    return low, high


@lru_cache(maxsize=1024)
def t95(degrees: int) -> float:
    """The 97.5 % point of Student's t with so many degrees of freedom, to six digits.

    Abramowitz & Stegun 1964: below 200 the closed forms 26.7.3 and 26.7.4, bisected; from there
    on the expansion 26.7.5. Raises ValueError below 1.
    """
    if degrees < 1:
        raise ValueError(f"degrees of freedom are {degrees}; give at least 1")
    if degrees >= FEW_DEGREES:
        first = (Z95**3 + Z95) / 4
        second = (5 * Z95**5 + 16 * Z95**3 + 3 * Z95) / 96
        return Z95 + first / degrees + second / degrees**2
    low, high = 1.0, 13.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, degrees) < 0.95 else (low, middle)
    return high


def _within(t: float, degrees: int) -> float:
    """The chance of a t between -t and t."""
    angle = atan(t / sqrt(degrees))
    odd = degrees % 2
    term, total = (cos(angle) if odd else 1.0), 0.0
    for step in range(2 + odd, degrees + 1, 2):
        total += term
        term *= (step - 1) / step * cos(angle) ** 2
    return 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total


def mean_interval(
    clusters: Sequence[tuple[float, float]], z: float = Z95
) -> tuple[float, float] | None:
    """The interval of a mean of values in 0..1 that come in clusters, as (sum, count) of each.

    Values of one cluster may hang together; clusters are taken as drawn at random. The variance
    is that of the ratio estimator (W. G. Cochran, Sampling Techniques, 3rd ed., 1977, chapter 6,
    without the finite population factor), the ends by the normal distribution, cut to 0..1.
    None for fewer than two clusters.
    """
    size, count = len(clusters), sum(count for _, count in clusters)
    if size < 2 or not count:
        return None
    mean = sum(total for total, _ in clusters) / count
    spread = sum((total - mean * count) ** 2 for total, count in clusters)
    half = z * sqrt(spread * size / (size - 1)) / count
    return max(0.0, mean - half), min(1.0, mean + half)


def share_interval(clusters: Sequence[tuple[float, float]]) -> tuple[float, float] | None:
    """`mean_interval`, but where clusters do not differ at all Wilson's for as many trials: that
    nobody differed in a few is no proof that nobody does."""
    found = mean_interval(clusters)
    if found is None or found[1] - found[0] > 1e-9:
        return found
    size = len(clusters)
    return wilson(min(size, found[0] * size), size)
