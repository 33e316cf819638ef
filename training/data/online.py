"""Preferences among a policy's own samples, once something has scored them."""

import math
from collections.abc import Sequence
from random import Random


def best_and_worst(scores: Sequence[float]) -> tuple[int, int] | None:
    """Places of the highest and the lowest score, the first of equals; None if all are equal.

    The pairs of online and iterative DPO (Dong et al. 2024, arXiv:2405.07863, section 3).
    """
    places = range(len(scores))
    best = max(places, key=lambda place: scores[place], default=0)
    worst = min(places, key=lambda place: scores[place], default=0)
    return (best, worst) if scores and scores[best] > scores[worst] else None


def anchored_pair(
    new_scores: Sequence[float], old_scores: Sequence[float]
) -> tuple[int, int] | None:
    """(place among the new samples, place among the old ones): the best against the worst.

    None unless the new one scores higher. Rejected responses of the first policy keep the pair
    apart when a policy's own samples have grown alike (Wang et al. 2025, Temporal Self-Rewarding,
    arXiv:2508.06026, anchored rejection). Deviation: no model trained ahead chooses the new side.
    """
    if not new_scores or not old_scores:
        return None
    best = max(range(len(new_scores)), key=lambda place: new_scores[place])
    worst = min(range(len(old_scores)), key=lambda place: old_scores[place])
    return (best, worst) if new_scores[best] > old_scores[worst] else None


def rejection_sample(scores: Sequence[float], *, beta: float, count: int, rng: Random) -> list[int]:
    """Places of `count` samples as if the policy that beta calls for had drawn them.

    In each pass a sample that is left is accepted with probability exp((score - highest score
    left) / beta); passes go on until `count` are accepted. beta: the temperature of the optimal
    policy p exp(score / beta); large: the first ones, small: the best ones. Raises ValueError for
    more than there are, and beta not above 0. Source: Liu et al. 2023 (RSO, arXiv:2309.06657,
    algorithm 1).
    """
    if count > len(scores):
        raise ValueError(f"count is {count}; there are {len(scores)} samples")
    if beta <= 0:
        raise ValueError(f"beta is {beta}; it must be above 0")
    left = list(range(len(scores)))
    accepted: list[int] = []
    while len(accepted) < count:
        highest = max(scores[place] for place in left)
        for place in list(left):
            if rng.random() < math.exp((scores[place] - highest) / beta):
                accepted.append(place)
                left.remove(place)
                if len(accepted) == count:
                    break
    return accepted
