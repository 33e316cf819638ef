"""Responses as points in planes whose comparison may go round in a circle."""

from collections.abc import Sequence

import torch
from torch import Tensor

from training.data.pairs import PreferencePair
from training.losses.general_preference import general_preference_loss, skew_symmetric_score
from training.recipes.heads.base import RelationalHead
from training.recipes.heads.features import Features, Row
from training.recipes.heads.fitting import best_of, minimise, small, squares, zeros
from training.recipes.heads.pairs import pair_matrix

STARTS = 3


class GeneralPreferenceHead(RelationalHead):
    """logit = w . (x_a - x_b) + the score of the points x W in C planes.

    The first term is a plane of the paper's model with one coordinate held at 1: a plain reward,
    which the prior would otherwise push to nothing together with the planes.
    """

    objective = "general_preference"

    def compare(self, first: Sequence[Row], second: Sequence[Row], features: Features) -> Tensor:
        return self.logits(*(self.inputs(features.responses(rows)) for rows in (first, second)))

    def logits(self, first_ND: Tensor, second_ND: Tensor) -> Tensor:
        """[N] of the first being preferred."""
        return _score(first_ND, second_ND, self.tensors["linear"], self.tensors["planes"])


def fit_general_preference(
    pairs: Sequence[PreferencePair], features: Features, *, l2: float, planes: int, seed: int
) -> GeneralPreferenceHead:
    """The best of three starts, as the loss has several minima."""
    rows = pair_matrix(pairs, features)

    def fit(generator: torch.Generator) -> tuple[float, list[Tensor]]:
        linear_D = zeros(rows.width)
        planes_DC = small(rows.width, 2 * planes, generator=generator)

        def objective() -> Tensor:
            planes_N = skew_symmetric_score(*rows.mapped(planes_DC))
            score_N = rows.gaps(linear_D[:, None])[:, 0] + planes_N
            losses_N = general_preference_loss(score_N, target_B=rows.target_N)
            return (rows.weight_N * losses_N).sum() + l2 / 2 * squares(linear_D, planes_DC)

        return minimise(objective, [linear_D, planes_DC]), [linear_D, planes_DC]

    linear_D, planes_DC = best_of(STARTS, fit, seed=seed)
    return GeneralPreferenceHead({**rows.parts, "linear": linear_D, "planes": planes_DC}, {})


def _score(first_ND: Tensor, second_ND: Tensor, linear_D: Tensor, planes_DC: Tensor) -> Tensor:
    planes_N = skew_symmetric_score(first_ND @ planes_DC, second_ND @ planes_DC)
    return (first_ND - second_ND) @ linear_D + planes_N
