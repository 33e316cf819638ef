"""Agreement of rankings, ties among them. Pure: ranks in, numbers out.

A ranking is a sequence of numbers, one for each option in a fixed order, the lower the better;
equal numbers are ties. Only their order counts.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import sqrt


def kendall_tau_b(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b: (concordant - discordant) / sqrt(untied in first * untied in second).

    Source: M. G. Kendall, The treatment of ties in ranking problems, Biometrika 33 (1945). None
    where either ranking ties everything. Quadratic in the number of options.
    """
    if len(first) != len(second):
        raise ValueError(f"rankings of {len(first)} and {len(second)} options; give equal lengths")
    balance = untied_first = untied_second = 0
    for i, j in combinations(range(len(first)), 2):
        one = (first[i] > first[j]) - (first[i] < first[j])
        other = (second[i] > second[j]) - (second[i] < second[j])
        balance += one * other
        untied_first += abs(one)
        untied_second += abs(other)
    if not untied_first or not untied_second:
        return None
    return balance / sqrt(untied_first * untied_second)


def kendall_w(rankings: Sequence[Sequence[float]]) -> float | None:
    """Kendall's coefficient of concordance of m rankings of n options, with its tie correction.

    W = 12 S / (m^2 (n^3 - n) - m sum T), S the squared deviations of the rank sums from their mean
    and T = t^3 - t for each group of t ties. 1 where all agree, about 1 / m by chance. Source:
    M. G. Kendall, Rank Correlation Methods (4th ed., 1970), chapter 6. None for fewer
    than two rankings or options, and where all tie everything.
    """
    if len({len(ranking) for ranking in rankings}) > 1:
        raise ValueError("rankings of different lengths; give one number for each option")
    size, options = len(rankings), len(rankings[0]) if rankings else 0
    if size < 2 or options < 2:
        return None
    sums = [sum(column) for column in zip(*map(mean_ranks, rankings), strict=True)]
    middle = size * (options + 1) / 2
    ties = sum(t**3 - t for ranking in rankings for t in Counter(ranking).values())
    most = size * size * (options**3 - options) - size * ties
    return 12 * sum((one - middle) ** 2 for one in sums) / most if most else None


def mean_ranks(ranking: Sequence[float]) -> list[float]:
    """Ranks from 1; ties share the mean of the ranks they take up."""
    place: dict[float, float] = {}
    before = 0
    for value, times in sorted(Counter(ranking).items()):
        place[value] = before + (times + 1) / 2
        before += times
    return [place[value] for value in ranking]
