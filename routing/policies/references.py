"""What doubly labelled rows say of judges and people: the error of each label, against the others.

Every person's vote is compared with the majority of the other votes on the same instance, and the
judge is compared with exactly the same; so neither is its own reference. What the noise of so
small a reference adds, as Dawid and Skene's model tells it, is then taken out of both.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from annotate.quality.dawid_skene import DawidSkene, dawid_skene
from routing.policies.contract import DoublyLabelled, Floats, Ints, Layout, distance

SIDES = np.array([-1, 0, 1])
Ties = Literal["half", "free"]
MOST_NOISE = 0.4  # a reference as good as a coin would be blown up without bound


@dataclass(frozen=True)
class References:
    """Dawid and Skene's model with a rater for each tier, and what follows from it.

    loss_VL: the expected loss of each label -1, 0, 1 on the row of each vote, against the
        majority of the other votes (evenly where several labels lead); against the vote itself
        where it stands alone.
    judge_error_VJ: the loss of each judge's label, once for every vote on its row.
    vote_error_V: the loss of each vote; NaN for a vote that stands alone.
    weight_V: how much each says, votes of one row sharing a weight of at most 1.

    Errors are unbiased but single ones may lie outside 0..1: with a reference whose own expected
    distance from the truth is n, an error e shows as e (1 - 2n) + n, which is undone.
    Source: Natarajan et al. 2013 (Learning with noisy labels, NeurIPS, lemma 1); exact for two
    classes, and taken over for ties in between.
    """

    model: DawidSkene
    loss_VL: Floats
    judge_error_VJ: Floats
    vote_error_V: Floats
    weight_V: Floats
    votes_N: Ints

    def tier_errors(self, rows: DoublyLabelled, layout: Layout) -> Floats:
        """[tiers]: the mean error of a vote; drawn to the overall mean as by ten votes."""
        known = np.isfinite(self.vote_error_V)
        overall = float(self.vote_error_V[known].mean()) if known.any() else 0.5
        found = []
        for tier in range(len(layout.tiers)):
            mine = known & (rows.vote_tier == tier)
            total = float(self.vote_error_V[mine].sum()) + 10 * overall
            found.append(total / (mine.sum() + 10))
        return np.asarray(np.clip(np.array(found), 0.0, 1.0))


def losses(ties: Ties) -> Floats:
    """[truth, label] over -1, 0, 1: half their difference; with `free`, nothing for a true tie.

    `free` is for labels whose ties are dropped before training: only clear sides count.
    """
    loss_KL = distance(SIDES[:, None], SIDES[None, :])
    if ties == "free":
        loss_KL[1] = 0.0
    elif ties != "half":
        raise ValueError(f"ties: {ties!r} is neither half nor free")
    return loss_KL


def refer(rows: DoublyLabelled, layout: Layout, *, ties: Ties = "half") -> References:
    """Fit the model of the votes and compare every label with it."""
    rows.check(layout)
    size = len(rows.instances)
    model = dawid_skene(
        rows.vote_row,
        rows.vote_tier,
        rows.vote_label.astype(np.int64) + 1,
        items=size,
        raters=len(layout.tiers),
        classes=3,
    )
    votes_N = np.bincount(rows.vote_row, minlength=size)
    others_V = votes_N[rows.vote_row] - 1
    alone_V = others_V == 0
    majority_VK = majority_of_others(rows)
    shown_VL = majority_VK @ losses(ties)
    truth_VK = model.posterior_NK[rows.vote_row]
    noise_V = _noise((majority_VK * (truth_VK @ losses(ties))).sum(1), others_V)
    corrected_VL = (shown_VL - noise_V[:, None]) / (1 - 2 * noise_V[:, None])
    labels_VJ = rows.instances.judge_labels[rows.vote_row]
    judge_error_VJ = np.stack(
        [label_losses(corrected_VL, labels_VJ[:, judge]) for judge in range(labels_VJ.shape[1])],
        axis=1,
    )
    vote_error_V = label_losses(corrected_VL, rows.vote_label)
    vote_error_V[alone_V] = np.nan
    weight_V = (1 - 2 * noise_V) ** 2 / votes_N[rows.vote_row]
    return References(model, corrected_VL, judge_error_VJ, vote_error_V, weight_V, votes_N)


def label_losses(loss_VL: Floats, label_V: np.ndarray) -> Floats:
    """[V]: of each row, the loss of its label (-1, 0, 1)."""
    return np.asarray(loss_VL[np.arange(len(loss_VL)), label_V.astype(np.int64) + 1])


def majority_of_others(rows: DoublyLabelled) -> Floats:
    """[V, 3]: 1 for the label that most others gave, shared where several lead.

    Of a vote that stands alone, the vote itself.
    """
    own_V3 = np.eye(3)[rows.vote_label.astype(np.int64) + 1]
    count_N3 = np.zeros((len(rows.instances), 3))
    np.add.at(count_N3, rows.vote_row, own_V3)
    others_V3 = count_N3[rows.vote_row] - own_V3
    others_V3 = np.where(others_V3.sum(1, keepdims=True) > 0, others_V3, own_V3)
    leads_V3 = others_V3 == others_V3.max(1, keepdims=True)
    return np.asarray(leads_V3 / leads_V3.sum(1, keepdims=True))


def _noise(apart_V: Floats, others_V: Ints) -> Floats:
    """[V]: expected loss of the reference itself, by the number of votes that made it."""
    total, count = np.bincount(others_V, weights=apart_V), np.bincount(others_V)
    return np.minimum((total / np.maximum(count, 1))[others_V], MOST_NOISE)
