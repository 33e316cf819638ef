"""May a judge take a person's place? The alternative annotator test."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from routing.guarantee.student import t_upper_tail

MIN_ITEMS = 30
MIN_PEOPLE = 3


@dataclass(frozen=True)
class Comparison:
    """One person left out: how often judge and person stood at least as near to the others."""

    rater: int
    items: int
    judge_advantage: float
    person_advantage: float
    p_value: float
    rejected: bool


@dataclass(frozen=True)
class AlternativeAnnotator:
    """`winning_rate`: share of people whom the judge may replace; passed from one half on.

    `advantage`: mean over people of P(the judge is at least as near to the others), which
    compares judges. None of it is known (passed is False) with too few people; `reason` says so.
    """

    passed: bool
    winning_rate: float
    advantage: float
    comparisons: tuple[Comparison, ...]
    reason: str = ""


def may_replace(
    item: ArrayLike,
    rater: ArrayLike,
    label: ArrayLike,
    judge_label: ArrayLike,
    *,
    epsilon: float = 0.15,
    q: float = 0.05,
    min_items: int = MIN_ITEMS,
) -> AlternativeAnnotator:
    """Test votes (item, rater, label) against judge_label [items].

    For each person with at least `min_items` items that others labelled too: the score of a label
    is the share of the others' votes that it equals; W is 1 where it is no worse than the other
    side's. H0: P(W judge) <= P(W person) - epsilon, by a paired t-test; the p-values of all
    people are corrected by Benjamini and Yekutieli at level q. `epsilon` is what a person's cost
    is worth: .2 beside experts, .15 beside skilled people, .1 beside a crowd.

    Source: Calderon, Reichart and Dror 2025 (arXiv:2501.10970, section 3). Tests need 50 to 100
    items and three people; with fewer people the answer is no.
    """
    item_V, rater_V = np.asarray(item, np.int64), np.asarray(rater, np.int64)
    label_V, judge_N = np.asarray(label), np.asarray(judge_label)
    found = []
    for person in np.unique(rater_V):
        mine = np.flatnonzero(rater_V == person)
        pairs = [
            _nearer(
                judge_N[item_V[v]], label_V[v], label_V[(item_V == item_V[v]) & (rater_V != person)]
            )
            for v in mine
        ]
        scored = np.array([pair for pair in pairs if pair is not None], dtype=float)
        if len(scored) >= min_items:
            found.append((int(person), scored))
    if len(found) < MIN_PEOPLE:
        why = (
            f"{len(found)} people have {min_items} items that others labelled too; the test needs "
            f"{MIN_PEOPLE}. Let more people label the same items."
        )
        return AlternativeAnnotator(False, 0.0, 0.0, (), why)
    p_values = [_paired(scored, epsilon) for _, scored in found]
    rejected = benjamini_yekutieli(p_values, q)
    comparisons = tuple(
        Comparison(
            person, len(scored), float(scored[:, 0].mean()), float(scored[:, 1].mean()), p, no
        )
        for (person, scored), p, no in zip(found, p_values, rejected, strict=True)
    )
    winning = float(np.mean(rejected))
    advantage = float(np.mean([one.judge_advantage for one in comparisons]))
    return AlternativeAnnotator(winning >= 0.5, winning, advantage, comparisons)


def _nearer(judge: object, person: object, others: NDArray[np.int64]) -> tuple[float, float] | None:
    """(judge no worse, person no worse) against the others' votes; None without others."""
    if not len(others):
        return None
    by_judge, by_person = np.mean(others == judge), np.mean(others == person)
    return float(by_judge >= by_person), float(by_person >= by_judge)


def _paired(scored: NDArray[np.float64], epsilon: float) -> float:
    """One-sided p-value of H0: mean(person - judge) >= epsilon."""
    apart = scored[:, 1] - scored[:, 0]
    spread = float(apart.std(ddof=1))
    if spread == 0:
        return 0.0 if apart.mean() < epsilon else 1.0
    t = (float(apart.mean()) - epsilon) / (spread / sqrt(len(apart)))
    return t_upper_tail(-t, len(apart) - 1)


def benjamini_yekutieli(p_values: Sequence[float], q: float) -> list[bool]:
    """Which hypotheses are rejected with a false discovery rate of q under any dependence.

    Source: Y. Benjamini and D. Yekutieli (2001), The Annals of Statistics 29.
    """
    size = len(p_values)
    harmonic = sum(1 / k for k in range(1, size + 1))
    order = sorted(range(size), key=lambda one: p_values[one])
    last = max(
        (k for k, one in enumerate(order, 1) if p_values[one] <= k * q / (size * harmonic)),
        default=0,
    )
    passed = set(order[:last])
    return [one in passed for one in range(size)]
