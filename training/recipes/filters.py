"""Filters of training pairs, with the models that they ask. What each did is counted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
import torch

from training.data import filters
from training.data.framing import Framed, frame_all_for_reward
from training.data.pairs import PairSplits, PreferencePair, distinct_prompts
from training.recipes.batches import attention_mask, batches_by_length, pad_right
from training.recipes.config import FilteredConfiguration
from training.recipes.embeddings import EmbeddingCache, embed
from training.recipes.errors import DatasetError, StopRequestedError
from training.recipes.linear_head import (
    PreferenceRows,
    choose_l2,
    out_of_fold_gaps,
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

FOLDS = 5
LEAST_PROMPTS = 10
"""Below this an ensemble that did not see a pair's prompt has seen next to nothing."""


def filter_pairs(
    config: FilteredConfiguration,
    splits: PairSplits,
    *,
    cache_path: Path,
    report: Report,
    should_stop: ShouldStop,
    encoder: str = BUNDLED,
    max_length: int = 256,
    prompt_tokens: int = 96,
) -> PairSplits:
    """The splits with fewer or other training pairs; `filtered` says what was done.

    Texts are read by `encoder`, once, into the cache; the ensemble is linear heads on what it says.
    Raises DatasetError for too few prompts, StopRequestedError.
    """
    if not config.filters:
        return splits
    pairs = splits.train
    prompts = len({pair.prompt_id for pair in pairs if not pair.tie})
    if prompts < LEAST_PROMPTS:
        raise DatasetError(
            f"Filters need preferences on at least {LEAST_PROMPTS} training prompts; there are "
            f"{prompts}. Set strength_rule to none and select_share to 1, or add judgements."
        )
    tokenizer = load_tokenizer(encoder)
    model = place(load_encoder(encoder)).eval()
    cache = EmbeddingCache(cache_path, encoder=weights_fingerprint(encoder))

    def vectors(texts: Sequence[tuple[Any, str]]) -> np.ndarray:
        framed = frame_all_for_reward(
            tokenizer, texts, max_length=max_length, prompt_tokens=prompt_tokens
        )
        return embed(
            model,
            framed,
            pad_id=tokenizer.pad_token_id,
            batch_size=32,
            cache=cache,
            report=report,
            should_stop=should_stop,
        ).astype(np.float64)

    both = [(pair.prompt, said) for pair in pairs for said in (pair.chosen, pair.rejected)]
    mean_N, deviation_N = ensemble_strength(
        pairs, vectors(both), members=config.strength_members, seed=config.seed
    )
    filtered: dict[str, Any] = {"strength": strength_figures(pairs, mean_N, deviation_N)}
    found, strength_N, counts = filters.by_strength(
        pairs, mean_N, rule=config.strength_rule, share=config.strength_share
    )
    dropped = {**splits.dropped}
    if config.strength_rule != "none":
        filtered["strength"] |= {"rule": config.strength_rule, **counts}
        if config.strength_rule == "drop":
            dropped["low_strength"] = counts.get("dropped", 0)
    if config.select_share < 1:
        kept = _selected(config, found, strength_N, vectors)
        dropped["not_selected"] = len(found) - len(kept)
        filtered["selection"] = {"kept": len(kept), "dropped": len(found) - len(kept)}
        found = kept
    _require_some(found, dropped)
    return replace(splits, train=found, dropped=dropped, filtered=filtered)


