"""Fine-tune a network with one output, the reward, on pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import transformers
from peft import TaskType
from trl import RewardConfig

from training.data.framing import Framed, count_framing, frame_all_for_reward
from training.data.pairs import PairSplits, PreferencePair, hold_out_prompts
from training.evaluation.calibration import fit_temperature
from training.recipes import output, ranks
from training.recipes.config import RewardModelConfig
from training.recipes.errors import StopRequestedError
from training.recipes.framings import FramingCache
from training.recipes.lean_network import lighten
from training.recipes.looks import HeldOutLooks, plan_looks, watch
from training.recipes.loop import add_lora, make_callback, train_or_resume, trainer_arguments
from training.recipes.models import load_classifier, require_context
from training.recipes.order import count_steps, plan_order
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult
from training.recipes.reward_figures import evaluate_reward_model
from training.recipes.reward_trainer import (
    WeightedPreferenceCollator,
    WeightedRewardTrainer,
    reward_dataset,
)
from training.recipes.score import FinetunedRewardModel, RewardCard, RewardModel

MIN_CALIBRATION_ROWS = 30
"""Below this the temperature would say more about chance than about the model: it stays 1."""


def finetune_pairs(
    config: RewardModelConfig,
    splits: PairSplits,
    output_dir: Path,
    tokenizer: Any,
    report: Report,
    should_stop: ShouldStop,
    *,
    initial_seed: int | None = None,
    watched: Sequence[PreferencePair] | None = None,
) -> RecipeResult:
    """Train, evaluate and publish, in a claimed folder.

    initial_seed: of the new head's weights; the configuration's seed unless given.
    watched: held-out pairs to look at while training; the test pairs unless given.
    """
    pairs, held_out = calibration_split(config, splits)
    framed = frame_pairs(tokenizer, config, pairs)
    data_figures = report_data(report, splits, pairs, held_out, framed)
    transformers.set_seed(config.seed if initial_seed is None else initial_seed)
    model = load_classifier(config.base_model, tokenizer)
    require_context(model, config.max_length, config.base_model)
    chosen = runtime.settle(config, model)
    settled = runtime.apply(ranks.in_turn(lambda: output.keep_settled(output_dir, chosen)))
    lighten(model, precision=settled["precision"])
    if config.lora:
        model = add_lora(model, rank=config.lora_rank, task=TaskType.SEQ_CLS)

    rows_per_step = config.batch_size * config.gradient_accumulation
    max_steps = count_steps(
        len(pairs),
        batch_size=config.batch_size,
        accumulation=config.gradient_accumulation,
        epochs=config.epochs,
        max_steps=config.max_steps,
    )
    callback = make_callback(config, report, should_stop)
    trainer = WeightedRewardTrainer(
        model=model,
        args=RewardConfig(
            **trainer_arguments(
                config, output_dir, precision=settled["precision"], max_steps=max_steps
            ),
            max_length=None,
            pad_to_multiple_of=None,
            center_rewards_coefficient=config.center_coefficient or None,
        ),
        train_dataset=reward_dataset(pairs, framed, use_margin=config.use_margin),
        data_collator=WeightedPreferenceCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[callback],
        order=plan_order(
            [len(chosen.ids) + len(rejected.ids) for chosen, rejected in framed],
            batch_size=config.batch_size,
            total=max_steps * rows_per_step,
            seed=config.seed,
        ),
    )
    plan = plan_looks(config, max_steps)
    test = splits.test if watched is None else watched
    seen = plan.choose([pair for pair in test if not pair.tie], seed=config.seed)
    if seen:
        framed_seen = frame_pairs(tokenizer, config, seen)
        rows = reward_dataset(seen, framed_seen, use_margin=config.use_margin)
        looks = HeldOutLooks(trainer, rows, plan=plan, seed=config.seed, progress=callback)
        watch(trainer, looks)
    status = train_or_resume(trainer, callback, output_dir)
    if status == "stopped" or not ranks.is_first():
        return RecipeResult(status, trainer.state.global_step, max_steps)

    network = trainer.model.merge_and_unload() if config.lora else trainer.model
    scorer = FinetunedRewardModel(card_of(config, temperature=1.0), tokenizer, network)
    batch_size = 2 * trainer.args.per_device_train_batch_size
    try:
        temperature, temperature_rows = held_out_temperature(
            config, scorer, held_out, batch_size, should_stop
        )
        figures = evaluate_reward_model(
            scorer,
            splits,
            temperature=temperature,
            output_dir=output_dir,
            batch_size=batch_size,
            report=report,
            should_stop=should_stop,
        )
    except StopRequestedError:
        return RecipeResult("stopped", trainer.state.global_step, max_steps)

    def write(folder: Path) -> None:
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        card_of(config, temperature=temperature).write(folder)

    metrics = {
        "recipe": "reward_model",
        "method": "finetune",
        "steps": max_steps,
        **settled,
        "data": data_figures,
        "temperature_rows": temperature_rows,
        "test": figures,
        "history": callback.history,
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def frame_pairs(
    tokenizer: Any,
    config: RewardModelConfig,
    pairs: Sequence[PreferencePair],
    kept: FramingCache | None = None,
) -> list[tuple[Framed, Framed]]:
    rows = [(pair.prompt, said) for pair in pairs for said in (pair.chosen, pair.rejected)]
    framed = kept.frame(rows) if kept else frame_all_for_reward(tokenizer, rows, **config.lengths)
    return list(zip(framed[::2], framed[1::2], strict=True))


def calibration_split(
    config: RewardModelConfig, splits: PairSplits
) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Training rows and rows kept back for the temperature; none when there would be too few."""
    rest, held_out = hold_out_prompts(
        splits.train, fraction=config.calibration_fraction, seed=config.seed
    )
    enough = sum(not pair.tie for pair in held_out) >= MIN_CALIBRATION_ROWS and rest
    return (rest, held_out) if enough else (splits.train, [])


def held_out_temperature(
    config: RewardModelConfig,
    scorer: RewardModel,
    held_out: Sequence[PreferencePair],
    batch_size: int,
    should_stop: ShouldStop,
) -> tuple[float, int]:
    decided = [pair for pair in held_out if not pair.tie]
    if not decided:
        return 1.0, 0
    framed = [one for both in frame_pairs(scorer.tokenizer, config, decided) for one in both]
    scores = scorer.raw_scores(framed, batch_size, should_stop=should_stop)
    return fit_temperature(scores[::2] - scores[1::2]), len(decided)


def card_of(config: RewardModelConfig, *, temperature: float, fingerprint: str = "") -> RewardCard:
    return RewardCard(
        method=config.method,
        base_model=config.base_model,
        max_length=config.max_length,
        prompt_tokens=config.prompt_tokens,
        temperature=temperature,
        base_fingerprint=fingerprint,
    )


def report_data(
    report: Report,
    splits: PairSplits,
    pairs: Sequence[PreferencePair],
    held_out: Sequence[PreferencePair],
    framed: Sequence[tuple[Framed, Framed]],
) -> dict[str, Any]:
    figures = {
        "train_rows": len(pairs),
        "calibration_rows": len(held_out),
        "test_rows": len(splits.test),
        "dropped": splits.dropped,
        "filters": splits.filtered,
        "framing": count_framing(one for both in framed for one in both).as_dict(),
    }
    report({"event": "data", **figures})
    return figures
