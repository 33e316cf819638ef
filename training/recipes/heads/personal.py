"""Rewards that differ by person: ideal points, a latent taste, groups."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.data.pairs import PreferencePair
from training.losses.bradley_terry import bradley_terry_loss
from training.losses.personal import (
    gaussian_kl,
    group_responsibilities,
    ideal_point_reward,
    worst_group_reward,
)
from training.recipes.heads.base import Head, RelationalHead, ScalarHead
from training.recipes.heads.features import Features, Row
from training.recipes.heads.fitting import best_of, minimise, small, squares, zeros
from training.recipes.heads.pairs import PairMatrix, pair_matrix

STARTS = 3
LATENT_STEPS = 400
LEAST_SHARE = 0.05
"""Of the people, for a group to count for the worst one: below, it is a few odd labels."""


class OfPeople(Head):
    """A head with a row for each person it was fitted to, in the tensor that `by_person` names."""

    by_person: ClassVar[str]

    @property
    def people(self) -> int:
        """How many it was fitted to; each has a place, from 0, in alphabetical order."""
        return len(self.tensors[self.by_person])

    def gaps_of_places(self, pairs: Sequence[PreferencePair], features: Features) -> np.ndarray:
        """As `pair_gaps`, where `annotator` is a person's place as text: published heads too."""
        places = [str(place) for place in range(self.people)]
        placed = type(self)(self.tensors, {**self.options, "people": places})
        return placed.pair_gaps(pairs, features)

    @property
    def place(self) -> dict[str, int]:
        """The row of each annotator; empty in a published head, which names nobody."""
        return {name: number for number, name in enumerate(self.options.get("people", ()))}

    @property
    def published_options(self) -> dict[str, Any]:
        """Serving asks for all people together, and pseudonyms belong to their installation."""
        return {name: value for name, value in self.options.items() if name != "people"}


class PersonalHead(OfPeople, RelationalHead):
    """`options["people"]`: the annotators it knows, in the order of its tensors; not published.

    Without a person, a comparison is the logit of the people's mean probability.
    """

    @abstractmethod
    def gaps(self, first_ND: Tensor, second_ND: Tensor) -> Tensor:
        """[N, people] logits of the first being preferred by each person."""

    def compare(self, first: Sequence[Row], second: Sequence[Row], features: Features) -> Tensor:
        both = [self.inputs(features.responses(rows)) for rows in (first, second)]
        return self.gaps(*both).sigmoid().mean(1).clamp(1e-12, 1 - 1e-12).logit()

    def pair_gaps(self, pairs: Sequence[PreferencePair], features: Features) -> np.ndarray:
        """By the pair's own annotator where the head knows them, else by all people."""
        chosen = [(pair.prompt, pair.chosen) for pair in pairs]
        rejected = [(pair.prompt, pair.rejected) for pair in pairs]
        gaps_NP = self.gaps(
            self.inputs(features.responses(chosen)), self.inputs(features.responses(rejected))
        )
        everybody_N = self.compare(chosen, rejected, features)
        place = self.place
        return np.array(
            [
                float(gaps_NP[row, place[pair.annotator]])
                if pair.annotator in place
                else float(everybody_N[row])
                for row, pair in enumerate(pairs)
            ]
        )


class IdealPointHead(PersonalHead):
    """reward = -|W x - sum_g weight_pg prototype_g|^2."""

    objective = "personal"
    by_person = "weights"

    def gaps(self, first_ND: Tensor, second_ND: Tensor) -> Tensor:
        point_PD = self.tensors["weights"] @ self.tensors["prototypes"]
        both = [side_ND @ self.tensors["map"] for side_ND in (first_ND, second_ND)]
        columns = []
        for point_D in point_PD:
            first, second = (ideal_point_reward(one, point_D.expand_as(one)) for one in both)
            columns.append(first - second)
        return torch.stack(columns, 1)


class LatentHead(PersonalHead):
    """reward = (w + U z) . x, z the mean of the person's posterior."""

    objective = "personal"
    by_person = "latents"

    def gaps(self, first_ND: Tensor, second_ND: Tensor) -> Tensor:
        taste_PD = self.tensors["latents"] @ self.tensors["loadings"] + self.tensors["shared"]
        return (first_ND - second_ND) @ taste_PD.T


