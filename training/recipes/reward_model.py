"""Train a reward model: fine-tune a network, or fit a head on frozen embeddings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import numpy as np
from safetensors.numpy import save_file

from training.data.pairs import PairSplits, PreferencePair, read_splits
from training.evaluation.calibration import fit_temperature
from training.recipes import output, ranks
from training.recipes.config import RewardModelConfig
from training.recipes.embeddings import EmbeddingCache, embed
from training.recipes.ensemble import finetune_ensemble
from training.recipes.errors import StopRequestedError
from training.recipes.filters import filter_pairs
from training.recipes.framings import FramingCache
from training.recipes.gated_head import fit_gated_head
from training.recipes.head_model import train_head
from training.recipes.layered import PROMPT_AND_LAYERS
from training.recipes.linear_head import PreferenceRows
from training.recipes.models import (
    load_encoder,
    load_tokenizer,
    place,
    require_context,
    weights_fingerprint,
)
from training.recipes.pair_network import (
    MIN_CALIBRATION_ROWS,
    card_of,
    finetune_pairs,
    frame_pairs,
    report_data,
)
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult
from training.recipes.reward_figures import evaluate_reward_model
from training.recipes.score import HEAD, FrozenRewardModel, head_arrays
from training.recipes.tuned_head import finetune_head


def train_reward_model(
    config: RewardModelConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """Train, evaluate on the test rows and publish `output_dir/model` and `metrics.json`.

    A folder that already holds the finished run is returned as it is; a stopped one goes on.
    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    runtime.prepare_process(config)
    if config.objective != "bradley_terry":
        train = train_head if config.method == "frozen" else finetune_head
        if config.objective == "ensemble" and config.method == "finetune":
            train = finetune_ensemble
        return train(config, dataset_dir, output_dir, report, should_stop)
    splits = read_splits(dataset_dir, tie_rule=config.tie_rule)
    ranks.in_turn(lambda: output.claim(output_dir, config, dataset=splits.fingerprint))
    if finished := output.finished_run(output_dir):
        return finished
    tokenizer = load_tokenizer(config.base_model)
    # The encoder at hand: what the filters read is the last layer alone, and kept apart.
    reading = {} if config.method != "frozen" else {"encoder": config.base_model, **config.lengths}
    try:
        splits = ranks.in_turn(
            lambda: filter_pairs(
                config,
                splits,
                cache_path=_cache_path(config, output_dir),
                report=report,
                should_stop=should_stop,
                **reading,
            )
        )
    except StopRequestedError:
        return RecipeResult("stopped", 0, config.max_steps or 0)
    if config.method == "frozen":
        return _fit_frozen(config, splits, output_dir, tokenizer, report, should_stop)
    return finetune_pairs(config, splits, output_dir, tokenizer, report, should_stop)


def _fit_frozen(
    config: RewardModelConfig,
    splits: PairSplits,
    output_dir: Path,
    tokenizer: Any,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """One step: embed (cached), choose the prior by cross-validation over prompts, fit."""
    pairs = splits.train
    cache_path = _cache_path(config, output_dir)
    layers_path = cache_path.with_suffix(".layers.safetensors")
    framings = FramingCache(cache_path.with_suffix(".ids"), tokenizer, **config.lengths)
    framed = frame_pairs(tokenizer, config, pairs, framings)
    data_figures = report_data(report, splits, pairs, [], framed)
    encoder = place(load_encoder(config.base_model)).eval()
    require_context(encoder, config.max_length, config.base_model)
    runtime.apply({"precision": "fp32", "threads": runtime.resolve_threads(config, encoder)})
    fingerprint = weights_fingerprint(config.base_model)
    cache = EmbeddingCache(layers_path, encoder=fingerprint)
    try:
        features_ND = embed(
            encoder,
            [one for both in framed for one in both],
            pad_id=tokenizer.pad_token_id,
            batch_size=2 * config.batch_size,
            pool=PROMPT_AND_LAYERS,
            cache=cache,
            report=report,
            should_stop=should_stop,
        )
        rows = _preference_rows(config, pairs)
        found = fit_gated_head(
            features_ND,
            rows,
            [pair.prompt_id for pair in pairs],
            width=encoder.config.get_text_config().hidden_size,
            seed=config.seed,
            l2=config.l2,
        )
        temperature, used = _cross_validated_temperature(rows, found.gap_N)

        card = card_of(config, temperature=1.0, fingerprint=fingerprint)
        scorer = FrozenRewardModel(card, tokenizer, encoder, found.head, cache, framings)
        figures = evaluate_reward_model(
            scorer,
            splits,
            temperature=temperature,
            output_dir=output_dir,
            batch_size=2 * config.batch_size,
            report=report,
            should_stop=should_stop,
        )
    except StopRequestedError:
        return RecipeResult("stopped", 0, 1)
    finally:
        framings.save()

    def write(folder: Path) -> None:
        save_file(head_arrays(found.head), folder / HEAD)
        card_of(config, temperature=temperature, fingerprint=fingerprint).write(folder)

    metrics = {
        "recipe": "reward_model",
        "method": "frozen",
        "steps": 1,
        "data": data_figures,
        "head": "gated" if found.head.gated else "linear",
        "l2": found.l2,
        "cross_validated_log_loss_by_l2": {
            name: {str(key): value for key, value in losses.items()}
            for name, losses in found.losses.items()
        },
        "temperature_rows": used,
        "test": figures,
        "history": [],
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def _cache_path(config: RewardModelConfig, output_dir: Path) -> Path:
    return Path(config.embedding_cache or output_dir / "embeddings.safetensors")


def _cross_validated_temperature(rows: PreferenceRows, gap_N: np.ndarray) -> tuple[float, int]:
    """Temperature from out-of-fold differences, so no row has to be kept from the head."""
    decided = rows.target_N != 0.5
    if decided.sum() < MIN_CALIBRATION_ROWS:
        return 1.0, 0
    return fit_temperature(gap_N[decided]), int(decided.sum())


def _preference_rows(config: RewardModelConfig, pairs: Sequence[PreferencePair]) -> PreferenceRows:
    """Labels; the differences are of the head that reads them."""
    weights_N = np.array([pair.weight for pair in pairs])
    margins = [
        float(pair.margin or 0.0) if config.use_margin and not pair.tie else 0.0 for pair in pairs
    ]
    return PreferenceRows(
        gap_ND=np.zeros((len(pairs), 0)),
        target_N=np.array([pair.target for pair in pairs]),
        weight_N=weights_N / weights_N.mean(),
        margin_N=np.array(margins),
    )