def ensemble_strength(
    pairs: Sequence[PreferencePair], features_ND: np.ndarray, *, members: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """[N] mean and deviation of the reward difference by `members` linear heads.

    features_ND: [2 N, D], chosen and rejected in turn. Each member has folds of its own, by prompt,
    and prompts drawn with replacement; a pair is judged by heads that never saw its prompt.
    """
    scale = float(np.std(features_ND[::2] - features_ND[1::2])) or 1.0
    rows = PreferenceRows(
        gap_ND=(features_ND[::2] - features_ND[1::2]) / scale,
        target_N=np.array([pair.target for pair in pairs]),
        weight_N=np.array([pair.weight for pair in pairs]),
        margin_N=np.zeros(len(pairs)),
    )
    groups = [pair.prompt_id for pair in pairs]
    l2 = choose_l2(rows, groups, seed=seed).l2
    names, place_N = np.unique(groups, return_inverse=True)
    gaps = []
    for member in range(members):
        drawn = np.random.default_rng([seed, member]).multinomial(
            len(names), np.full(len(names), 1 / len(names))
        )
        sample = replace(rows, weight_N=rows.weight_N * drawn[place_N])
        gaps.append(out_of_fold_gaps(sample, groups, l2=l2, folds=FOLDS, seed=seed + member))
    return filters.preference_strength(np.array(gaps))


def strength_figures(
    pairs: Sequence[PreferencePair], mean_N: np.ndarray, deviation_N: np.ndarray
) -> dict[str, float]:
    """How the ensemble sees the decided labels: who reads the counts can judge them by it."""
    decided = np.array([not pair.tie for pair in pairs])
    mean_N, deviation_N = mean_N[decided], deviation_N[decided]
    return {
        "agrees": float((mean_N > 0).mean()),
        "surely_disagrees": float((mean_N + 2 * deviation_N < 0).mean()),
        "mean": float(mean_N.mean()),
        "deviation": float(deviation_N.mean()),
    }


def _selected(
    config: FilteredConfiguration,
    pairs: Sequence[PreferencePair],
    margin_N: np.ndarray,
    vectors: Any,
) -> list[PreferencePair]:
    quality_N = np.array(
        [
            (filters.text_quality(pair.chosen) + filters.text_quality(pair.rejected)) / 2
            for pair in pairs
        ]
    )
    asked = [_ends_in(pair) for pair in distinct_prompts(pairs)]
    lonely = filters.loneliness(vectors([((), text) for _, text in asked]))
    lonely_of = dict(zip(asked, lonely.tolist(), strict=True))
    scores_N = filters.importance(
        margin_N,
        quality_N,
        np.array([lonely_of[_ends_in(pair)] for pair in pairs]),
        quality_weight=config.quality_weight,
        diversity_weight=config.diversity_weight,
    )
    kept = filters.without_highest(-scores_N, 1 - config.select_share)
    return [pairs[row] for row in kept]


def _ends_in(pair: PreferencePair) -> tuple[int, str]:
    """The prompt, and its last turn: with what its task states, if anything."""
    return pair.prompt_id, pair.prompt[-1]["content"]


def without_displacing(
    splits: PairSplits,
    framed: Sequence[tuple[Framed, ...]],
    *,
    share: float,
    base_model: str,
    pad_id: int,
    batch_size: int,
    should_stop: ShouldStop,
) -> tuple[PairSplits, list[tuple[Framed, ...]]]:
    """Splits and framed pairs without the `share` with the highest CHES scores under the base."""
    if share == 0:
        return splits, list(framed)
    model = place(load_causal_lm(base_model)).eval()
    flat = [one for pair in framed for one in pair]
    means = state_means(model, flat, pad_id=pad_id, batch_size=batch_size, should_stop=should_stop)
    scores_N = filters.displacement_scores(means[::2], means[1::2])
    kept = filters.without_highest(scores_N, share)
    train = [splits.train[row] for row in kept]
    gone = len(framed) - len(kept)
    dropped = {**splits.dropped, "displacing": gone}
    figures = {"dropped": gone, "highest_kept": float(scores_N[kept].max()) if len(kept) else None}
    _require_some(train, dropped)
    filtered = {**splits.filtered, "displacement": figures}
    found = replace(splits, train=train, dropped=dropped, filtered=filtered)
    return found, [framed[row] for row in kept]


@torch.inference_mode()
def state_means(
    model: Any,
    framed: Sequence[Framed],
    *,
    pad_id: int,
    batch_size: int,
    should_stop: ShouldStop,
) -> np.ndarray:
    """[N, D] means of the last layer's states from which each response's tokens are predicted."""
    found: np.ndarray | None = None
    for batch in batches_by_length([len(one.ids) for one in framed], batch_size):
        rows = [framed[row] for row in batch]
        ids = [one.ids for one in rows]
        inputs = pad_right(ids, pad_id).to(runtime.device())
        mask = attention_mask(ids).to(runtime.device())
        states_BLD = model(
            input_ids=inputs, attention_mask=mask, output_hidden_states=True
        ).hidden_states[-1]
        means = [
            states_BLD[place, len(one.prompt_ids) - 1 : len(one.ids) - 1].double().mean(0)
            for place, one in enumerate(rows)
        ]
        values = torch.stack(means).cpu().numpy()
        if found is None:
            found = np.zeros((len(framed), values.shape[1]))
        found[batch] = values
        if should_stop():
            raise StopRequestedError("stopped while looking for displacing pairs")
    return np.zeros((0, 1)) if found is None else found


def _require_some(pairs: Sequence[PreferencePair], dropped: dict[str, int]) -> None:
    if not any(not pair.tie for pair in pairs):
        raise DatasetError(
            f"No training pair with a preference is left after the filters dropped {dropped}. "
            "Lower strength_share or displacing_share, or raise select_share."
        )
