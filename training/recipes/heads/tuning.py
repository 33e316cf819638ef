"""How a head learns on together with its encoder: what is read, what is free, what it costs.

Each loss and prior is the one that the head was fitted by on the states as they were, summed over
what a row holds. So a head that was fitted to the end stands at a minimum until the encoder moves.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from training.data.criteria import rated_responses, rating_table
from training.data.framing import Framed
from training.data.judged import JudgedRow
from training.data.lists import RankedList
from training.data.pairs import PreferencePair
from training.losses.bradley_terry import bradley_terry_loss
from training.losses.general_preference import general_preference_loss
from training.losses.multi_objective import gated_reward, masked_regression_loss
from training.losses.personal import gaussian_kl
from training.losses.plackett_luce import ABSENT, plackett_luce_loss
from training.losses.segments import IGNORED, token_classification_loss
from training.recipes.batches import pad_right
from training.recipes.embeddings import mean_states
from training.recipes.heads.base import Head
from training.recipes.heads.features import Features
from training.recipes.heads.fitting import squares
from training.recipes.heads.general_preference import GeneralPreferenceHead
from training.recipes.heads.multi_objective import MultiObjectiveHead
from training.recipes.heads.objectives.base import Objective
from training.recipes.heads.objectives.segments import Segments
from training.recipes.heads.personal import (
    GroupsHead,
    IdealPointHead,
    LatentHead,
    OfPeople,
    PersonalHead,
)
from training.recipes.heads.plackett_luce import LinearHead
from training.recipes.heads.segments import SegmentHead, SpanHead, StepHead

HeadKind = TypeVar("HeadKind", bound=Head)
PersonKind = TypeVar("PersonKind", bound=OfPeople)
Example = dict[str, Any]
Batch = Mapping[str, Tensor]
Values = Mapping[str, Tensor]
LEAST_RESPONSIBILITY = 1e-6
LATENT_LOG_VARIANCE = -2.0
"""Where the spread of people's latent tastes begins; the fit keeps their means alone."""


class Tuning(ABC, Generic[HeadKind]):
    """One for each head. `values` are its free parameters, by name."""

    def __init__(self, head: HeadKind, objective: Objective[Any], l2: float) -> None:
        self.head = head
        self.objective = objective
        self.l2 = l2

    @abstractmethod
    def examples(self, items: Sequence[Any], features: Features) -> Iterator[Example]:
        """Rows to learn from: `texts`, the token ids of what is read, and labels."""

    @abstractmethod
    def start(self) -> dict[str, Tensor]:
        """The free values as the fit left them."""

    def tensors(self, values: Values) -> dict[str, Tensor]:
        """The tensors of the head that these values make."""
        return dict(values)

    def labels(self, rows: Sequence[Example]) -> dict[str, Tensor]:
        """A batch's labels: one number a row."""
        names = [name for name in rows[0] if name != "texts"]
        return {name: torch.tensor([row[name] for row in rows]) for name in names}

    @abstractmethod
    def losses(self, head: HeadKind, values: Values, states: "States", batch: Batch) -> Tensor:
        """[B] losses of the rows."""

    @abstractmethod
    def prior(self, values: Values) -> Tensor:
        """What the prior takes from all rows together, a scalar."""


class States:
    """The encoder's last states of a batch's texts, one after the other."""

    def __init__(self, states_NLD: Tensor, mask_NL: Tensor) -> None:
        self.each_NLD = states_NLD
        self.mean_ND = mean_states(states_NLD, mask_NL)


class PairTuning(Tuning[HeadKind]):
    """Two texts a row, chosen and rejected."""

    def examples(self, items: Sequence[PreferencePair], features: Features) -> Iterator[Example]:
        mean_weight = sum(pair.weight for pair in items) / len(items)
        for pair in items:
            yield {
                "texts": [
                    features.frame((pair.prompt, text)).ids for text in (pair.chosen, pair.rejected)
                ],
                "target": pair.target,
                "weight": pair.weight / mean_weight,
            }


class GeneralPreferenceTuning(PairTuning[GeneralPreferenceHead]):
    def start(self) -> dict[str, Tensor]:
        return {name: self.head.tensors[name] for name in ("linear", "planes")}

    def losses(
        self, head: GeneralPreferenceHead, values: Values, states: States, batch: Batch
    ) -> Tensor:
        inputs_ND = head.inputs(states.mean_ND)
        score_B = head.logits(inputs_ND[::2], inputs_ND[1::2])
        return batch["weight"] * general_preference_loss(score_B, target_B=batch["target"])

    def prior(self, values: Values) -> Tensor:
        return self.l2 / 2 * squares(values["linear"], values["planes"])


