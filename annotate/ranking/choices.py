"""A ballot's form as choices: what was taken from which of its models. Pure numpy."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations
from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TIED_UP_TO = 12  # 4,095 sets of those tied
UNASKED_UP_TO = 7  # 5,040 orders summed out
CELLS = 2_000_000  # numbers at once, where many ballots have many orders


@dataclass(frozen=True)
class Choices:
    """log P = gain · θ + log sum_o exp(-sum_s weight_os log sum_{k in set s} exp θ_k).

    set_SK: which of the K models are in each set; weight_OS: how often a choice is made from the
    set in each order that is summed out (one row, where none is); gain_K: how often each is chosen.
    """

    set_SK: NDArray[np.bool_]
    weight_OS: Floats
    gain_K: Floats

    def log_likelihood(self, theta_bK: Floats) -> Floats:
        """[b]: the log-likelihood of ballots with these strengths, in nats."""
        values = np.empty(len(theta_bK))
        for part in self._parts(len(theta_bK)):
            logsum_bS, _ = self._sums(theta_bK[part])
            path_bO = -logsum_bS @ self.weight_OS.T
            top_b = path_bO.max(1)
            summed_b = top_b + np.log(np.exp(path_bO - top_b[:, None]).sum(1))
            values[part] = theta_bK[part] @ self.gain_K + summed_b
        return values

    def derivatives(self, theta_bK: Floats) -> tuple[Floats, Floats]:
        """Gradient [b, K] and negative Hessian [b, K, K] of `log_likelihood`."""
        count, size = theta_bK.shape
        gradient, curve = np.empty((count, size)), np.empty((count, size, size))
        for part in self._parts(count):
            logsum_bS, chance_bSK = self._sums(theta_bK[part])
            path_bO = -logsum_bS @ self.weight_OS.T
            posterior_bO = np.exp(path_bO - path_bO.max(1, keepdims=True))
            posterior_bO /= posterior_bO.sum(1, keepdims=True)
            visits_bS = posterior_bO @ self.weight_OS
            mean_bK = np.einsum("bs,bsk->bk", visits_bS, chance_bSK)
            gradient[part] = self.gain_K - mean_bK
            within = -np.einsum("bs,bsk,bsl->bkl", visits_bS, chance_bSK, chance_bSK, optimize=True)
            within[:, np.arange(size), np.arange(size)] += mean_bK
            if len(self.weight_OS) > 1:  # the orders differ in their gradients
                order_bOK = np.einsum("os,bsk->bok", self.weight_OS, chance_bSK, optimize=True)
                apart = order_bOK - mean_bK[:, None]
                within -= np.einsum("bo,bok,bol->bkl", posterior_bO, apart, apart, optimize=True)
            curve[part] = within
        return gradient, curve

    def _sums(self, theta_bK: Floats) -> tuple[Floats, Floats]:
        # A set's own largest is taken off, for one far below the top must not underflow.
        inside = np.where(self.set_SK, theta_bK[:, None, :], -np.inf)
        top_bS = inside.max(2)
        share = np.exp(inside - top_bS[:, :, None])
        total_bS = share.sum(2)
        return top_bS + np.log(total_bS), share / total_bS[:, :, None]

    def _parts(self, count: int) -> list[slice]:
        sets, size = self.set_SK.shape
        step = max(1, CELLS // (size * max(sets, len(self.weight_OS))))
        return [slice(start, start + step) for start in range(0, count, step)]


@lru_cache(maxsize=256)
def choices_of(sizes: tuple[int, ...], unasked: int | None) -> Choices:
    """For groups of these sizes, best first, the models numbered group by group.

    A tied group is the mean over its orders: a choice is made from each set of g of its n tied and
    all below them with weight 1 / C(n, g). The unasked group is summed over its orders; as the last
    group it says nothing, and its orders sum to 1. Raises ValueError for a tied group of more than
    TIED_UP_TO or an unasked group, with others below it, of more than UNASKED_UP_TO.
    """
    count = sum(sizes)
    gain_K = np.zeros(count)
    fixed: defaultdict[frozenset[int], float] = defaultdict(float)
    orders: list[Counter[frozenset[int]]] = [Counter()]
    start = 0
    for number, size in enumerate(sizes):
        group, below = range(start, start + size), frozenset(range(start + size, count))
        start += size
        if number == unasked and not below:
            break
        gain_K[list(group)] = 1
        if number == unasked:
            if size > UNASKED_UP_TO:
                raise ValueError(
                    f"ballot: {size} models lie between best and worst; at most {UNASKED_UP_TO} can"
                )
            orders = [
                Counter(frozenset(order[at:]) | below for at in range(size))
                for order in permutations(group)
            ]
            continue
        if size > TIED_UP_TO:
            raise ValueError(f"ballot: {size} models are tied; at most {TIED_UP_TO} can be")
        for left in range(1, size + 1):
            for some in combinations(group, left):
                fixed[frozenset(some) | below] += 1 / comb(size, left)
    sets = sorted({*fixed, *(one for order in orders for one in order)}, key=sorted)
    set_SK = np.array([[one in some for one in range(count)] for some in sets])
    weight_OS = np.array(
        [[fixed.get(some, 0.0) + order[some] for some in sets] for order in orders]
    )
    return Choices(set_SK.reshape(-1, count), weight_OS.astype(float), gain_K)
