"""Which two to compare next: a dueling bandit over prompts (or responses)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Duels:
    """Utility x . theta, learned from comparisons; `information` is V = ridge I + sum z z'."""

    theta_D: Floats
    information_DD: Floats

    @classmethod
    def fit(
        cls, first_MD: Floats, second_MD: Floats, won_M: Floats, *, ridge: float = 1.0
    ) -> "Duels":
        """Bradley-Terry on the features of M past pairs; won: 1 first, 0 second, 1/2 tie."""
        gap_MD = np.asarray(first_MD, float) - np.asarray(second_MD, float)
        width = gap_MD.shape[1]
        theta = np.zeros(width)
        for _ in range(50):
            p_M = 1 / (1 + np.exp(-np.clip(gap_MD @ theta, -35, 35)))
            slope = gap_MD.T @ (p_M - won_M) + ridge * theta
            bend = (gap_MD.T * (p_M * (1 - p_M))) @ gap_MD + ridge * np.eye(width)
            step = np.linalg.solve(bend, slope)
            theta = theta - step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-9:
                break
        return cls(theta, gap_MD.T @ gap_MD + ridge * np.eye(width))

    def next_pair(self, candidate_ND: Floats, *, nu: float = 1.0) -> tuple[int, int]:
        """(first, second): the highest utility; and the highest bound of what could beat it.

        second = argmax over the others of x . theta + nu |x - x_first| in the norm of V^-1: near
        in utility and unlike what was compared. Source: Lin et al. 2024 (arXiv:2405.17346, APOHF,
        equations 3 and 4), with features in the place of the network's gradients, for which a
        frozen encoder with a linear head is the same thing. Raises ValueError for one candidate.
        """
        points = np.asarray(candidate_ND, dtype=np.float64)
        if len(points) < 2:
            raise ValueError(f"candidates: {len(points)}; a pair needs two")
        utility_N = points @ self.theta_D
        first = int(np.argmax(utility_N))
        apart_ND = points - points[first]
        width_N = np.sqrt(
            np.maximum((apart_ND * np.linalg.solve(self.information_DD, apart_ND.T).T).sum(1), 0.0)
        )
        bound_N = utility_N + nu * width_N
        bound_N[first] = -np.inf
        return first, int(np.argmax(bound_N))


def in_order_of_duels(
    model: Duels,
    arm_KD: Floats,
    pairs: Sequence[tuple[int, int]],
    count: int,
    *,
    nu: float = 1.0,
) -> list[tuple[int, float, float]]:
    """Up to `count` of `pairs` (numbers of arms), in the order in which `next_pair` would ask for
    them: (number in `pairs`, utility of the first arm, bound of the second).

    Only what is left to be asked is chosen among: the first is the arm of highest utility that
    still has a pair, the second the highest bound among those it has one with. A pair that was
    chosen counts as compared (its information is added, its winner being unknown), so that a batch
    does not ask for one duel over and over. A pair of one arm with itself tells nothing and is
    left out.
    """
    waiting: dict[int, dict[int, deque[int]]] = {}
    for number, (one, other) in enumerate(pairs):
        if one != other:
            for arm, rival in ((one, other), (other, one)):
                waiting.setdefault(arm, {}).setdefault(rival, deque()).append(number)
    arms = np.asarray(arm_KD, dtype=np.float64)
    utility_K = arms @ model.theta_D
    by_utility = sorted(waiting, key=lambda arm: (-utility_K[arm], arm))
    inverse_DD = np.linalg.inv(model.information_DD)
    asked: set[int] = set()
    found: list[tuple[int, float, float]] = []
    for first in by_utility:
        rivals = waiting[first]
        while rivals and len(found) < count:
            names = sorted(rivals)
            apart_RD = arms[names] - arms[first]
            width_R = np.sqrt(np.maximum(((apart_RD @ inverse_DD) * apart_RD).sum(1), 0.0))
            bound_R = utility_K[names] + nu * width_R
            best = int(np.argmax(bound_R))
            rival = names[best]
            number = rivals[rival].popleft()
            if not rivals[rival]:
                del rivals[rival]
            if number in asked:  # it was asked for from the other side
                continue
            asked.add(number)
            found.append((number, float(utility_K[first]), float(bound_R[best])))
            turned_D = inverse_DD @ apart_RD[best]
            inverse_DD -= np.outer(turned_D, turned_D) / (1 + apart_RD[best] @ turned_D)
    return found
