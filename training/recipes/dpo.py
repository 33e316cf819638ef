"""Train a policy on preferences directly, of pairs, lists, votes or feedback in words, with LoRA or
in full."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from peft import TaskType
from transformers import Trainer, TrainingArguments

from training.data.framing import Framed, count_framing
from training.data.pairs import PairSplits, read_splits
from training.recipes import output, ranks
from training.recipes.dpo_config import DpoConfig
from training.recipes.dpo_evaluation import evaluate_policy
from training.recipes.dpo_trainer import pair_trainer
from training.recipes.errors import StopRequestedError
from training.recipes.feedback_rows import FeedbackSplits, feedback_dataset, read_feedback
from training.recipes.feedback_trainer import FeedbackCollator, FeedbackTrainer
from training.recipes.filters import filter_pairs, without_displacing
from training.recipes.group_data import (
    GroupSplits,
    list_dataset,
    read_groups,
    vote_dataset,
)
from training.recipes.group_trainer import GroupCollator, GroupPolicyTrainer, with_reference
from training.recipes.lean_network import lighten
from training.recipes.looks import plan_looks
from training.recipes.loop import add_lora, make_callback, train_or_resume, trainer_arguments
from training.recipes.memory import before_the_first_step
from training.recipes.models import (
    load_causal_lm,
    load_tokenizer,
    place,
    require_context,
    weights_fingerprint,
)
from training.recipes.order import count_steps, plan_curriculum, plan_order
from training.recipes.own_pairs import require_root, with_own_pairs
from training.recipes.own_samples import with_own_samples
from training.recipes.phrases import end_prompts_with, forget_phrase
from training.recipes.play import frame_prompts, play_trainer, with_judge
from training.recipes.policy_looks import watch_policy
from training.recipes.policy_rows import Splits, frame_rows
from training.recipes.progress import ProgressCallback, Report, ShouldStop
from training.recipes.result import RecipeResult
from training.recipes.shared_prompts import worth_sharing
from training.recipes.wins import WinJudge


def train_dpo(
    config: DpoConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    *,
    root_model: str | None = "",
    judge: WinJudge | None = None,
) -> RecipeResult:
    """Train, evaluate and publish `output_dir/model` (merged weights), `adapter` with LoRA, and
    `metrics.json`.

    root_model: what the first policy of this one's line started from, against which the implicit
    rewards of `test_scores.jsonl` count, so that those of one line have one zero; losses and pairs
    of self-play read it too. Empty: the same as `base_model`; None: it is gone, and no such rewards
    are written.
    judge: a reward model that compares what the policy and its base write to held-out prompts.

    A folder that already holds the finished run is returned as it is; a stopped one goes on.
    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    runtime.prepare_process(config)
    if config.chosen_loss.line or config.chosen_loss.takes == "play":
        require_root(root_model, f"DpoConfig.loss is {config.loss!r}")
    splits = _read(config, dataset_dir)
    dataset = f"{splits.fingerprint}:{weights_fingerprint(config.base_model)}"
    ranks.in_turn(lambda: output.claim(output_dir, config, dataset=dataset))
    if finished := output.finished_run(output_dir):
        return finished
    tokenizer = load_tokenizer(config.base_model)
    if config.chosen_loss.takes == "texts":
        forget_phrase(tokenizer)  # of the policy it goes on from: its texts bring their own
    try:
        splits, framed = ranks.in_turn(
            lambda: _filtered(
                config, splits, tokenizer, output_dir, report, should_stop, root_model
            )
        )
    except StopRequestedError:
        return RecipeResult("stopped", 0, config.max_steps or 0)
    data_figures = {
        "train_rows": len(splits.train),
        "test_rows": len(splits.test),
        "dropped": splits.dropped,
        **({"filters": splits.filtered} if isinstance(splits, PairSplits) else {}),
        "framing": count_framing(one for both in framed for one in both).as_dict(),
    }
    report({"event": "data", **data_figures})
    try:
        trainer, callback = _make_trainer(
            config, splits, framed, tokenizer, output_dir, report, should_stop, root_model or ""
        )
        status = train_or_resume(trainer, callback, output_dir)
        step, max_steps = trainer.state.global_step, trainer.args.max_steps
        if status == "stopped" or not ranks.is_first():
            return RecipeResult(status, step, max_steps)
    except StopRequestedError:
        return RecipeResult("stopped", 0, config.max_steps or 0)
    try:
        rows = 2 * trainer.args.per_device_train_batch_size
        figures = evaluate_policy(
            config,
            splits,
            tokenizer,
            trainer.model,
            rows,
            should_stop,
            output_dir=output_dir,
            root_model=root_model,
            judge=judge,
        )
    except StopRequestedError:
        return RecipeResult("stopped", step, max_steps)
    report({"event": "evaluated", "metrics": figures})
    metrics = {
        "recipe": "dpo",
        "steps": max_steps,
        **output.keep_settled(output_dir, {}),
        "data": data_figures,
        "test": figures,
        "history": callback.history,
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    model = _merged(config, trainer.model, output_dir)
    if config.chosen_loss.takes == "texts":
        end_prompts_with(tokenizer, config.good_phrase)

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

    return output.publish(output_dir, write, metrics, report)


def _read(config: DpoConfig, dataset_dir: Path) -> Splits:
    loss = config.chosen_loss
    if loss.of_feedback:
        return read_feedback(dataset_dir, config)
    if loss.of_judgements:
        return read_groups(dataset_dir, takes=loss.takes, depth=config.ranking_depth)
    splits = read_splits(dataset_dir, tie_rule=config.tie_rule)
    weights = {pair.weight for pair in splits.train}
    config.require(
        "loss",
        len(weights) < 2 or loss.by_row,
        "one that weighs single pairs, or the selection without weights: these weigh from {least} "
        "to {most}, and it compares whole batches",
        least=min(weights, default=1.0),
        most=max(weights, default=1.0),
    )
    unknown = sum(pair.margin is None and not pair.tie for pair in splits.train)
    config.require(
        "curriculum_stages",
        not unknown or config.curriculum_stages == 1,
        "1, or the selection one of preferences with a strength: {unknown} of {count} pairs say "
        "nothing of how clear they are",
        unknown=unknown,
        count=len(splits.train),
    )
    return splits


def _filtered(
    config: DpoConfig,
    splits: Splits,
    tokenizer: Any,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    root_model: str | None,
) -> tuple[Splits, list[tuple[Framed, ...]]]:
    """The training rows that the filters leave, as they are and framed; of play the prompts."""
    if not isinstance(splits, PairSplits):
        framed = frame_rows(tokenizer, config, splits.train)
        if config.chosen_loss.takes == "negatives":
            framed = with_own_samples(config, framed, tokenizer, should_stop)
        return splits, framed
    cache = output_dir / "embeddings.safetensors"
    found = filter_pairs(config, splits, cache_path=cache, report=report, should_stop=should_stop)
    if config.chosen_loss.takes == "play":
        found = with_judge(config, found, cache_path=cache, report=report, should_stop=should_stop)
        return found, frame_prompts(tokenizer, config, found.train)
    found = with_own_pairs(
        config,
        found,
        tokenizer,
        cache_path=cache,
        report=report,
        should_stop=should_stop,
        root_model=root_model,
    )
    return without_displacing(
        found,
        frame_rows(tokenizer, config, found.train),
        share=config.displacing_share,
        base_model=config.base_model,
        pad_id=tokenizer.pad_token_id,
        batch_size=2 * config.batch_size,
        should_stop=should_stop,
    )


def _make_trainer(
    config: DpoConfig,
    splits: Splits,
    framed: Sequence[tuple[Framed, ...]],
    tokenizer: Any,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
    root_model: str = "",
) -> tuple[Trainer, ProgressCallback]:
    model = load_causal_lm(config.base_model)
    require_context(model, config.max_length, config.base_model)
    chosen = {
        **runtime.settle(config, model),
        "shared_prompts": config.chosen_loss.takes == "pairs" and worth_sharing(model, framed),
    }
    settled = runtime.apply(ranks.in_turn(lambda: output.keep_settled(output_dir, chosen)))
    shared = settled.get("shared_prompts", False)
    lighten(model, precision=settled["precision"])
    if config.lora:
        model = add_lora(model, rank=config.lora_rank, task=TaskType.CAUSAL_LM)
    max_steps = count_steps(
        len(framed),
        batch_size=config.batch_size,
        accumulation=config.gradient_accumulation,
        epochs=config.epochs,
        max_steps=config.max_steps,
    )
    callback = make_callback(config, report, should_stop)
    order = _plan(config, splits, framed, max_steps, shared=shared)
    arguments = trainer_arguments(
        config, output_dir, precision=settled["precision"], max_steps=max_steps
    )
    make: Any = partial(pair_trainer, root_model=root_model, shared=shared)
    if config.chosen_loss.of_judgements:
        make = _feedback_trainer if config.chosen_loss.of_feedback else _group_trainer
    elif config.chosen_loss.takes == "play":
        make = partial(play_trainer, root_model=root_model)
    rows = 2 * arguments["per_device_train_batch_size"]  # without gradients there is more room
    with before_the_first_step(rows):
        trainer = make(
            config,
            splits,
            framed,
            arguments,
            pad_id=tokenizer.pad_token_id,
            reference_rows=rows,
            should_stop=should_stop,
            model=model,
            processing_class=tokenizer,
            callbacks=[callback],
            order=order,
        )
        watch_policy(
            trainer,
            config,
            splits,
            tokenizer,
            plan_looks(config, max_steps),
            callback,
            batch_size=arguments["per_device_train_batch_size"],
            root_model=root_model,
        )
    return trainer, callback


def _plan(
    config: DpoConfig,
    splits: Splits,
    framed: Sequence[tuple[Framed, ...]],
    max_steps: int,
    *,
    shared: bool,
) -> list[int]:
    lengths = [
        sum(len(one.ids) for one in group) - shared * len(group[0].prompt_ids) for group in framed
    ]
    plan = {
        "batch_size": config.batch_size,
        "total": max_steps * config.batch_size * config.gradient_accumulation,
        "seed": config.seed,
    }
    if config.curriculum_stages == 1:
        return plan_order(lengths, **plan)
    ease = [0.0 if pair.tie else pair.margin for pair in splits.train]
    return plan_curriculum(lengths, ease, stages=config.curriculum_stages, **plan)


def _group_trainer(
    config: DpoConfig,
    splits: GroupSplits,
    framed: Sequence[tuple[Framed, ...]],
    arguments: dict[str, Any],
    *,
    pad_id: int,
    reference_rows: int,
    should_stop: ShouldStop,
    model: Any,
    **more: Any,
) -> GroupPolicyTrainer:
    if config.chosen_loss.takes == "lists":
        dataset = list_dataset(splits.train, framed)
    else:
        dataset = vote_dataset(splits.train, framed, seed=config.seed)
    dataset = with_reference(
        place(model),
        dataset,
        pad_id=pad_id,
        batch_size=reference_rows,
        should_stop=_agreed(should_stop),
    )
    return GroupPolicyTrainer(
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=dataset,
        data_collator=GroupCollator(pad_id),
        config=config,
        model=model,
        **more,
    )


def _agreed(should_stop: ShouldStop) -> ShouldStop:
    """Each of several processes reads all rows, batch by batch, and stops where the others do."""
    return lambda: ranks.agree(should_stop())


def _feedback_trainer(
    config: DpoConfig,
    splits: FeedbackSplits,
    framed: Sequence[tuple[Framed, ...]],
    arguments: dict[str, Any],
    *,
    pad_id: int,
    reference_rows: int,
    should_stop: ShouldStop,
    model: Any,
    **more: Any,
) -> FeedbackTrainer:
    dataset = feedback_dataset(splits.train, framed)
    if config.chosen_loss.reference:
        dataset = with_reference(
            place(model),
            dataset,
            pad_id=pad_id,
            batch_size=reference_rows,
            should_stop=_agreed(should_stop),
        )
    return FeedbackTrainer(
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=dataset,
        data_collator=FeedbackCollator(pad_id),
        config=config,
        model=model,
        **more,
    )


def _merged(config: DpoConfig, model: Any, output_dir: Path) -> Any:
    """The model as a plain causal LM. With LoRA its adapter is published before it is merged."""
    if not config.lora:
        return model
    output.publish_folder(output_dir / "adapter", model.save_pretrained)
    return model.merge_and_unload()
