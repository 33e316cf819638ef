"""May a judge take a person's place? The alternative annotator test."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from routing.guarantee.enough import MIN_ITEMS, MIN_ITEMS_EACH, MIN_PEOPLE
from routing.guarantee.student import t_upper_tail


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
    compares judges. `items` and `people` are those that count. Nothing is known (passed is False)
    where there are too few; `reason` says what is missing.
    """

    passed: bool
    winning_rate: float
    advantage: float
    comparisons: tuple[Comparison, ...]
    items: int
    people: int
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
    min_items_each: int = MIN_ITEMS_EACH,
) -> AlternativeAnnotator:
    """Test votes (item, rater, label) against judge_label [items].

    Only items that two people or more labelled count, and of the people those with at least
    `min_items_each` of them. The score of a label is the share of the others' votes that it
    equals; W is 1 where it is no worse than the other side's. H0: P(W judge) <= P(W person) -
    epsilon, by a paired t-test; the p-values of all people are corrected by Benjamini and
    Yekutieli at level q. `epsilon` is what a person's cost is worth: .2 beside experts, .15 beside
    skilled people, .1 beside a crowd.

    Source: Calderon, Reichart and Dror 2025 (arXiv:2501.10970, section 3). Tests need 50 to 100
    items and three people; with fewer the answer is no.
    """
    item_V, rater_V = np.asarray(item, np.int64).tolist(), np.asarray(rater, np.int64).tolist()
    label_V, judge_N = np.asarray(label).tolist(), np.asarray(judge_label).tolist()
    votes_of: dict[int, Counter[object]] = {}
    for place, said in zip(item_V, label_V, strict=True):
        votes_of.setdefault(place, Counter())[said] += 1
    scored: dict[int, list[tuple[float, float]]] = {}
    seen: set[int] = set()
    for place, person, said in zip(item_V, rater_V, label_V, strict=True):
        others = votes_of[place].total() - 1
        if others:
            seen.add(place)
            scored.setdefault(person, []).append(
                _nearer(votes_of[place], said, judge_N[place], others)
            )
    found = {
        person: np.array(pairs, dtype=float)
        for person, pairs in sorted(scored.items())
        if len(pairs) >= min_items_each
    }
    lacking = _lacking(len(seen), len(found), min_items, min_items_each)
    if lacking:
        return AlternativeAnnotator(False, 0.0, 0.0, (), len(seen), len(found), lacking)
    p_values = [_paired(pairs, epsilon) for pairs in found.values()]
    rejected = benjamini_yekutieli(p_values, q)
    comparisons = tuple(
        Comparison(person, len(pairs), float(pairs[:, 0].mean()), float(pairs[:, 1].mean()), p, no)
        for (person, pairs), p, no in zip(found.items(), p_values, rejected, strict=True)
    )
    winning = float(np.mean(rejected))
    advantage = float(np.mean([one.judge_advantage for one in comparisons]))
    return AlternativeAnnotator(
        winning >= 0.5, winning, advantage, comparisons, len(seen), len(found)
    )


def _nearer(
    votes: Counter[object], said: object, judge: object, others: int
) -> tuple[float, float]:
    """(judge no worse, person no worse) against the others' votes on the item."""
    by_judge = (votes[judge] - (judge == said)) / others
    by_person = (votes[said] - 1) / others
    return float(by_judge >= by_person), float(by_person >= by_judge)


def _lacking(items: int, people: int, min_items: int, min_items_each: int) -> str:
    """What the test lacks, in words; empty when it can be made."""
    missing = []
    if items < min_items:
        missing.append(
            f"{items} items are labelled by the judge and by two people or more; "
            f"{min_items} are needed."
        )
    if people < MIN_PEOPLE:
        missing.append(
            f"{people} people have {min_items_each} items that others labelled too; "
            f"{MIN_PEOPLE} are needed."
        )
    if missing:
        missing.append("Let more people label the same items.")
    return " ".join(missing)


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
