"""What most people say of one item, and how sure that is of everybody. Pure.

Raters count alike here; where some err more than others, dawid_skene.py weighs them. Whether an
item without a majority is noisy or divided, divided.py tells, with one rater for everybody if
nothing is known of them.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, factorial, log, log2

STEPS = 400  # of the integral below, by Simpson's rule; an even number


@dataclass(frozen=True)
class Majority:
    """`leaders`: the labels given most often, several where they tie, none without votes.

    `strict`: the label that more than half gave, or None. `posterior`: by class, P(of everybody,
    most would say so); `entropy`: of it, in bits.
    """

    leaders: tuple[Hashable, ...]
    strict: Hashable | None
    posterior: tuple[float, ...]
    entropy: float


def majority(labels: Iterable[Hashable], classes: Sequence[Hashable]) -> Majority:
    """One item's votes. Raises ValueError for a label that is no class."""
    counts = Counter(labels)
    strange = [label for label in counts if label not in classes]
    if strange or len(set(classes)) < len(classes):
        raise ValueError(f"labels {strange!r} are not among the classes {list(classes)!r}")
    most, votes = max(counts.values(), default=0), counts.total()
    leaders = tuple(label for label in classes if most and counts[label] == most)
    posterior = most_frequent(tuple(counts[label] for label in classes))
    return Majority(
        leaders=leaders,
        strict=leaders[0] if 2 * most > votes else None,
        posterior=posterior,
        entropy=-sum(p * log2(p) for p in posterior if p > 0),
    )


@lru_cache(maxsize=65536)
def most_frequent(counts: tuple[int, ...]) -> tuple[float, ...]:
    """P(class k has the greatest share of all people) after so many votes for each class.

    Shares are Dirichlet(1, ..., 1) before any vote, so Dirichlet(counts + 1) after. As shares are
    independent gamma variables over their sum, with integer shapes (the Erlang distribution),

        P_k = integral of f_k(x) prod_{j != k} F_j(x) dx,  F_j(x) = 1 - e^-x sum_{i <= n_j} x^i / i!

    by Simpson's rule, good to 1e-6 for hundreds of votes. Source of the gamma form: L. Devroye,
    Non-Uniform Random Variate Generation (1986), chapter XI.
    """
    if not counts or min(counts) < 0:
        raise ValueError(f"counts {counts!r}: give one number of 0 or more for each class")
    if len(counts) == 1:
        return (1.0,)
    shape = max(counts) + 1
    end = shape + 8 * shape**0.5 + 25
    found = [0.0] * len(counts)
    for step in range(STEPS + 1):
        x = end * step / STEPS
        weight = 1 if step in (0, STEPS) else 2 + 2 * (step % 2)
        below = [_erlang_below(x, n) for n in counts]
        for k, n in enumerate(counts):
            product = _erlang_density(x, n)
            for j, other in enumerate(below):
                product *= other if j != k else 1.0
            found[k] += weight * product
    total = sum(found)
    return tuple(one / total for one in found)


def _erlang_density(x: float, n: int) -> float:
    if x == 0:
        return 1.0 if n == 0 else 0.0
    return exp(n * log(x) - x - _log_factorial(n))


def _erlang_below(x: float, n: int) -> float:
    return max(0.0, 1 - sum(_erlang_density(x, i) for i in range(n + 1)))


@lru_cache(maxsize=4096)
def _log_factorial(n: int) -> float:
    return log(factorial(n))
