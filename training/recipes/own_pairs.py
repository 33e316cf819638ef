"""Pairs among a policy's own samples, judged by a reward model that learned from people's pairs.

One step of iterative DPO, of RSO, or with anchored rejections: the reward model is a linear head
on a small encoder's embeddings, fitted within the run to the same training pairs; held-out rows
stay people's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np

from training.data.framing import frame_all_for_reward, prompt_token_ids
from training.data.online import anchored_pair, best_and_worst, rejection_sample
from training.data.pairs import PairSplits, PreferencePair, distinct_prompts
from training.evaluation.preference import pairwise_accuracy
from training.recipes.dpo_config import DpoConfig
from training.recipes.embeddings import EmbeddingCache, embed
from training.recipes.errors import ConfigError, DatasetError
from training.recipes.linear_head import (
    PreferenceRows,
    choose_l2,
    fit_linear_bradley_terry,
)
from training.recipes.models import (
    BUNDLED,
    load_causal_lm,
    load_encoder,
    load_tokenizer,
    place,
    weights_fingerprint,
)
from training.recipes.progress import Report, ShouldStop
from training.recipes.sampling import has_ended, sample_token_ids

Prompt = tuple[dict[str, str], ...]
FOLDS = 5
LENGTHS = {"max_length": 256, "prompt_tokens": 96}


@dataclass(frozen=True)
class Said:
    """A sample, its score, and whether it was cut off at its longest length."""

    text: str
    cut_off: bool
    score: float = 0.0


class PairJudge:
    """A reward model of texts. `accuracy`: on people's pairs, by heads that saw other prompts."""

    def __init__(
        self,
        pairs: Sequence[PreferencePair],
        *,
        seed: int,
        encoder: str = BUNDLED,
        **embedding: Any,
    ) -> None:
        """`embedding`: `cache_path`, `report` and `should_stop`."""
        self.tokenizer = load_tokenizer(encoder)
        self.encoder = place(load_encoder(encoder)).eval()
        path = embedding.pop("cache_path")
        self.embedding = {
            **embedding,
            "cache": EmbeddingCache(path, encoder=weights_fingerprint(encoder)),
        }
        features_ND = self._embed(
            [(pair.prompt, said) for pair in pairs for said in (pair.chosen, pair.rejected)]
        )
        gap_ND = features_ND[::2] - features_ND[1::2]
        scale = float(np.std(gap_ND)) or 1.0
        rows = PreferenceRows(
            gap_ND=gap_ND / scale,
            target_N=np.array([pair.target for pair in pairs]),
            weight_N=np.array([pair.weight for pair in pairs]),
            margin_N=np.zeros(len(pairs)),
        )
        groups = [pair.prompt_id for pair in pairs]
        chosen = choose_l2(rows, groups, folds=FOLDS, seed=seed)
        decided = [not pair.tie for pair in pairs]
        self.accuracy = pairwise_accuracy(chosen.gap_N[decided]).value
        self.coefficients_D = fit_linear_bradley_terry(rows, l2=chosen.l2) / scale

    def scores(self, texts: Sequence[tuple[Prompt, str]]) -> np.ndarray:
        """[N] rewards, comparable among responses to one prompt; differences are logits."""
        scores: np.ndarray = self._embed(texts) @ self.coefficients_D
        return scores

    def scores_in_passing(self, texts: Sequence[tuple[Prompt, str]]) -> np.ndarray:
        """As `scores`, of texts that are not seen again: nothing is kept, said or stopped."""
        quiet = {"cache": None, "report": None, "should_stop": None}
        scores: np.ndarray = self._embed(texts, **quiet) @ self.coefficients_D
        return scores

    def _embed(self, texts: Sequence[tuple[Prompt, str]], **other: Any) -> np.ndarray:
        framed = frame_all_for_reward(self.tokenizer, texts, **LENGTHS)
        options = {"pad_id": self.tokenizer.pad_token_id, "batch_size": 32, **self.embedding}
        return embed(self.encoder, framed, **{**options, **other}).astype(np.float64)


