"""Exact binomial bounds, without scipy."""

from math import exp, lgamma, log, log1p


def binomial_cdf(hits: int, count: int, p: float) -> float:
    """P(X <= hits) for X ~ Binomial(count, p), summed from its largest term down."""
    if hits < 0:
        return 0.0
    if hits >= count or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    mode = min(hits, int((count + 1) * p))
    top = (
        lgamma(count + 1) - lgamma(mode + 1) - lgamma(count - mode + 1)
        + mode * log(p) + (count - mode) * log1p(-p)
    )  # fmt: skip
    total = term = 1.0
    for k in range(mode, 0, -1):  # downwards: b(k-1) / b(k)
        term *= k * (1 - p) / ((count - k + 1) * p)
        total += term
        if term < 1e-17 * total:
            break
    term = 1.0
    for k in range(mode, hits):  # upwards: b(k+1) / b(k)
        term *= (count - k) * p / ((k + 1) * (1 - p))
        total += term
        if term < 1e-17 * total:
            break
    return min(1.0, exp(top) * total)


def upper_bound(hits: int, count: int, delta: float) -> float:
    """The highest p with P(X <= hits) >= delta: at least the true p with probability 1 - delta.

    Source: C. J. Clopper and E. S. Pearson (1934), one-sided. 1 for no rows.
    """
    if not 0 <= hits <= count:
        raise ValueError(f"hits must be from 0 to count, got {hits} of {count}")
    if hits == count:
        return 1.0
    low, high = hits / count, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if binomial_cdf(hits, count, middle) >= delta:
            low = middle
        else:
            high = middle
    return high
