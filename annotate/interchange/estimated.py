"""One preference of several by how reliable their authors are, told from all that were selected.

All votes are gone through twice: first for who says what, of which three numbers a vote are kept,
then for the rows. People, judges and imports stay apart, as in a majority: each makes a row of its
own; who is reliable is told from all of them together. Imported labels without an author count as
one author's. numpy is loaded when it is asked for.

"dawid_skene" is the model of quality/dawid_skene.py, with one coin for whoever gave fewer than 50
labels. "weighted" is the majority in which a vote counts

    w = max(0, log((K - 1) a / (1 - a)))

for an author who is right with probability a under the one-coin model, K = 3 outcomes: the optimal
weights of S. Nitzan and J. Paroush (International Economic Review 23, 1982) for K = 2. Its
posterior is exp(sum of w) over that of all outcomes.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import Any

from annotate.interchange.preferences import (
    HIGH,
    LOW,
    TIE,
    Decide,
    Judged,
    PairRules,
    Preference,
    decided,
    preferences,
    said_of,
)

CLASSES = 3
MOST_RIGHT = 0.999
Pair = tuple[int, str, int, int]  # the first judgement's task, source, the two responses


def deciding(judged: Iterable[Judged], rules: PairRules, method: str) -> Decide:
    """From all selected judgements, which come with their provenance, how one pair is decided.

    The rows of `aggregate` must be of the same judgements, under the same rules.
    """
    votes = _Votes()
    for row in judged:
        author = row.provenance["annotator"] or row.provenance["judge"] or ""
        for vote in preferences(row, rules):
            votes.add(row, vote, (row.source, author))
    posterior_NK = votes.posterior(method)
    item_of_vote = votes.item_of

    def decide(group: Sequence[Preference]) -> Preference:
        found = posterior_NK[item_of_vote[_key(group[0])]]
        outcome = _outcome(found)
        return decided(group, outcome)._replace(posterior=round(float(found[outcome]), 6))

    return decide


class _Votes:
    """Items, raters and labels of votes, each as a number."""

    def __init__(self) -> None:
        self.item_of: dict[tuple[int, int, int], int] = {}
        self._pairs: dict[Pair, int] = {}
        self._raters: dict[tuple[str, str], int] = {}
        self._item, self._rater, self._label = array("q"), array("q"), array("b")

    def add(self, row: Judged, vote: Preference, rater: tuple[str, str]) -> None:
        key = _key(vote)
        pair = (row.task_id, vote.source, *key[1:])
        item = self._pairs.setdefault(pair, len(self._pairs))
        if item == len(self.item_of):  # its first vote, by which the rows find it again
            self.item_of[key] = item
        self._item.append(item)
        self._rater.append(self._raters.setdefault(rater, len(self._raters)))
        self._label.append(said_of(vote))

    def posterior(self, method: str) -> Any:
        """[N, K]: of each item."""
        import numpy as np

        from annotate.quality.dawid_skene import dawid_skene
        from annotate.quality.reliability import FULL_FROM

        items, raters = len(self._pairs), len(self._raters)
        label_V = np.array(self._label, dtype=np.int64)
        item_V, rater_V = np.array(self._item), np.array(self._rater)
        model = dawid_skene(
            item_V, rater_V, label_V, items=items, raters=raters, classes=CLASSES,
            full_from=FULL_FROM if method == "dawid_skene" else math.inf,
        )  # fmt: skip
        if method == "dawid_skene":
            return model.posterior_NK
        right_R = np.clip(1 - model.errors_R(), 1e-9, MOST_RIGHT)
        weight_R = np.maximum(0, np.log((CLASSES - 1) * right_R / (1 - right_R)))
        score_NK = np.bincount(
            item_V * CLASSES + label_V, weight_R[rater_V], minlength=items * CLASSES
        ).reshape(items, CLASSES)
        odds_NK = np.exp(score_NK - score_NK.max(1, keepdims=True, initial=0.0))
        return odds_NK / odds_NK.sum(1, keepdims=True)


def _key(vote: Preference) -> tuple[int, int, int]:
    """A judgement says one thing of a pair, so that a group's first vote tells the group."""
    low, high = sorted((vote.chosen.id, vote.rejected.id))
    return vote.id, low, high


def _outcome(posterior_K: Any) -> int:
    """The likeliest; of two sides that are as likely neither, as in a majority."""
    low, high, tie = (float(one) for one in posterior_K)
    if math.isclose(low, high, rel_tol=1e-9) or max(low, high) < tie * (1 - 1e-9):
        return TIE
    return LOW if low > high else HIGH
