"""Fit a head on frozen embeddings for any objective, publish it, and score with it.

What `tuned_head` shares with it (the choice of the prior, the figures, the files) is here too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
from safetensors.torch import load_file, save_file

from training.data.pairs import PreferencePair, hold_out_prompts
from training.evaluation.calibration import (
    expected_calibration_error,
    fit_temperature,
    preference_log_loss,
)
from training.evaluation.preference import pairwise_accuracy
from training.recipes import output
from training.recipes.config import RewardModelConfig
from training.recipes.embeddings import EmbeddingCache
from training.recipes.errors import StopRequestedError
from training.recipes.heads.base import Head, ResponseSet
from training.recipes.heads.ensemble import EnsembleHead
from training.recipes.heads.features import Features
from training.recipes.heads.general_preference import GeneralPreferenceHead
from training.recipes.heads.multi_objective import MultiObjectiveHead
from training.recipes.heads.objectives.base import Examples, Objective
from training.recipes.heads.objectives.registry import OBJECTIVES
from training.recipes.heads.personal import GroupsHead, IdealPointHead, LatentHead, OfPeople
from training.recipes.heads.plackett_luce import LinearHead
from training.recipes.heads.segments import SpanHead, StepHead
from training.recipes.models import (
    load_encoder,
    load_tokenizer,
    place,
    require_context,
    weights_fingerprint,
)
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult
from training.recipes.reward_figures import figures_of_pairs
from training.recipes.score import (
    HEAD,
    RewardCard,
    Scorer,
    load_reward_model,
    read_card,
    require_same_base,
)
from training.recipes.scored import scored_pairs, write_test_scores

L2_GRID = (1.0, 10.0, 100.0, 1000.0, 10000.0, 100_000.0)
L2_OF_FEW = 10.0
PEOPLE = "people.json"
"""The annotators in the order of their places, kept with the run: the model itself names nobody."""
MIN_HELD_OUT = 10
"""Rows; below, the strength of the prior is the usual one and not chosen."""
MIN_CALIBRATION_ROWS = 30
"""Below this the temperature would say more about chance than about the model: it stays 1."""
PERSONAL = {"ideal_points": IdealPointHead, "latent": LatentHead, "groups": GroupsHead}
HEADS: dict[str, type[Head]] = {
    kind.objective: kind
    for kind in (
        LinearHead,
        SpanHead,
        StepHead,
        MultiObjectiveHead,
        GeneralPreferenceHead,
        EnsembleHead,
    )
}


class HeadModel:
    """A published head with its encoder. `score_sets` applies the temperature."""

    def __init__(self, card: RewardCard, head: Head, features: Features) -> None:
        self.card = card
        self.head = head
        self.features = features

    def score_sets(self, sets: Sequence[ResponseSet]) -> list[list[float]]:
        found = self.head.score_sets(sets, self.features)
        return [[score / self.card.temperature for score in scores] for scores in found]


def train_head(
    config: RewardModelConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """One step: embed (cached), choose the prior on held-out prompts, fit on all, evaluate.

    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    objective = OBJECTIVES[config.objective](config)
    examples = objective.read(dataset_dir)
    output.claim(output_dir, config, dataset=examples.fingerprint)
    if finished := output.finished_run(output_dir):
        return finished
    figures = data_figures(examples)
    report({"event": "data", **figures})
    fingerprint = weights_fingerprint(config.base_model)
    path = Path(config.embedding_cache or output_dir / "embeddings.safetensors")
    cache = EmbeddingCache(path, encoder=fingerprint)
    layers_cache = EmbeddingCache(path.with_suffix(".layers.safetensors"), encoder=fingerprint)
    features = load_features(
        config, cache=cache, layers_cache=layers_cache, report=report, should_stop=should_stop
    )
    runtime.apply(
        {"precision": "fp32", "threads": runtime.resolve_threads(config, features.encoder)}
    )
    try:
        choice = choose(objective, examples, features)
        head = objective.fit(examples.train, features, choice.l2)
        test = evaluate(objective, head, examples, features, choice, output_dir, report)
    except StopRequestedError:
        return RecipeResult("stopped", 0, 1)

    write_people(head, output_dir)

    def write(folder: Path) -> None:
        temperature = choice.serving_temperature
        card = card_of(config, head, temperature=temperature, fingerprint=fingerprint)
        write_head(head, card, folder)

    metrics = {
        "recipe": "reward_model",
        "objective": config.objective,
        "method": "frozen",
        "steps": 1,
        "data": {**figures, "framing": features.framing.as_dict()},
        "l2": choice.l2,
        "held_out_loss_by_l2": {str(key): value for key, value in choice.losses.items()},
        "temperature_rows": choice.temperature_rows,
        "test": test,
        "history": [],
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def data_figures(examples: Examples[Any]) -> dict[str, Any]:
    return {
        "train_rows": len(examples.train),
        "test_rows": len(examples.test),
        "dropped": examples.dropped,
    }


def card_of(
    config: RewardModelConfig, head: Head, *, temperature: float, fingerprint: str = ""
) -> RewardCard:
    return RewardCard(
        method=config.method,
        base_model=config.base_model,
        max_length=config.max_length,
        prompt_tokens=config.prompt_tokens,
        temperature=temperature,
        base_fingerprint=fingerprint,
        objective=config.objective,
        options=head.published_options,
    )


def write_head(head: Head, card: RewardCard, folder: Path) -> None:
    save_file({name: value.contiguous() for name, value in head.tensors.items()}, folder / HEAD)
    card.write(folder)


def write_people(head: Head, output_dir: Path) -> None:
    """Who stands in which place of a head of people; nothing for others."""
    if isinstance(head, OfPeople):
        output.write_json(output_dir / PEOPLE, head.options["people"])


def load_features(
    config: RewardModelConfig | RewardCard, *, encoder: str | None = None, **more: Any
) -> Features:
    """The encoder and what it is to read; `more` are the caches, `report` and
    `should_stop`.

    encoder: where it is, unless it is the base model itself.
    """
    name = encoder or config.base_model
    model = place(load_encoder(name)).eval()
    require_context(model, config.max_length, name)
    return Features(
        load_tokenizer(name),
        model,
        max_length=config.max_length,
        prompt_tokens=config.prompt_tokens,
        batch_size=32,
        at_ends=config.method == "finetune",
        **more,
    )


def kind_of(objective: str, options: Mapping[str, Any]) -> type[Head]:
    """The class of a head with these options."""
    return HEADS.get(objective) or PERSONAL[options["people_as"]]


def load_scorer(folder: Path | str) -> Scorer:
    """Any model that `train_reward_model` published. Raises ModelError."""
    folder = Path(folder)
    card = read_card(folder)
    if card.is_network:
        return load_reward_model(folder)
    head = kind_of(card.objective, card.options)(load_file(folder / HEAD), card.options)
    if card.method == "finetune":
        return HeadModel(card, head, load_features(card, encoder=str(folder)))
    require_same_base(card, folder)
    return HeadModel(card, head, load_features(card))


def score_and_forget(scorer: Scorer, sets: Sequence[ResponseSet]) -> list[list[float]]:
    """Scores, keeping no embedding in memory: for texts that do not come again."""
    found = scorer.score_sets(sets)
    if isinstance(scorer, HeadModel):
        scorer.features.forget()
    return found


@dataclass(frozen=True)
class Choice:
    """What prompts kept back decide: the strength of the prior with the losses of those tried, and
    the temperatures with the rows they were fitted on.

    `temperature`: of the head's logits, by person if it knows any. `serving_temperature`: of those
    that serving gives, which asks for nobody in particular; the same for all other heads.
    """

    l2: float
    losses: dict[float, float] = field(default_factory=dict)
    temperature: float = 1.0
    serving_temperature: float = 1.0
    temperature_rows: int = 0


def choose(objective: Objective[Any], examples: Examples[Any], features: Features) -> Choice:
    """Try heads of four fifths of the training prompts on the others.

    The head that is published is then fitted to all of them.
    """
    config = objective.config
    rest, held_out = hold_out_prompts(examples.train, fraction=0.2, seed=config.seed)
    if len(held_out) < MIN_HELD_OUT or not rest:
        return Choice(config.l2 or L2_OF_FEW)
    losses, heads = {}, {}
    for l2 in (config.l2,) if config.l2 else L2_GRID:
        heads[l2] = objective.fit(rest, features, l2)
        losses[l2] = objective.loss(heads[l2], held_out, features)
    if not all(map(isfinite, losses.values())):  # nothing among them says anything
        return Choice(config.l2 or L2_OF_FEW)
    best = min(losses, key=lambda l2: losses[l2])
    decided = [pair for pair in objective.pairs_of(held_out) if not pair.tie]
    if len(decided) < MIN_CALIBRATION_ROWS:
        return Choice(best, losses)
    known, serving = temperatures(heads[best], decided, features)
    return Choice(best, losses, known, serving, len(decided))


def temperatures(
    head: Head, decided: Sequence[PreferencePair], features: Features
) -> tuple[float, float]:
    """`temperature` and `serving_temperature` of a Choice, from pairs new to the head."""
    known = _temperature(head.pair_gaps(decided, features))
    if not isinstance(head, OfPeople):
        return known, known
    return known, _temperature(_serving_gaps(head, decided, features))


def _temperature(gaps: np.ndarray) -> float:
    """1 where every pair is right: nothing then tells how sure is too sure."""
    return 1.0 if (gaps > 0).all() else fit_temperature(gaps)


def evaluate(
    objective: Objective[Any],
    head: Head,
    examples: Examples[Any],
    features: Features,
    choice: Choice,
    output_dir: Path,
    report: Report,
) -> dict[str, Any]:
    """Figures of preferences, where there are some, and those of the objective itself.

    Writes `test_scores.jsonl` as serving would score: see scored.py.
    """
    found: dict[str, Any] = {"rows": 0}
    if examples.pairs is not None:
        chosen, rejected = _test_scores(head, examples.pairs.test, features)
        temperature = choice.temperature
        found = figures_of_pairs(
            examples.pairs, chosen, rejected, temperature=temperature, report=report
        )
    if examples.test:
        found |= objective.figures(head, examples.test, features)
    pairs = objective.test_pairs(examples)
    serving_N2 = _serving_scores(head, pairs, features) / choice.serving_temperature
    decided_N = np.array([not pair.tie for pair in pairs], dtype=bool)
    gap_N = serving_N2[decided_N, 0] - serving_N2[decided_N, 1]
    if examples.pairs is None and gap_N.size:
        found["pair_accuracy"] = pairwise_accuracy(gap_N).as_dict()
    if isinstance(head, OfPeople) and gap_N.size:
        found["log_loss_without_person"] = preference_log_loss(gap_N)
        found["ece_without_person"] = expected_calibration_error(gap_N)
        found["temperature_without_person"] = choice.serving_temperature
    decisions = objective.decisions(head, examples.test, features)
    rows = chain(scored_pairs(pairs, serving_N2[:, 0], serving_N2[:, 1]), decisions)
    write_test_scores(output_dir, rows)
    return found


def _serving_scores(head: Head, pairs: Sequence[PreferencePair], features: Features) -> np.ndarray:
    """[N, 2] scores of chosen and rejected for nobody in particular, before the temperature."""
    sets = [(pair.prompt, (pair.chosen, pair.rejected)) for pair in pairs]
    return np.array(head.score_sets(sets, features)).reshape(-1, 2)


def _serving_gaps(head: Head, pairs: Sequence[PreferencePair], features: Features) -> np.ndarray:
    scores_N2 = _serving_scores(head, pairs, features)
    return np.asarray(scores_N2[:, 0] - scores_N2[:, 1])


def _test_scores(
    head: Head, test: Sequence[PreferencePair], features: Features
) -> tuple[np.ndarray, np.ndarray]:
    """Scores whose differences are the head's logits of the pairs, by person if it knows any."""
    if not test:
        return np.zeros(0), np.zeros(0)
    scores_N2 = _serving_scores(head, test, features)
    shift_N = (head.pair_gaps(test, features) - (scores_N2[:, 0] - scores_N2[:, 1])) / 2
    return scores_N2[:, 0] + shift_N, scores_N2[:, 1] - shift_N