class GroupsHead(OfPeople, ScalarHead):
    """A reward for each group; a response is worth what the worst-off group gives it."""

    objective = "personal"
    by_person = "responsibilities"

    def rewards(self, rows: Sequence[Row], features: Features) -> Tensor:
        """[N, groups]."""
        return self.inputs(features.responses(rows)) @ self.tensors["groups"].T

    def score_rows(self, rows: Sequence[Row], features: Features) -> list[float]:
        rewards_NG = self.rewards(rows, features)
        share_G = self.tensors["responsibilities"].mean(0)
        worst_N = worst_group_reward(rewards_NG, share_G, least_share=LEAST_SHARE)
        return [float(reward) for reward in worst_N]

    def pair_gaps(self, pairs: Sequence[PreferencePair], features: Features) -> np.ndarray:
        """By the pair's own annotator: the probability of a win, mixed over their groups."""
        rows = [(pair.prompt, text) for pair in pairs for text in (pair.chosen, pair.rejected)]
        rewards_NG = self.rewards(rows, features)
        win_NG = (rewards_NG[::2] - rewards_NG[1::2]).sigmoid()
        place = self.place
        belong_PG = self.tensors["responsibilities"]
        mix_NG = torch.stack(
            [
                belong_PG[place[pair.annotator]] if pair.annotator in place else belong_PG.mean(0)
                for pair in pairs
            ]
        )
        return (win_NG * mix_NG).sum(1).clamp(1e-12, 1 - 1e-12).logit().numpy()


def fit_personal(
    pairs: Sequence[PreferencePair],
    features: Features,
    *,
    people_as: str,
    l2: float,
    size: int,
    seed: int,
) -> "IdealPointHead | LatentHead | GroupsHead":
    """`people_as`: ideal_points, latent or groups; `size`: prototypes, latent numbers or groups."""
    rows = pair_matrix(pairs, features)
    people = sorted({pair.annotator for pair in pairs})
    place = {name: number for number, name in enumerate(people)}
    person_N = torch.tensor([place[pair.annotator] for pair in pairs])
    fits: dict[str, Callable[..., Any]] = {
        "ideal_points": _fit_ideal_points,
        "latent": _fit_latent,
        "groups": _fit_groups,
    }
    kinds: dict[str, Any] = {
        "ideal_points": IdealPointHead,
        "latent": LatentHead,
        "groups": GroupsHead,
    }
    tensors = fits[people_as](rows, person_N, len(people), l2=l2, size=size, seed=seed)
    options = {"people": people, "people_as": people_as}
    return kinds[people_as]({**rows.parts, **tensors}, options)


def _fit_ideal_points(
    rows: PairMatrix, person_N: Tensor, people: int, *, l2: float, size: int, seed: int
) -> dict[str, Tensor]:
    def fit(generator: torch.Generator) -> tuple[float, list[Tensor]]:
        map_DE = small(rows.width, size, generator=generator)
        prototype_GE = small(size, size, generator=generator, scale=1.0)
        mixing_PG = small(people, size, generator=generator)
        parameters = [map_DE, prototype_GE, mixing_PG]

        def objective() -> Tensor:
            point_NE = (mixing_PG.softmax(1) @ prototype_GE)[person_N]
            rewards = [ideal_point_reward(side_NE, point_NE) for side_NE in rows.mapped(map_DE)]
            losses_N = bradley_terry_loss(*rewards, target_B=rows.target_N)
            prior = l2 / 2 * squares(map_DE) + squares(prototype_GE, mixing_PG) / 2
            return (rows.weight_N * losses_N).sum() + prior

        return minimise(objective, parameters), parameters

    map_DE, prototype_GE, mixing_PG = best_of(STARTS, fit, seed=seed)
    return {"map": map_DE, "prototypes": prototype_GE, "weights": mixing_PG.softmax(1)}