def with_own_pairs(
    config: DpoConfig,
    splits: PairSplits,
    tokenizer: Any,
    *,
    cache_path: Path,
    report: Report,
    should_stop: ShouldStop,
    root_model: str | None = "",
    encoder: str = BUNDLED,
) -> PairSplits:
    """The splits with pairs of the base's own samples to train on, in place of people's.

    root_model: what the base's line of policies began with; empty: the base itself; None: it is
    gone. Raises ConfigError if anchored rejections need one that is gone, DatasetError if no prompt
    gave two samples that are told apart; StopRequestedError.
    """
    if config.pairs_from == "people":
        return splits
    if config.pairs_from == "anchored":
        require_root(root_model, "DpoConfig.pairs_from is 'anchored'")
    judge = PairJudge(
        splits.train,
        seed=config.seed,
        encoder=encoder,
        cache_path=cache_path,
        report=report,
        should_stop=should_stop,
    )
    asked = distinct_prompts(splits.train)
    prompts = [pair.prompt for pair in asked]

    def scored(model: str) -> list[list[Said]]:
        drawn = _draw(config, model, prompts, tokenizer, should_stop)
        return _scored(judge, prompts, drawn)

    own_samples = scored(config.base_model)
    past = own_samples
    if config.pairs_from == "anchored" and root_model:
        past = scored(root_model)
    rng, train = Random(config.seed), []
    for one, own, old in zip(asked, own_samples, past, strict=True):
        for best, worst in choose_pairs(own, old, config, rng):
            train.append(
                PreferencePair(
                    id=len(train),
                    prompt_id=one.prompt_id,
                    prompt=one.prompt,
                    chosen=best.text,
                    rejected=worst.text,
                    margin=best.score - worst.score,
                    source="judge",
                    cut_off=(best.cut_off, worst.cut_off),
                )
            )
    if not train:
        raise DatasetError(
            f"{config.own_samples} samples each of {len(prompts)} prompts gave no two that differ. "
            "Raise own_samples or own_tokens, or set pairs_from to people."
        )
    figures = {
        "prompts": len(prompts),
        "samples": sum(map(len, own_samples)),
        "pairs": len(train),
        "judge_accuracy": judge.accuracy,
        "mean_margin": float(np.mean([pair.margin for pair in train])),
    }
    return replace(splits, train=train, filtered={**splits.filtered, "own_pairs": figures})


def require_root(root_model: str | None, because: str) -> None:
    """Raises ConfigError if the model that the policy's line began with is gone."""
    if root_model is None:
        raise ConfigError(
            f"{because}, and the model that this line of policies began with is gone. Start from "
            "the base model, or choose what needs the present policy alone."
        )


def choose_pairs(
    own: Sequence[Said], past: Sequence[Said], config: DpoConfig, rng: Random
) -> list[tuple[Said, Said]]:
    """(better, worse) among the samples of a prompt; `past`: those of the line's first model.

    best_worst: the two ends. anchored: the best against the worst of the past. rejection: half of
    the samples, as the policy that acceptance_beta calls for would have drawn them, in pairs by
    chance. Pairs of equal scores are left out.
    """
    scores = [one.score for one in own]
    if config.pairs_from == "best_worst":
        ends = best_and_worst(scores)
        return [(own[ends[0]], own[ends[1]])] if ends else []
    if config.pairs_from == "anchored":
        ends = anchored_pair(scores, [one.score for one in past])
        return [(own[ends[0]], past[ends[1]])] if ends else []
    count = 2 * max(1, len(scores) // 4)
    if len(scores) < count:
        return []
    kept = rejection_sample(scores, beta=config.acceptance_beta, count=count, rng=rng)
    rng.shuffle(kept)
    found = [
        sorted(two, key=lambda place: -scores[place])
        for two in zip(kept[::2], kept[1::2], strict=True)
    ]
    return [(own[best], own[worst]) for best, worst in found if scores[best] > scores[worst]]


def _scored(
    judge: PairJudge, prompts: Sequence[Prompt], drawn: Sequence[Sequence[Said]]
) -> list[list[Said]]:
    texts = [(p, said.text) for p, own in zip(prompts, drawn, strict=True) for said in own]
    scores = iter(judge.scores(texts).tolist() if texts else [])
    return [[replace(said, score=next(scores)) for said in own] for own in drawn]


def _draw(
    config: DpoConfig,
    name: str,
    prompts: Sequence[Prompt],
    tokenizer: Any,
    should_stop: ShouldStop,
) -> list[list[Said]]:
    """For each prompt the distinct texts among `own_samples` samples of the model `name`."""
    model = place(load_causal_lm(name))
    runtime.apply({"threads": runtime.resolve_threads(config, model)})
    ids = [prompt_token_ids(tokenizer, prompt)[-config.prompt_tokens :] for prompt in prompts]
    longest = min(config.own_tokens, config.max_length - config.prompt_tokens)
    drawn = sample_token_ids(
        model,
        tokenizer,
        [one for one in ids for _ in range(config.own_samples)],
        max_new_tokens=longest,
        temperature=1.0,
        top_p=1.0,
        seed=config.seed,
        batch_size=4 * config.batch_size,
        should_stop=should_stop,
    )
    samples = [
        Said(
            tokenizer.decode(new, skip_special_tokens=True).strip(),
            not has_ended(model, tokenizer, new, longest),
        )
        for new in drawn
    ]
    count = config.own_samples
    groups = [samples[start : start + count] for start in range(0, len(samples), count)]
    return [_distinct(group) for group in groups]


def _distinct(group: Sequence[Said]) -> list[Said]:
    """One for each text that says something; of equal texts one that came to an end, if any did."""
    found: dict[str, Said] = {}
    for one in group:
        if one.text and (one.text not in found or found[one.text].cut_off):
            found[one.text] = one
    return list(found.values())
