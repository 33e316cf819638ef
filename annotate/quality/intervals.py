"""Intervals for proportions. Pure."""

from math import sqrt

Z95 = 1.959963984540054


def wilson(hits: float, count: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for hits out of count (E. B. Wilson, 1927); (0, 1) for none.

    Half hits, for ties, may be among them.
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