class PeopleTuning(PairTuning[PersonKind]):
    """Also `person`, the row's annotator, and `part`: one over how many rows are theirs."""

    def examples(self, items: Sequence[PreferencePair], features: Features) -> Iterator[Example]:
        place = self.head.place
        counts = {name: 0 for name in place}
        for pair in items:
            counts[pair.annotator] += 1
        for pair, example in zip(items, super().examples(items, features), strict=True):
            person = {"person": place[pair.annotator], "part": 1 / counts[pair.annotator]}
            yield {**example, **person}


class IdealPointTuning(PeopleTuning[PersonalHead]):
    def start(self) -> dict[str, Tensor]:
        log_PG = self.head.tensors["weights"].clamp(min=1e-30).log()
        return {
            "map": self.head.tensors["map"],
            "prototypes": self.head.tensors["prototypes"],
            "mixing": log_PG - log_PG.mean(1, keepdim=True),  # where their prior costs least
        }

    def tensors(self, values: Values) -> dict[str, Tensor]:
        kept = {name: values[name] for name in ("map", "prototypes")}
        return {**kept, "weights": values["mixing"].softmax(1)}

    def losses(self, head: PersonalHead, values: Values, states: States, batch: Batch) -> Tensor:
        inputs_ND = head.inputs(states.mean_ND)
        gap_BP = head.gaps(inputs_ND[::2], inputs_ND[1::2])
        gap_B = gap_BP.gather(1, batch["person"][:, None])[:, 0]
        return batch["weight"] * _of_gaps(gap_B, batch["target"])

    def prior(self, values: Values) -> Tensor:
        points = squares(values["prototypes"], values["mixing"]) / 2
        return self.l2 / 2 * squares(values["map"]) + points


class LatentTuning(PeopleTuning[LatentHead]):
    """The evidence bound with a mean and a spread for each person, and no encoder of people.

    Deviation from VPL: what serves is each known person's posterior, so nothing is lost by
    learning it directly.
    """

    def start(self) -> dict[str, Tensor]:
        names = ("shared", "loadings", "latents")
        found = {name: self.head.tensors[name] for name in names}
        return {**found, "spread": torch.full_like(found["latents"], LATENT_LOG_VARIANCE)}

    def tensors(self, values: Values) -> dict[str, Tensor]:
        return {name: value for name, value in values.items() if name != "spread"}

    def losses(self, head: LatentHead, values: Values, states: States, batch: Batch) -> Tensor:
        inputs_ND = head.inputs(states.mean_ND)
        mean_BE = values["latents"][batch["person"]]
        spread_BE = values["spread"][batch["person"]]
        latent_BE = mean_BE + (spread_BE / 2).exp() * torch.randn_like(mean_BE)
        taste_BD = latent_BE @ values["loadings"] + values["shared"]
        gap_B = ((inputs_ND[::2] - inputs_ND[1::2]) * taste_BD).sum(1)
        bound_B = batch["part"] * gaussian_kl(mean_BE, spread_BE)
        return batch["weight"] * _of_gaps(gap_B, batch["target"]) + bound_B

    def prior(self, values: Values) -> Tensor:
        return self.l2 / 2 * squares(values["shared"], values["loadings"])


class GroupsTuning(PeopleTuning[GroupsHead]):
    """The mixture's likelihood from below, by each person's responsibilities.

    sum_g q_g (-log p_g) + KL(q | shares): equal to the mixture's loss where q is the posterior,
    which is where the fit leaves it (Neal and Hinton 1998).
    """

    def start(self) -> dict[str, Tensor]:
        belong_PG = self.head.tensors["responsibilities"].clamp(min=LEAST_RESPONSIBILITY)
        share_G = belong_PG.mean(0).log()
        return {
            "groups": self.head.tensors["groups"],
            "belong": belong_PG.log(),
            "shares": share_G - share_G.mean(),
        }

    def tensors(self, values: Values) -> dict[str, Tensor]:
        return {"groups": values["groups"], "responsibilities": values["belong"].softmax(1)}

    def losses(self, head: GroupsHead, values: Values, states: States, batch: Batch) -> Tensor:
        inputs_ND = head.inputs(states.mean_ND)
        gap_BG = (inputs_ND[::2] - inputs_ND[1::2]) @ values["groups"].T
        target_BG = batch["target"][:, None].expand_as(gap_BG)
        of_groups_BG = binary_cross_entropy_with_logits(gap_BG, target_BG, reduction="none")
        log_q_BG = values["belong"][batch["person"]].log_softmax(1)
        apart_BG = log_q_BG - values["shares"].log_softmax(0)
        paid_BG = batch["weight"][:, None] * of_groups_BG + batch["part"][:, None] * apart_BG
        return (log_q_BG.exp() * paid_BG).sum(1)

    def prior(self, values: Values) -> Tensor:
        return self.l2 / 2 * squares(values["groups"]) + squares(values["shares"]) / 2