def _fit_latent(
    rows: PairMatrix, person_N: Tensor, people: int, *, l2: float, size: int, seed: int
) -> dict[str, Tensor]:
    """The evidence bound by Adam: the encoder reads the mean of a person's labelled differences.

    Half of a person's rows, drawn anew at each step, are what the encoder reads, so that it
    learns from few. Deviations from VPL: a bilinear reward and a mean in place of attention.
    """
    generator = torch.Generator().manual_seed(seed)
    width = rows.width
    shared_D, loadings_ED = zeros(width), small(size, width, generator=generator)
    mean_DE = small(width, size, generator=generator, scale=width**-0.5)
    spread_DE = small(width, size, generator=generator, scale=0.01)
    spread_E = zeros(size)
    parameters = [shared_D, loadings_ED, mean_DE, spread_DE, spread_E]
    optimizer = torch.optim.Adam(parameters, lr=0.02)
    sign_N = 2 * rows.target_N - 1

    def posterior(keep_N: Tensor) -> tuple[Tensor, Tensor]:
        found_N2E = rows.gaps(torch.cat([mean_DE, spread_DE], 1))
        sums_P2E = torch.zeros(people, 2 * size, dtype=torch.float64)
        sums_P2E = sums_P2E.index_add(0, person_N, (keep_N * sign_N)[:, None] * found_N2E)
        counts_P = torch.zeros(people, dtype=torch.float64).index_add(0, person_N, keep_N)
        mean_PE, spread_PE = (sums_P2E / counts_P.clamp(min=1)[:, None]).chunk(2, dim=1)
        return mean_PE, spread_PE + spread_E

    for _ in range(LATENT_STEPS):
        draw_N = torch.rand(len(person_N), generator=generator, dtype=torch.float64)
        mean_PE, log_variance_PE = posterior((draw_N < 0.5).double())
        noise_PE = torch.randn(people, size, generator=generator, dtype=torch.float64)
        latent_PE = mean_PE + (log_variance_PE / 2).exp() * noise_PE
        gap_NE1 = rows.gaps(torch.cat([loadings_ED, shared_D[None]]).T)
        gap_N = (gap_NE1[:, :-1] * latent_PE[person_N]).sum(1) + gap_NE1[:, -1]
        losses_N = bradley_terry_loss(gap_N, torch.zeros_like(gap_N), target_B=rows.target_N)
        prior = l2 / 2 * squares(shared_D, loadings_ED) + squares(mean_DE, spread_DE) / 2
        bound = gaussian_kl(mean_PE, log_variance_PE).sum() + (rows.weight_N * losses_N).sum()
        optimizer.zero_grad()
        ((bound + prior) / len(person_N)).backward()
        optimizer.step()
    with torch.no_grad():
        mean_PE, _ = posterior(torch.ones_like(sign_N))
    return {"shared": shared_D, "loadings": loadings_ED, "latents": mean_PE}


def _fit_groups(
    rows: PairMatrix, person_N: Tensor, people: int, *, l2: float, size: int, seed: int
) -> dict[str, Tensor]:
    """The mixture's likelihood itself: log sum_g share_g prod over a person's rows of p_g."""

    def likelihoods(groups_GD: Tensor) -> Tensor:
        logits_NG = rows.gaps(groups_GD.T)
        target_N1 = rows.target_N[:, None]
        both = target_N1 * logsigmoid(logits_NG) + (1 - target_N1) * logsigmoid(-logits_NG)
        return rows.weight_N[:, None] * both

    def fit(generator: torch.Generator) -> tuple[float, list[Tensor]]:
        groups_GD = small(size, rows.width, generator=generator)
        share_G = zeros(size)

        def objective() -> Tensor:
            sums_PG = torch.zeros(people, size, dtype=torch.float64)
            sums_PG = sums_PG.index_add(0, person_N, likelihoods(groups_GD))
            mixed_P = (sums_PG + share_G.log_softmax(0)).logsumexp(1)
            return -mixed_P.sum() + l2 / 2 * squares(groups_GD) + squares(share_G) / 2

        return minimise(objective, [groups_GD, share_G]), [groups_GD, share_G]

    groups_GD, share_G = (found.detach() for found in best_of(STARTS, fit, seed=seed))
    belong_PG = group_responsibilities(
        likelihoods(groups_GD), share_G.log_softmax(0), person_N, people
    )
    return {"groups": groups_GD, "responsibilities": belong_PG}
