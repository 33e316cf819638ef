"""Scores from a published reward model: sigmoid(score_a - score_b) is P(a preferred to b)."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch
from safetensors.numpy import load_file

from training.data.conversation import Message
from training.data.framing import Framed, FramingCounts, Row, frame_all_for_reward
from training.losses.ensemble import cautious_reward
from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.embeddings import MEAN, EmbeddingCache, embed
from training.recipes.errors import ModelError, StopRequestedError
from training.recipes.framings import FramingCache
from training.recipes.gated_head import Basis, GatedHead
from training.recipes.layered import PROMPT_AND_LAYERS
from training.recipes.models import (
    load_classifier,
    load_encoder,
    load_tokenizer,
    place,
    weights_fingerprint,
)
from training.recipes.progress import Report, ShouldStop

CARD = "reward.json"
HEAD = "head.safetensors"
HEAD_VERSION = 2
MEMBERS = "members"


@dataclass(frozen=True)
class RewardCard:
    """What a published reward model needs besides weights.

    `base_fingerprint`: frozen only. `options`: of the head, for objectives but bradley_terry.
    """

    method: str
    base_model: str
    max_length: int
    prompt_tokens: int
    temperature: float
    base_fingerprint: str = ""
    objective: str = "bradley_terry"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def is_network(self) -> bool:
        """Whether it holds networks with one output, and no head apart from them."""
        pairs = self.objective == "bradley_terry"
        return pairs or (self.objective == "ensemble" and self.method == "finetune")

    def write(self, folder: Path) -> None:
        (folder / CARD).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


class RewardModel(ABC):
    """A loaded reward model; `score` frames, batches and applies the temperature."""

    def __init__(self, card: RewardCard, tokenizer: Any) -> None:
        self.card = card
        self.tokenizer = tokenizer
        self.framing = FramingCounts()

    def score(
        self,
        rows: Sequence[Row],
        *,
        batch_size: int = 32,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> list[float]:
        framed = self.frame(rows)
        for one in framed:
            self.framing.add(one)
        raw = self.raw_scores(framed, batch_size, report, should_stop)
        return [float(value) / self.card.temperature for value in raw]

    def score_sets(
        self, sets: Sequence[tuple[Sequence[Message], Sequence[str]]]
    ) -> list[list[float]]:
        """Scores of each prompt's responses: what a judge asks for."""
        scores = iter(self.score([(prompt, text) for prompt, texts in sets for text in texts]))
        return [[next(scores) for _ in texts] for _, texts in sets]

    def frame(self, rows: Sequence[Row]) -> list[Framed]:
        return frame_all_for_reward(
            self.tokenizer,
            rows,
            max_length=self.card.max_length,
            prompt_tokens=self.card.prompt_tokens,
        )

    @abstractmethod
    def raw_scores(
        self,
        framed: Sequence[Framed],
        batch_size: int,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        """[N] rewards before the temperature."""


class Scorer(Protocol):
    """Any published reward model: of two responses, sigmoid(difference) is P(first preferred)."""

    card: RewardCard

    def score_sets(
        self, sets: Sequence[tuple[Sequence[Message], Sequence[str]]]
    ) -> list[list[float]]: ...


class FinetunedRewardModel(RewardModel):
    def __init__(self, card: RewardCard, tokenizer: Any, model: Any) -> None:
        super().__init__(card, tokenizer)
        self.model = place(model).eval()

    @torch.inference_mode()
    def raw_scores(
        self,
        framed: Sequence[Framed],
        batch_size: int,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        scores = np.zeros(len(framed))
        plan = batches_by_length([len(one.ids) for one in framed], batch_size)
        for done, batch in enumerate(plan, start=1):
            ids = [framed[row].ids for row in batch]
            where = runtime.device()
            logits = self.model(
                input_ids=pad_right(ids, self.tokenizer.pad_token_id).to(where),
                attention_mask=attention_mask(ids).to(where),
            ).logits
            scores[batch] = logits.squeeze(-1).float().cpu().numpy()
            if report:
                report({"event": "scoring", "batch": done, "batches": len(plan)})
            if should_stop and should_stop():
                raise StopRequestedError(f"stopped after scoring {done} of {len(plan)} batches")
        return scores


class FinetunedEnsemble(RewardModel):
    """score = mean - penalty x standard deviation over members, each from its texts' mean.

    offset_M: each member's mean reward of the training texts. Holds all members in memory.
    """

    def __init__(
        self, card: RewardCard, tokenizer: Any, models: Sequence[Any], offset_M: Sequence[float]
    ) -> None:
        super().__init__(card, tokenizer)
        self.members = [FinetunedRewardModel(card, tokenizer, model) for model in models]
        self.offset_M = np.array(offset_M)

    def member_scores(
        self,
        framed: Sequence[Framed],
        batch_size: int,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        """[M, N] rewards of each member."""
        found = [one.raw_scores(framed, batch_size, report, should_stop) for one in self.members]
        return np.stack(found) - self.offset_M[:, None]

    def raw_scores(
        self,
        framed: Sequence[Framed],
        batch_size: int,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        scores_MN = self.member_scores(framed, batch_size, report, should_stop)
        penalty = self.card.options["penalty"]
        return cautious_reward(torch.from_numpy(scores_MN), penalty=penalty).numpy()


@dataclass(frozen=True)
class MeanHead:
    """The first version's: linear in the mean of the last layer. No longer trained, still read."""

    coefficients_D: np.ndarray
    offset: float

    def rewards(self, features_ND: np.ndarray) -> np.ndarray:
        """[N], before the temperature."""
        rewards_N: np.ndarray = features_ND.astype(np.float64) @ self.coefficients_D + self.offset
        return rewards_N


FrozenHead = MeanHead | GatedHead


def head_arrays(head: GatedHead) -> dict[str, np.ndarray]:
    """What HEAD holds of it; contiguous, as its format wants them."""
    arrays = {
        "version": np.array([HEAD_VERSION]),
        "coefficients": head.coefficients_F,
        "offset": np.array([head.offset]),
        **vars(head.basis),
    }
    return {name: np.ascontiguousarray(values) for name, values in arrays.items()}


def read_head(folder: Path) -> FrozenHead:
    """Raises ModelError for a head of a later version than this code knows."""
    arrays = load_file(folder / HEAD)
    version = int(arrays.pop("version", [1])[0])
    if version > HEAD_VERSION:
        raise ModelError(
            f"The head in {folder} is of version {version}; this Tandem reads versions up to "
            f"{HEAD_VERSION}. Update Tandem, or train it again."
        )
    coefficients_F, offset = arrays.pop("coefficients"), float(arrays.pop("offset")[0])
    if version == 1:
        return MeanHead(coefficients_F.astype(np.float64), offset)
    return GatedHead(Basis(**arrays), coefficients_F, offset)


class FrozenRewardModel(RewardModel):
    def __init__(
        self,
        card: RewardCard,
        tokenizer: Any,
        encoder: Any,
        head: FrozenHead,
        cache: EmbeddingCache | None = None,
        framings: FramingCache | None = None,
    ) -> None:
        super().__init__(card, tokenizer)
        self.cache = cache
        self.framings = framings
        self.encoder = place(encoder).eval()
        self.head = head

    def frame(self, rows: Sequence[Row]) -> list[Framed]:
        return self.framings.frame(rows) if self.framings else super().frame(rows)

    def raw_scores(
        self,
        framed: Sequence[Framed],
        batch_size: int,
        report: Report | None = None,
        should_stop: ShouldStop | None = None,
    ) -> np.ndarray:
        if not framed:
            return np.zeros(0)
        features_ND = embed(
            self.encoder,
            framed,
            pad_id=self.tokenizer.pad_token_id,
            batch_size=batch_size,
            pool=MEAN if isinstance(self.head, MeanHead) else PROMPT_AND_LAYERS,
            cache=self.cache,
            report=report,
            should_stop=should_stop,
        )
        return self.head.rewards(features_ND)


def read_card(folder: Path) -> RewardCard:
    """Raises ModelError for a folder that is no published reward model."""
    if not (folder / CARD).is_file():
        raise ModelError(f"{folder} holds no {CARD}, so it is not a published reward model.")
    return RewardCard(**json.loads((folder / CARD).read_text(encoding="utf-8")))


def require_same_base(card: RewardCard, folder: Path) -> None:
    """Raises ModelError when the encoder is no longer the one that the head was fitted on."""
    if weights_fingerprint(card.base_model) != card.base_fingerprint:
        raise ModelError(
            f"The head in {folder} was fitted on other weights of {card.base_model} than the ones "
            "on this machine; train it again."
        )


def load_reward_model(folder: Path | str) -> RewardModel:
    """Read a folder that `train_reward_model` published.

    Raises ModelError when it is not one, or when the encoder under a frozen head has changed.
    """
    folder = Path(folder)
    card = read_card(folder)
    if not card.is_network:
        raise ModelError(
            f"{folder} holds a model of objective {card.objective}, which scores responses in "
            "sets; read it with load_scorer."
        )
    if card.objective == "ensemble":
        tokenizer = load_tokenizer(str(folder))
        paths = [folder / MEMBERS / str(number) for number in range(card.options["members"])]
        models = [load_classifier(str(path), tokenizer) for path in paths]
        return FinetunedEnsemble(card, tokenizer, models, card.options["offsets"])
    if card.method == "finetune":
        tokenizer = load_tokenizer(str(folder))
        return FinetunedRewardModel(card, tokenizer, load_classifier(str(folder), tokenizer))
    require_same_base(card, folder)
    tokenizer, encoder = load_tokenizer(card.base_model), load_encoder(card.base_model)
    return FrozenRewardModel(card, tokenizer, encoder, read_head(folder))


def score_responses(
    model_dir: Path | str,
    rows: Sequence[Row],
    *,
    batch_size: int = 32,
    report: Report | None = None,
    should_stop: ShouldStop | None = None,
) -> list[float]:
    """Calibrated scores of (conversation, response) rows, in their order.

    Raises ModelError, or StopRequestedError between batches.
    """
    return load_reward_model(model_dir).score(
        rows, batch_size=batch_size, report=report, should_stop=should_stop
    )
