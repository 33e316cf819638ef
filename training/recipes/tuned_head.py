"""Fine-tune an encoder with the head of any objective, from the head fitted on it as it was.

Fitting the head first keeps what the encoder knows from being bent by a random one: Kumar et al.
2022 (LP-FT, arXiv:2202.10054). What is published scores as a head does, on the encoder beside it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from peft import TaskType
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import TrainingArguments

from training.data.pairs import hold_out_prompts
from training.recipes import output, ranks
from training.recipes.config import RewardModelConfig
from training.recipes.embeddings import EmbeddingCache
from training.recipes.errors import DatasetError, StopRequestedError
from training.recipes.head_model import (
    MIN_CALIBRATION_ROWS,
    Choice,
    card_of,
    choose,
    data_figures,
    evaluate,
    kind_of,
    load_features,
    temperatures,
    write_head,
    write_people,
)
from training.recipes.head_trainer import EncoderWithHead, HeadCollator, HeadTrainer
from training.recipes.heads.base import Head
from training.recipes.heads.features import Features
from training.recipes.heads.objectives.base import Examples, Objective
from training.recipes.heads.objectives.registry import OBJECTIVES
from training.recipes.heads.tuning import Example, PeopleTuning, Tuning, tuning_of
from training.recipes.looks import HeldOutLooks, LookPlan, plan_looks, watch
from training.recipes.loop import add_lora, make_callback, train_or_resume, trainer_arguments
from training.recipes.memory import before_the_first_step
from training.recipes.models import weights_fingerprint
from training.recipes.order import count_steps, plan_order
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult

START = "start.safetensors"


def finetune_head(
    config: RewardModelConfig,
    dataset_dir: Path,
    output_dir: Path,
    report: Report,
    should_stop: ShouldStop,
) -> RecipeResult:
    """Fit the head, train both, evaluate and publish; as `train_reward_model` else.

    Raises RecipeError subclasses: ConfigError, DatasetError, ModelError, NonFiniteLossError.
    """
    objective = OBJECTIVES[config.objective](config)
    examples = objective.read(dataset_dir)
    ranks.in_turn(lambda: output.claim(output_dir, config, dataset=examples.fingerprint))
    if finished := output.finished_run(output_dir):
        return finished
    figures = data_figures(examples)
    report({"event": "data", **figures})
    rest, held_out = _calibration_split(objective, examples)
    features = _features(config, output_dir, report, should_stop)
    encoder = features.encoder
    chosen = runtime.settle(config, encoder)
    settled = runtime.apply(ranks.in_turn(lambda: output.keep_settled(output_dir, chosen)))
    rows_at_once = 2 * output.batch_of(output_dir, config)[0]
    features.batch_size = rows_at_once
    try:
        with before_the_first_step(rows_at_once):
            head, l2 = ranks.in_turn(
                lambda: _start(objective, examples, rest, features, output_dir)
            )
    except StopRequestedError:
        return RecipeResult("stopped", 0, config.max_steps or 0)
    tuning = tuning_of(head, objective, l2)
    rows = list(tuning.examples(rest, features))
    if not rows:
        raise DatasetError(
            f"Nothing of the {len(rest)} training rows is left within max_length = "
            f"{config.max_length} tokens; raise it."
        )
    figures["framing"] = features.framing.as_dict()
    encoder.config.get_text_config().use_cache = False
    if config.lora:
        encoder = add_lora(encoder, rank=config.lora_rank, task=TaskType.FEATURE_EXTRACTION)
    max_steps = count_steps(
        len(rows),
        batch_size=config.batch_size,
        accumulation=config.gradient_accumulation,
        epochs=config.epochs,
        max_steps=config.max_steps,
    )
    callback = make_callback(config, report, should_stop)
    arguments = trainer_arguments(
        config, output_dir, precision=settled["precision"], max_steps=max_steps
    )
    trainer = HeadTrainer(
        model=EncoderWithHead(encoder.train(), tuning, rows=len(rows)),
        args=TrainingArguments(**arguments, remove_unused_columns=False),
        train_dataset=rows,
        data_collator=HeadCollator(tuning, features.tokenizer.pad_token_id),
        processing_class=features.tokenizer,
        callbacks=[callback],
        order=_plan(config, rows, max_steps),
    )
    plan = plan_looks(config, max_steps)
    seen = _to_look_at(tuning, plan, examples, rows, features, seed=config.seed)
    watch(trainer, HeldOutLooks(trainer, seen, plan=plan, seed=config.seed, progress=callback))
    status = train_or_resume(trainer, callback, output_dir)
    if status == "stopped" or not ranks.is_first():
        return RecipeResult(status, trainer.state.global_step, max_steps)

    head = trainer.model.finished_head()
    encoder = trainer.model.encoder
    encoder = (encoder.merge_and_unload() if config.lora else encoder).eval()
    tuned = Features(
        features.tokenizer,
        encoder,
        max_length=config.max_length,
        prompt_tokens=config.prompt_tokens,
        batch_size=rows_at_once,
        at_ends=features.at_ends,
        report=report,
        should_stop=should_stop,
    )
    try:
        choice = _choice(objective, head, l2, held_out, tuned)
        test = evaluate(objective, head, examples, tuned, choice, output_dir, report)
    except StopRequestedError:
        return RecipeResult("stopped", trainer.state.global_step, max_steps)

    write_people(head, output_dir)

    def write(folder: Path) -> None:
        encoder.save_pretrained(folder)
        features.tokenizer.save_pretrained(folder)
        write_head(head, card_of(config, head, temperature=choice.serving_temperature), folder)

    metrics = {
        "recipe": "reward_model",
        "objective": config.objective,
        "method": "finetune",
        "steps": max_steps,
        **settled,
        "data": figures,
        "l2": l2,
        "temperature_rows": choice.temperature_rows,
        "test": test,
        "history": callback.history,
        "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
    }
    return output.publish(output_dir, write, metrics, report)


def _features(
    config: RewardModelConfig, output_dir: Path, report: Report, should_stop: ShouldStop
) -> Features:
    """The encoder as it is, for the first fit."""
    path = Path(config.embedding_cache or output_dir / "embeddings.safetensors")
    cache = EmbeddingCache(path, encoder=weights_fingerprint(config.base_model))
    return load_features(config, cache=cache, report=report, should_stop=should_stop)


def _calibration_split(
    objective: Objective[Any], examples: Examples[Any]
) -> tuple[list[Any], list[Any]]:
    """Rows to learn from, and rows kept back for the temperature; none if they were too few."""
    config = objective.config
    rest, held_out = hold_out_prompts(
        examples.train, fraction=config.calibration_fraction, seed=config.seed
    )
    decided = sum(not pair.tie for pair in objective.pairs_of(held_out))
    return (rest, held_out) if rest and decided >= MIN_CALIBRATION_ROWS else (examples.train, [])


def _start(
    objective: Objective[Any],
    examples: Examples[Any],
    rest: Sequence[Any],
    features: Features,
    output_dir: Path,
) -> tuple[Head, float]:
    """The head fitted to the encoder as it is, and the strength of its prior.

    Kept in the output folder, so that a resumed run reads it again. Raises StopRequestedError.
    """
    path = output_dir / START
    if path.is_file():
        with safe_open(path, framework="pt") as file:
            kept = json.loads(file.metadata()["start"])
        kind = kind_of(objective.config.objective, kept["options"])
        return kind(load_file(path), kept["options"]), kept["l2"]
    l2 = objective.config.l2 or choose(objective, examples, features).l2
    head = objective.fit(rest, features, l2)
    partial = path.with_name(f".{START}.partial")
    plain = {name: value.contiguous() for name, value in head.tensors.items()}
    save_file(plain, partial, {"start": json.dumps({"l2": l2, "options": head.options})})
    partial.replace(path)
    return head, l2


def _to_look_at(
    tuning: Tuning[Any],
    plan: LookPlan,
    examples: Examples[Any],
    rows: Sequence[Example],
    features: Features,
    *,
    seed: int,
) -> list[Example]:
    """Held-out rows as the loss takes them: no ties, and of people who are known. What a person's
    prior takes from a row is what it takes from one of `rows`.
    """
    items = [one for one in examples.test if not getattr(one, "tie", False)]
    if isinstance(tuning, PeopleTuning):
        items = [one for one in items if one.annotator in tuning.head.place]
    chosen = plan.choose(items, seed=seed)
    seen = list(tuning.examples(chosen, features)) if chosen else []
    if isinstance(tuning, PeopleTuning):
        parts = {row["person"]: row["part"] for row in rows}
        seen = [{**row, "part": parts.get(row["person"], row["part"])} for row in seen]
    return seen


def _plan(config: RewardModelConfig, rows: Sequence[Example], max_steps: int) -> list[int]:
    return plan_order(
        [sum(map(len, row["texts"])) for row in rows],
        batch_size=config.batch_size,
        total=max_steps * config.batch_size * config.gradient_accumulation,
        seed=config.seed,
    )


def _choice(
    objective: Objective[Any], head: Head, l2: float, held_out: Sequence[Any], features: Features
) -> Choice:
    """The prior's strength, and the temperatures of rows kept back."""
    decided = [pair for pair in objective.pairs_of(held_out) if not pair.tie]
    if not decided:
        return Choice(l2)
    known, serving = temperatures(head, decided, features)
    return Choice(l2, {}, known, serving, len(decided))
