"""Train a policy on preference pairs directly, with LoRA or in full."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from peft import TaskType
from trl import DPOConfig

from training.data.framing import Framed, count_framing, frame_for_policy
from training.data.pairs import PairSplits, PreferencePair, read_splits
from training.losses.dpo import SOFT_TARGETS
from training.recipes import output
from training.recipes.config import DpoConfig
from training.recipes.dpo_trainer import (
    PairPolicyTrainer,
    WeightedPolicyCollator,
    preference_dataset,
)
from training.recipes.errors import ConfigError, StopRequestedError
from training.recipes.loop import add_lora, make_callback, train_or_resume, trainer_arguments
from training.recipes.models import (
    load_causal_lm,
    load_tokenizer,
    place,
    require_context,
    weights_fingerprint,
)
from training.recipes.order import count_steps, plan_order
from training.recipes.policy_figures import (
    AsReference,
    drift_figures,
    preference_figures,
    response_logps,
)
from training.recipes.progress import ProgressCallback, Report, ShouldStop
from training.recipes.result import RecipeResult


def train_dpo(
    config: DpoConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """Train, evaluate and publish `output_dir/model` (merged weights), `adapter` with LoRA, and
    `metrics.json`.

    A folder that already holds the finished run is returned as it is; a stopped one goes on.
    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    if config.tie_rule == "half" and config.loss not in SOFT_TARGETS:
        raise ConfigError(
            f"loss {config.loss} cannot learn from ties; use tie_rule drop, or one of the losses "
            f"{', '.join(sorted(SOFT_TARGETS))}."
        )
    runtime.prepare_process(config)
    splits = read_splits(dataset_dir, tie_rule=config.tie_rule)
    dataset = f"{splits.fingerprint}:{weights_fingerprint(config.base_model)}"
    output.claim(output_dir, config, dataset=dataset)
    if finished := output.finished_run(output_dir):
        return finished
    tokenizer = load_tokenizer(config.base_model)
    framed = frame_pairs(tokenizer, config, splits.train)
    data_figures = {
        "train_rows": len(splits.train),
        "test_rows": len(splits.test),
        "dropped": splits.dropped,
        "framing": count_framing(one for both in framed for one in both).as_dict(),
    }
    report({"event": "data", **data_figures})
    try:
        trainer, callback = _make_trainer(
            config, splits, framed, tokenizer, output_dir, report, should_stop
        )
        status = train_or_resume(trainer, callback, output_dir)
        step, max_steps = trainer.state.global_step, trainer.args.max_steps
        if status == "stopped":
            return RecipeResult(status, step, max_steps)
    except StopRequestedError:
        return RecipeResult("stopped", 0, config.max_steps or 0)
    try:
        figures = _evaluate(config, splits, tokenizer, trainer.model, should_stop)
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

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)

    return output.publish(output_dir, write, metrics, report)


def frame_pairs(
    tokenizer: Any, config: DpoConfig, pairs: Sequence[PreferencePair]
) -> list[tuple[Framed, Framed]]:
    def frame(pair: PreferencePair, response: str) -> Framed:
        return frame_for_policy(
            tokenizer,
            pair.prompt,
            response,
            max_length=config.max_length,
            prompt_tokens=config.prompt_tokens,
        )

    return [(frame(pair, pair.chosen), frame(pair, pair.rejected)) for pair in pairs]


def _make_trainer(
    config: DpoConfig,
    splits: PairSplits,
    framed: Sequence[tuple[Framed, Framed]],
    tokenizer: Any,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> tuple[PairPolicyTrainer, ProgressCallback]:
    """Reference log-probabilities are computed once, here, so no second model is kept."""
    model = load_causal_lm(config.base_model)
    require_context(model, config.max_length, config.base_model)
    settled = runtime.apply(output.keep_settled(output_dir, runtime.settle(config, model)))
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
    order = plan_order(
        [len(chosen.ids) + len(rejected.ids) for chosen, rejected in framed],
        batch_size=config.batch_size,
        total=max_steps * config.batch_size * config.gradient_accumulation,
        seed=config.seed,
    )
    trainer = PairPolicyTrainer(
        model=model,
        args=DPOConfig(
            **trainer_arguments(
                config, output_dir, precision=settled["precision"], max_steps=max_steps
            ),
            beta=config.beta,
            max_length=None,
            pad_to_multiple_of=None,
            precompute_ref_log_probs=True,
            precompute_ref_batch_size=2 * config.batch_size,
        ),
        train_dataset=preference_dataset(splits.train, framed),
        data_collator=WeightedPolicyCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        callbacks=[callback],
        config=config,
        order=order,
        should_stop=should_stop,
    )
    return trainer, callback


def _evaluate(
    config: DpoConfig,
    splits: PairSplits,
    tokenizer: Any,
    model: Any,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Figures on the decided test rows and on responses drawn for their prompts."""
    decided = [pair for pair in splits.test if not pair.tie]
    framed = frame_pairs(tokenizer, config, decided)
    flat = [one for both in framed for one in both]
    as_reference = _reference(config, model)
    options = {
        "pad_id": tokenizer.pad_token_id,
        "batch_size": 2 * config.batch_size,
        "should_stop": should_stop,
    }
    policy = response_logps(model, flat, **options)
    with as_reference() as reference:
        base = response_logps(reference, flat, **options)
    figures = preference_figures(policy[::2], policy[1::2], base[::2], base[1::2], beta=config.beta)
    prompts = {tuple(chosen.prompt_ids) for chosen, _ in framed}
    longest = config.max_length - 1
    drift = drift_figures(
        model,
        as_reference,
        tokenizer,
        [list(ids)[-longest:] for ids in sorted(prompts)[: config.sample_prompts]],
        max_new_tokens=min(config.sample_tokens, config.max_length - config.prompt_tokens),
        seed=config.seed,
        batch_size=2 * config.batch_size,
        should_stop=should_stop,
    )
    return {**figures, "drift": drift}


def _reference(config: DpoConfig, model: Any) -> AsReference:
    """With LoRA the model without its adapter; otherwise the base model, read once more."""
    if config.lora:

        @contextmanager
        def without_adapter() -> Iterator[Any]:
            with model.disable_adapter():
                yield model

        return without_adapter
    base = place(load_causal_lm(config.base_model))

    def reread() -> AbstractContextManager[Any]:
        return nullcontext(base)

    return reread


def _merged(config: DpoConfig, model: Any, output_dir: Path) -> Any:
    """The model as a plain causal LM. With LoRA its adapter is published before it is merged."""
    if not config.lora:
        return model
    output.publish_folder(output_dir / "adapter", model.save_pretrained)
    return model.merge_and_unload()
