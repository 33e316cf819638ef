"""A linear reward fitted to ranked lists as wholes."""

from collections.abc import Sequence
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.data.lists import RankedList
from training.losses.plackett_luce import ABSENT, plackett_luce_loss
from training.recipes.gated_head import find_basis
from training.recipes.heads.base import ScalarHead, centring
from training.recipes.heads.features import Features, Row
from training.recipes.heads.fitting import minimise, squares, zeros

MOST_PLACES = 10


class LinearHead(ScalarHead):
    """reward = coefficients . x. With the option `layers`, x is of the response's last layers."""

    objective = "plackett_luce"

    def score_rows(self, rows: Sequence[Row], features: Features) -> list[float]:
        if self.options.get("layers"):
            states_ND = features.layers(rows)[:, -len(self.tensors["centre"]) :]
        else:
            states_ND = features.responses(rows)
        return [float(score) for score in self.rewards(states_ND)]

    def rewards(self, features_ND: np.ndarray | Tensor) -> Tensor:
        """[N]"""
        return self.inputs(features_ND) @ self.tensors["coefficients"]


def fit_plackett_luce(
    lists: Sequence[RankedList],
    features: Features,
    *,
    l2: float,
    ties_count: bool,
    depth: int = 0,
    layers: bool = False,
) -> LinearHead:
    """Coefficients that minimise the lists' summed loss + l2/2 |coefficients|^2 (convex if open
    orders are short). `ties_count`: a tie pulls rewards together; else its order is left open.
    `depth`: places from the top that count, 0 for all. `layers`: read the response's last layers,
    by their principal components, as the frozen head on pairs does.
    """
    rows = [(one.prompt, text) for one in lists for text in one.responses]
    if layers:
        features_ND = features.layers(rows)
        neighbours_ND = features_ND[_neighbours(lists)]
        basis = find_basis(neighbours_ND, width=features.width, seed=0)
        inputs_ND = torch.from_numpy(basis.expand(features_ND, gated=False))
    else:
        parts = centring(states_ND := features.responses(rows))
        inputs_ND = LinearHead(parts, {}).inputs(states_ND)
    index_BK, tier_BK = _padded(lists)
    open_B = torch.tensor([one.open or not ties_count for one in lists])
    coefficients_D = zeros(inputs_ND.shape[1])

    def objective() -> Tensor:
        reward_BK = (inputs_ND @ coefficients_D)[index_BK]
        losses_B = plackett_luce_loss(reward_BK, tier_BK, open_B=open_B, depth=depth)
        return losses_B.sum() + l2 / 2 * squares(coefficients_D)

    minimise(objective, [coefficients_D])
    found_D = coefficients_D.detach()
    if layers:  # the reward is linear in the states as well: that is what is kept
        found_D = torch.from_numpy(basis.response_DM) @ found_D
        parts = {
            "centre": torch.from_numpy(basis.response_mean_D),
            "scale": torch.tensor([basis.scales[0]]),
        }
    options: dict[str, Any] = {"ties_count": ties_count, "depth": depth, "layers": layers}
    return LinearHead({**parts, "coefficients": found_D}, options)


def _neighbours(lists: Sequence[RankedList]) -> np.ndarray:
    """Places of texts that stand side by side in a list, two by two: pairs without labels."""
    begins = np.cumsum([0, *(len(one.responses) for one in lists)])
    first_M = np.concatenate([np.arange(a, b - 1) for a, b in pairwise(begins)])
    return np.stack([first_M, first_M + 1], axis=1).reshape(-1)


def list_loss(head: LinearHead, lists: Sequence[RankedList], features: Features) -> float:
    """Mean loss a list, in nats."""
    rows = [(one.prompt, text) for one in lists for text in one.responses]
    scores_N = torch.tensor(head.score_rows(rows, features), dtype=torch.float64)
    index_BK, tier_BK = _padded(lists)
    open_B = torch.tensor([one.open or not head.options["ties_count"] for one in lists])
    depth = head.options["depth"]
    losses_B = plackett_luce_loss(scores_N[index_BK], tier_BK, open_B=open_B, depth=depth)
    return float(losses_B.mean())


def kendall_taus(head: LinearHead, lists: Sequence[RankedList], features: Features) -> np.ndarray:
    """[lists] (right - wrong) / decided pairs; lists that decide nothing are left out."""
    found = []
    for one, scores in zip(
        lists,
        head.score_sets([(one.prompt, one.responses) for one in lists], features),
        strict=True,
    ):
        tiers = np.array(one.tiers)
        gap_KK = np.sign(np.subtract.outer(tiers, tiers)) * -1
        decided = gap_KK != 0
        if decided.any():
            agree = gap_KK * np.sign(np.subtract.outer(scores, scores))
            found.append(agree[decided].mean())
    return np.array(found)


def gains_by_place(
    head: LinearHead, lists: Sequence[RankedList], features: Features
) -> list[dict[str, float]]:
    """By place from the top: how much likelier than chance the head finds who took it of those
    left, in mean nats with the standard error over lists. Near 0, that place was given by chance.

    Of each list down to its first place that several share. The first 10 places.
    """
    sets = [(one.prompt, one.responses) for one in lists]
    found: list[list[float]] = [[] for _ in range(MOST_PLACES)]
    for one, scores in zip(lists, head.score_sets(sets, features), strict=True):
        left = sorted(zip(one.tiers, scores, strict=True), key=lambda pair: pair[0])
        for place in found:
            if len(left) < 2 or left[0][0] == left[1][0]:
                break
            rewards_K = np.array([score for _, score in left])
            place.append(float(rewards_K[0] - np.logaddexp.reduce(rewards_K)) + log(len(left)))
            left.pop(0)
    return [
        {
            "place": number,
            "lists": len(gains),
            "gain": float(np.mean(gains)),
            "standard_error": float(np.std(gains, ddof=1) / len(gains) ** 0.5),
        }
        for number, gains in enumerate(found, start=1)
        if len(gains) > 1
    ]


def _padded(lists: Sequence[RankedList]) -> tuple[Tensor, Tensor]:
    """[B, K] places of the lists' responses one after the other, and their tiers."""
    longest = max(len(one.responses) for one in lists)
    index_BK = torch.zeros(len(lists), longest, dtype=torch.long)
    tier_BK = torch.full((len(lists), longest), ABSENT)
    begin = 0
    for row, one in enumerate(lists):
        size = len(one.responses)
        index_BK[row, :size] = torch.arange(begin, begin + size)
        tier_BK[row, :size] = torch.tensor(one.tiers)
        begin += size
    return index_BK, tier_BK
