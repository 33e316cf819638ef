"""How reliable each rater is, and what is true of each item, from the labels alone. Pure numpy."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from annotate.quality.dawid_skene import DawidSkene, dawid_skene
from annotate.quality.divided import tell_divided
from annotate.quality.intervals import share_interval
from annotate.quality.resampling import Interval
from annotate.quality.votes import MOST_CLASSES, Floats, Ints, Votes

FULL_FROM = 50  # labels from which a rater gets a table of errors instead of one coin
LEAST_VOTES = 5  # of an item, for people of two minds to show; see docs/agreement.md
MOST_FOR_MINDS = 8  # classes


@dataclass(frozen=True)
class Judged:
    """`model`: of the truth and of everybody's errors; `divided_N`: P(people are of two minds)
    about each item, whose votes then count as nobody's error."""

    model: DawidSkene
    divided_N: Floats


@dataclass(frozen=True)
class Reliability:
    """`right`: the share, 0 to 1, of a rater's labels that are true. In its interval items of one
    task hang together, and what is true of each item is not sure."""

    labels: int
    right: float
    interval: Interval


def judge(votes: Votes, *, raters: int, gold: Mapping[int, int] | None = None) -> Judged | None:
    """Dawid and Skene's model of the votes, items of two minds told apart where items have votes
    enough. None where nothing can be told: one class alone or more than MOST_CLASSES, or no item
    with two votes and none that is known.

    `gold`: {item: place of its true class}.
    """
    classes, items = len(votes.classes), len(votes.items)
    most_votes = int(np.bincount(votes.item_V, minlength=1).max())
    if not 2 <= classes <= MOST_CLASSES or (most_votes < 2 and not gold):
        return None
    model = dawid_skene(
        votes.item_V, votes.rater_V, votes.label_V,
        items=items, raters=raters, classes=classes, full_from=FULL_FROM, gold=gold,
    )  # fmt: skip
    if most_votes < LEAST_VOTES or classes > MOST_FOR_MINDS:
        return Judged(model, np.zeros(items))
    divided = tell_divided(model, gold=tuple(gold or ()))
    return Judged(divided.model, divided.chance_N)


class Scores(NamedTuple):
    """Labels as right or wrong, in part: `weight_V` is 0 for those that cannot be told."""

    rater_V: Ints
    task_V: Ints
    right_V: Floats
    weight_V: Floats


def scores(votes: Votes, judged: Judged, *, gold: Collection[int] = ()) -> Scores:
    """Of labels on items that others labelled too, or that are among `gold`, of known truth.

    A label is right by the posterior of its class, as in the model's own estimate of errors (Dawid
    and Skene 1979, equation 2.3), but drawn to nobody else's. It counts by one minus the chance
    that people are of two minds about its item: where both answers are right nobody errs.
    """
    known_V = np.isin(votes.item_V, list(gold))
    votes_N = np.bincount(votes.item_V, minlength=len(votes.items))
    counts_V = (votes_N[votes.item_V] > 1) | known_V
    right_V = judged.model.posterior_NK[votes.item_V, votes.label_V]
    weight_V = np.where(counts_V, 1 - judged.divided_N[votes.item_V], 0.0)
    return Scores(votes.rater_V, votes.task_V, right_V, weight_V)


def gold_scores(votes: Votes, gold: Mapping[int, int]) -> Scores:
    """Of labels on items of known truth."""
    truth_N = np.full(len(votes.items), -1, dtype=np.int64)
    truth_N[list(gold)] = list(gold.values())
    truth_V = truth_N[votes.item_V]
    right_V = (truth_V == votes.label_V).astype(np.float64)
    return Scores(votes.rater_V, votes.task_V, right_V, (truth_V >= 0).astype(np.float64))


def by_rater(parts: Sequence[Scores]) -> dict[int, Reliability]:
    """All of a rater's labels together, of whatever questions."""
    if not parts:
        return {}
    rater_V, task_V, right_V, weight_V = (np.concatenate(one) for one in zip(*parts, strict=True))
    order = np.lexsort((task_V, rater_V))
    order = order[weight_V[order] > 0]
    found = {}
    edges = np.flatnonzero(np.diff(rater_V[order], prepend=-1)).tolist()
    for start, end in zip(edges, [*edges[1:], len(order)][: len(edges)], strict=True):
        mine = order[start:end]
        weight = weight_V[mine]
        task = np.cumsum(np.diff(task_V[mine], prepend=task_V[mine][0]) != 0)
        sums, sizes = np.bincount(task, weight * right_V[mine]), np.bincount(task, weight)
        share = float(sums.sum() / sizes.sum())
        interval = share_interval(list(zip(sums.tolist(), sizes.tolist(), strict=True)))
        seen = float((weight**2 * (right_V[mine] - share) ** 2).sum())
        unseen = float((weight**2 * right_V[mine] * (1 - right_V[mine])).sum())
        found[int(rater_V[mine[0]])] = Reliability(
            len(mine), share, _widened(share, interval, seen, unseen)
        )
    return found


def _widened(share: float, interval: Interval, seen: float, unseen: float) -> Interval:
    """The interval for labels that are known to be right only in part.

    `seen` is the variance between labels, `unseen` that of what is true of each. What is not known
    is information missing: the observed one is seen / (seen + unseen)^2 where it would be
    1 / (seen + unseen) (T. A. Louis, JRSS B 44, 1982), and the interval has the inverse root of it.
    That others' errors are estimated too is left out, so it is still a little narrow.
    """
    if interval is None or not unseen:
        return interval
    wider = (seen + unseen) / max(seen, 1e-12)
    low, high = (share + wider * (end - share) for end in interval)
    return max(0.0, low), min(1.0, high)
