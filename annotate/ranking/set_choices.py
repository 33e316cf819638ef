"""Places that several may share: choices of sets, after Davidson and Luce. Pure numpy.

At each place a set T is taken from those left, single or tied (D. Firth, I. Kosmidis and H. L.
Turner 2019, "Davidson-Luce model for multi-item choice with ties", arXiv:1909.07123):
P(T) ∝ δ_|T| (prod_{i in T} e^u_i)^(1 / |T|), δ_1 = 1. Of two models it is R. R. Davidson's (1970):
P(tie) = δ_2 sqrt(e^u_a e^u_b) / (e^u_a + e^u_b + δ_2 sqrt(e^u_a e^u_b)).
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CELLS = 2_000_000  # numbers at once
MOST_SETS = 5000  # of one ballot


@dataclass(frozen=True)
class SetChoices:
    """Each stage: linear predictors [A, K + D] of the sets that might be taken.

    The first set is the one that was. The columns are the K utilities and, for each of the D sizes
    of ties that there are, log δ.
    """

    stages: tuple[Floats, ...]
    ties: int

    def log_likelihood(self, utility_bK: Floats, tie_D: Floats) -> Floats:
        """[b]: in nats."""
        total_b = np.zeros(len(utility_bK))
        for part in self._parts(len(utility_bK)):
            given = self._given(utility_bK[part], tie_D)
            for stage_AP in self.stages:
                score_bA = given @ stage_AP.T
                top_b = score_bA.max(1)
                total_b[part] += (
                    score_bA[:, 0] - top_b - np.log(np.exp(score_bA - top_b[:, None]).sum(1))
                )
        return total_b

    def derivatives(self, utility_bK: Floats, tie_D: Floats) -> tuple[Floats, Floats]:
        """Gradient [b, K + D] and negative Hessian [b, K + D, K + D] of `log_likelihood`."""
        count, width = len(utility_bK), utility_bK.shape[1] + self.ties
        gradient, curve = np.zeros((count, width)), np.zeros((count, width, width))
        for part in self._parts(count):
            given = self._given(utility_bK[part], tie_D)
            for stage_AP in self.stages:
                score_bA = given @ stage_AP.T
                chance_bA = np.exp(score_bA - score_bA.max(1, keepdims=True))
                chance_bA /= chance_bA.sum(1, keepdims=True)
                mean_bP = chance_bA @ stage_AP
                gradient[part] += stage_AP[0] - mean_bP
                square_AQ = (stage_AP[:, :, None] * stage_AP[:, None, :]).reshape(-1, width**2)
                curve[part] += (chance_bA @ square_AQ).reshape(-1, width, width)
                curve[part] -= mean_bP[:, :, None] * mean_bP[:, None, :]
        return gradient, curve

    def _given(self, utility_bK: Floats, tie_D: Floats) -> Floats:
        tied_bD = np.broadcast_to(tie_D, (len(utility_bK), self.ties))
        return np.concatenate([utility_bK, tied_bD], axis=1)

    def _parts(self, count: int) -> list[slice]:
        sets = max((len(stage_AP) for stage_AP in self.stages), default=1)
        step = max(1, CELLS // sets)
        return [slice(start, start + step) for start in range(0, count, step)]


@lru_cache(maxsize=256)
def set_choices_of(sizes: tuple[int, ...], tie_sizes: tuple[int, ...]) -> SetChoices:
    """For groups of these sizes, best first, numbered group by group; none of them unasked.

    `tie_sizes`: of all ties that anybody gave, ascending from 2; sets of other sizes are not to be
    had. Raises ValueError for a group of another size, and where there are too many sets.
    """
    count, start = sum(sizes), 0
    stages = []
    for size in sizes:
        left = range(start, count)
        if size > 1 and size not in tie_sizes:
            raise ValueError(f"tie_sizes: {size} were tied, but only {tie_sizes} can be")
        if len(left) > 1:
            taken = tuple(left[:size])
            sets = [taken] + [
                some
                for wanted in (1, *tie_sizes)
                for some in combinations(left, wanted)
                if some != taken
            ]
            if len(sets) > MOST_SETS:
                raise ValueError(f"ballot: {count} models with ties have too many orders")
            rows = np.zeros((len(sets), count + len(tie_sizes)))
            for row, some in zip(rows, sets, strict=True):
                row[list(some)] = 1 / len(some)
                if len(some) > 1:
                    row[count + tie_sizes.index(len(some))] = 1.0
            stages.append(rows)
        start += size
    return SetChoices(tuple(stages), len(tie_sizes))