class ListTuning(Tuning[LinearHead]):
    """All responses of a list in a row, each with its tier."""

    def examples(self, items: Sequence[RankedList], features: Features) -> Iterator[Example]:
        for one in items:
            yield {
                "texts": [features.frame((one.prompt, text)).ids for text in one.responses],
                "tiers": list(one.tiers),
                "open": one.open or not self.head.options["ties_count"],
            }

    def start(self) -> dict[str, Tensor]:
        return {"coefficients": self.head.tensors["coefficients"]}

    def labels(self, rows: Sequence[Example]) -> dict[str, Tensor]:
        return {
            "tiers": pad_right([row["tiers"] for row in rows], ABSENT),
            "open": torch.tensor([row["open"] for row in rows]),
        }

    def losses(self, head: LinearHead, values: Values, states: States, batch: Batch) -> Tensor:
        rewards_N, tier_BK = head.rewards(states.mean_ND), batch["tiers"]
        # Places of a row follow one another, as its texts do.
        reward_BK = rewards_N.new_zeros(tier_BK.shape).masked_scatter(tier_BK != ABSENT, rewards_N)
        depth = head.options["depth"]
        return plackett_luce_loss(reward_BK, tier_BK, open_B=batch["open"], depth=depth)

    def prior(self, values: Values) -> Tensor:
        return self.l2 / 2 * squares(values["coefficients"])


class MultiObjectiveTuning(Tuning[MultiObjectiveHead]):
    """A row's prompt alone, then its rated responses. Ratings move the criteria and the encoder;
    preferences move the gate alone, as in the paper, which freezes all else for it.
    """

    def examples(self, items: Sequence[JudgedRow], features: Features) -> Iterator[Example]:
        for item in items:
            rated = rated_responses([item])
            texts = [one.response for one in rated]
            pairs = [
                (1 + texts.index(pair.chosen), 1 + texts.index(pair.rejected), pair.target)
                for pair in self.objective.pairs_of([item])
                if pair.chosen in texts and pair.rejected in texts
            ]
            table = rating_table(rated, self.head.options["criteria"])
            nothing = np.full((1, table.shape[1]), np.nan)
            yield {
                "texts": [features.frame((item.prompt, text)).ids for text in ("", *texts)],
                "ratings": np.concatenate([nothing, table]).tolist(),
                "pairs": pairs,
            }

    def start(self) -> dict[str, Tensor]:
        kept = {
            name: self.head.tensors[name] for name in ("criteria", "means", "gate", "gate_bias")
        }
        return {**kept, "log_sharpness": self.head.tensors["sharpness"].log()}

    def tensors(self, values: Values) -> dict[str, Tensor]:
        kept = {name: value for name, value in values.items() if name != "log_sharpness"}
        return {**kept, "sharpness": values["log_sharpness"].exp()}

    def labels(self, rows: Sequence[Example]) -> dict[str, Tensor]:
        """`pairs` [M, 4]: row, and the places of its prompt, of chosen and of rejected among all
        texts; `row` [N]: the row of each text.
        """
        begins = np.cumsum([0, *(len(row["texts"]) for row in rows)]).tolist()
        pairs = [
            (number, begin, begin + chosen, begin + rejected)
            for number, (row, begin) in enumerate(zip(rows, begins, strict=False))
            for chosen, rejected, _ in row["pairs"]
        ]
        return {
            "ratings": torch.tensor([one for row in rows for one in row["ratings"]]),
            "row": torch.tensor([n for n, row in enumerate(rows) for _ in row["texts"]]),
            "pairs": torch.tensor(pairs, dtype=torch.long).reshape(-1, 4),
            "target": torch.tensor([one[2] for row in rows for one in row["pairs"]]),
        }

    def losses(
        self, head: MultiObjectiveHead, values: Values, states: States, batch: Batch
    ) -> Tensor:
        rated_NC, given_NC = head.rate(states.mean_ND), batch["ratings"].to(states.mean_ND.dtype)
        counts_N = (~given_NC.isnan()).sum(1)
        squared_N = masked_regression_loss(rated_NC, given_NC) * counts_N / 2
        row_M, prompt_M, chosen_M, rejected_M = batch["pairs"].unbind(1)
        gate_MC = head.gate(states.mean_ND.detach()[prompt_M])
        still_NC, sharpness = rated_NC.detach(), head.tensors["sharpness"]
        preferred_M = bradley_terry_loss(
            sharpness * gated_reward(still_NC[chosen_M], gate_MC),
            sharpness * gated_reward(still_NC[rejected_M], gate_MC),
            target_B=batch["target"].to(sharpness.dtype),
        )
        losses_B = squared_N.new_zeros(int(batch["row"][-1]) + 1)
        return losses_B.index_add(0, batch["row"], squared_N).index_add(0, row_M, preferred_M)

    def prior(self, values: Values) -> Tensor:
        bias = squares(values["gate_bias"], values["log_sharpness"]) / 2
        return self.l2 / 2 * squares(values["criteria"], values["gate"]) + bias


