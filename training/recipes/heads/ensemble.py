"""Several linear Bradley-Terry heads, drawn from what the labels leave open; a cautious score."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from training.data.pairs import PreferencePair
from training.losses.bradley_terry import bradley_terry_loss
from training.losses.ensemble import cautious_reward
from training.recipes.heads.base import ScalarHead
from training.recipes.heads.features import Features, Row
from training.recipes.heads.fitting import minimise, squares
from training.recipes.heads.pairs import pair_matrix


class EnsembleHead(ScalarHead):
    """score = mean - penalty x standard deviation over members, from the training texts' mean."""

    objective = "ensemble"

    def member_rewards(self, rows: Sequence[Row], features: Features) -> Tensor:
        """[M, N] rewards."""
        return self.tensors["members"] @ self.inputs(features.responses(rows)).T

    def score_rows(self, rows: Sequence[Row], features: Features) -> list[float]:
        rewards_MN = self.member_rewards(rows, features)
        return [float(x) for x in cautious_reward(rewards_MN, penalty=self.options["penalty"])]


def fit_ensemble(
    pairs: Sequence[PreferencePair],
    features: Features,
    *,
    l2: float,
    members: int,
    penalty: float,
    seed: int,
) -> EnsembleHead:
    """Each member is fitted to prompts with random weights and to a random prior mean.

    Weights are drawn from Exp(1) for each prompt (the Bayesian bootstrap, Rubin 1981); the prior
    mean from N(0, 1/l2) (anchored ensembles, Pearce et al. 2020, arXiv:1810.05546). Without the
    second, members would agree on whatever no label tells of.
    """
    rows = pair_matrix(pairs, features)
    generator = np.random.default_rng(seed)
    prompts = sorted({pair.prompt_id for pair in pairs})
    found = []
    for _ in range(members):
        weight_of = dict(zip(prompts, generator.exponential(size=len(prompts)), strict=True))
        weight_N = torch.tensor([weight_of[pair.prompt_id] for pair in pairs]) * rows.weight_N
        anchor_D = torch.from_numpy(generator.normal(size=rows.width)) / l2**0.5
        found.append(_fit_member(rows.gap_ND, rows.target_N, weight_N, anchor_D, l2))
    # Few draws miss their own middle: they are moved to the mode, which needs none.
    members_MD, nowhere_D = torch.stack(found), torch.zeros_like(found[0])
    mode_D = _fit_member(rows.gap_ND, rows.target_N, rows.weight_N, nowhere_D, l2)
    moved_MD = members_MD - members_MD.mean(0) + mode_D
    return EnsembleHead({**rows.parts, "members": moved_MD}, {"penalty": penalty})


def _fit_member(
    gap_ND: Tensor, target_N: Tensor, weight_N: Tensor, anchor_D: Tensor, l2: float
) -> Tensor:
    """argmin of the weighted loss + l2/2 |coefficients - anchor|^2 (convex)."""
    coefficients_D = anchor_D.clone().requires_grad_()
    nothing_N = torch.zeros_like(target_N)

    def objective() -> Tensor:
        losses_N = bradley_terry_loss(gap_ND @ coefficients_D, nothing_N, target_B=target_N)
        return (weight_N * losses_N).sum() + l2 / 2 * squares(coefficients_D - anchor_D)

    minimise(objective, [coefficients_D])
    return coefficients_D.detach()
