"""Votes on pairs as one ranking, where they make one."""

import itertools
from collections.abc import Sequence
from typing import Any

from annotate.interchange.records import ImportedLabel

ALL = {"both_good": "all_good", "both_bad": "all_bad"}


def order_of(labels: Sequence[ImportedLabel], count: int) -> dict[str, Any] | None:
    """The answer of the kind `ranking` (positions in place of ids) that says what the votes say.

    None where there is none: a circle, a pair without a vote or with several, and strengths or
    margins, for which an order has no place. One response that is preferred to every other,
    without further votes, is the best.
    """
    votes = {_pair(label): label for label in labels}
    if len(votes) < len(labels) or any(label.strength or label.margin for label in labels):
        return None
    every_pair = list(itertools.combinations(range(count), 2))
    best = {label.preferred for label in labels}
    if len(votes) == count - 1 < len(every_pair) and len(best) == 1 and None not in best:
        return {"verdict": "best", "best": best.pop()}
    if not labels or sorted(votes) != every_pair:
        return None
    verdicts = {label.verdict for label in labels}
    if len(verdicts) == 1 and not verdicts.isdisjoint(ALL):
        return {"verdict": ALL[verdicts.pop()]}
    if not verdicts <= {"prefer", "tie"}:
        return None
    return _tiers(votes, count)


def _tiers(votes: dict[tuple[int, int], ImportedLabel], count: int) -> dict[str, Any] | None:
    """By wins minus losses, which sorts every order with ties; None if a vote says otherwise."""
    score = [0] * count
    for (first, second), label in votes.items():
        if label.preferred is not None:
            score[label.preferred] += 1
            score[second if label.preferred == first else first] -= 1
    for (first, second), label in votes.items():
        better = None if score[first] == score[second] else first
        if score[second] > score[first]:
            better = second
        if label.preferred != better:
            return None
    tiers = [
        [position for position in range(count) if score[position] == points]
        for points in sorted(set(score), reverse=True)
    ]
    return {"verdict": "tie"} if len(tiers) == 1 else {"verdict": "full", "tiers": tiers}


def _pair(label: ImportedLabel) -> tuple[int, int]:
    return min(label.first, label.second), max(label.first, label.second)
