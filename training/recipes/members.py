"""What each member of an ensemble makes of responses, beside the cautious score of all."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import torch
from torch import Tensor

from training.losses.ensemble import cautious_reward
from training.recipes.head_model import HeadModel
from training.recipes.heads.base import ResponseSet
from training.recipes.heads.ensemble import EnsembleHead
from training.recipes.heads.features import Row
from training.recipes.score import FinetunedEnsemble, Scorer

BATCH_SIZE = 32
Scores = list[list[float]]


def scores_with_members(
    model: Scorer, sets: Sequence[ResponseSet]
) -> tuple[Scores, list[Scores] | None]:
    """Each set's scores, [K], and of an ensemble its members', [M][K]; None of other models.

    All are calibrated, and each member reads a response once.
    """
    rows = [(prompt, text) for prompt, texts in sets for text in texts]
    found = _rewards(model, rows)
    if found is None:
        return model.score_sets(sets), None
    rewards_MN, penalty = found
    rewards_MN = rewards_MN / model.card.temperature
    scores = list(_by_set(cautious_reward(rewards_MN, penalty=penalty).tolist(), sets))
    members = zip(*(_by_set(one, sets) for one in rewards_MN.tolist()), strict=True)
    return scores, [list(one) for one in members]


def _rewards(model: Scorer, rows: Sequence[Row]) -> tuple[Tensor, float] | None:
    """[M, N] before the temperature, and the penalty of their spread."""
    if isinstance(model, FinetunedEnsemble):
        rewards_MN = model.member_scores(model.frame(rows), BATCH_SIZE)
        return torch.from_numpy(rewards_MN), model.card.options["penalty"]
    if isinstance(model, HeadModel) and isinstance(model.head, EnsembleHead):
        return model.head.member_rewards(rows, model.features), model.head.options["penalty"]
    return None


def _by_set(values: Sequence[Any], sets: Sequence[ResponseSet]) -> Iterator[list[Any]]:
    """One list a set of what was found for all responses one after the other."""
    rest = iter(values)
    return (list(islice(rest, len(texts))) for _, texts in sets)