class SegmentTuning(Tuning[SegmentHead]):
    """A response a row, with a label at the last token of each segment and -100 at all others."""

    objective: Segments

    def examples(self, items: Sequence[JudgedRow], features: Features) -> Iterator[Example]:
        names = self.head.options["names"]
        for name, labelled in self.objective.labelled(items).items():
            for one in labelled if name in names else ():
                row = (one.prompt, one.response)
                framed: Framed = features.frame(row)
                labels = [IGNORED] * len(framed.ids)
                cut = features.read_at(row, one.segments, framed)
                for places, label in zip(cut, one.labels, strict=True):
                    for place in places if label is not None else ():
                        labels[place] = int(label)
                if any(label != IGNORED for label in labels):
                    yield {"texts": [framed.ids], "labels": labels, "name": names.index(name)}

    def start(self) -> dict[str, Tensor]:
        return {
            f"{name}.{part}": self.head.tensors[f"{name}.{part}"]
            for name in self.head.options["names"]
            for part in ("coefficients", "bias")
        }

    def labels(self, rows: Sequence[Example]) -> dict[str, Tensor]:
        return {
            "labels": pad_right([row["labels"] for row in rows], IGNORED),
            "name": torch.tensor([row["name"] for row in rows]),
        }

    def losses(self, head: SegmentHead, values: Values, states: States, batch: Batch) -> Tensor:
        each = [head.logits_of(name, states.each_NLD) for name in head.options["names"]]
        wrong_BL = torch.stack(each)[batch["name"], torch.arange(len(batch["name"]))]
        logits_BLC = torch.stack([torch.zeros_like(wrong_BL), wrong_BL], 2)
        counts_B = (batch["labels"] != IGNORED).sum(1)
        return token_classification_loss(logits_BLC, batch["labels"]) * counts_B

    def prior(self, values: Values) -> Tensor:
        coefficients = [value for name, value in values.items() if name.endswith("coefficients")]
        biases = [value for name, value in values.items() if name.endswith("bias")]
        return self.l2 / 2 * squares(*coefficients) + 1e-3 * squares(*biases)


def tuning_of(head: Head, objective: Objective[Any], l2: float) -> Tuning[Any]:
    """How this head of this objective learns on."""
    kinds: dict[type[Head], type[Tuning[Any]]] = {
        LinearHead: ListTuning,
        SpanHead: SegmentTuning,
        StepHead: SegmentTuning,
        MultiObjectiveHead: MultiObjectiveTuning,
        GeneralPreferenceHead: GeneralPreferenceTuning,
        IdealPointHead: IdealPointTuning,
        LatentHead: LatentTuning,
        GroupsHead: GroupsTuning,
    }
    return kinds[type(head)](head, objective, l2)


def _of_gaps(gap_B: Tensor, target_B: Tensor) -> Tensor:
    return bradley_terry_loss(gap_B, torch.zeros_like(gap_B), target_B=target_B)
