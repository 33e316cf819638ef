"""Start or resume a transformers Trainer, and say truthfully how it ended."""

from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from peft import LoraConfig, TaskType, get_peft_model
from safetensors import SafetensorError
from transformers import PreTrainedModel, PrinterCallback, Trainer

from training.recipes import ranks
from training.recipes.bad_batch import BatchWatch
from training.recipes.config import TrainerConfiguration
from training.recipes.errors import (
    BatchTooLargeError,
    ConfigError,
    ModelError,
    NonFiniteLossError,
    RecipeError,
)
from training.recipes.looks import logging_steps
from training.recipes.memory import first_line, is_out_of_memory
from training.recipes.output import batch_of, checkpoint_folder, newest_checkpoint
from training.recipes.progress import ProgressCallback, Report, ShouldStop
from training.recipes.room import is_no_room, no_room


def trainer_arguments(
    config: TrainerConfiguration, output_dir: Path, *, precision: str, max_steps: int
) -> dict[str, Any]:
    """Arguments common to all trainers, for a claimed folder. No dataset length, network or clock
    changes a step.
    """
    on_gpu = runtime.device().type == "cuda"
    batch_size, passes = batch_of(output_dir, config)
    if batch_size % ranks.count():
        raise ConfigError(
            f"{type(config).__name__}.batch_size is {batch_size}; it must be a multiple of the "
            f"{ranks.count()} processes that share each batch."
        )
    return {
        "output_dir": str(checkpoint_folder(output_dir)),
        "max_steps": max_steps,
        "per_device_train_batch_size": batch_size // ranks.count(),
        "gradient_accumulation_steps": passes,
        "learning_rate": config.learning_rate,
        "warmup_steps": round(config.warmup_ratio * max_steps),
        "weight_decay": config.weight_decay,
        "max_grad_norm": config.max_grad_norm,
        "lr_scheduler_type": "linear",
        "seed": config.seed,
        "bf16": precision == "bf16",
        "use_cpu": not on_gpu,
        "activation_checkpointing": False,
        "dataloader_pin_memory": on_gpu,
        "logging_steps": logging_steps(config, max_steps),
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "save_total_limit": 2,
        "eval_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def make_callback(
    config: TrainerConfiguration, report: Report, should_stop: ShouldStop
) -> ProgressCallback:
    return ProgressCallback(
        report=report,
        should_stop=should_stop,
        checkpoint_minutes=config.checkpoint_minutes,
        rows_per_step=config.batch_size * config.gradient_accumulation,
    )


def train_or_resume(trainer: Trainer, callback: ProgressCallback, output_dir: Path) -> str:
    """Train to `max_steps` from the newest complete checkpoint; returns "done" or "stopped".

    Raises BatchTooLargeError when memory runs out, NonFiniteLossError with the batch kept,
    NoRoomError when a checkpoint does not fit on the disk, and RecipeError when training ends
    early without having been asked to: `train()` returns as if all were well after a signal.
    """
    if ranks.agree(callback.should_stop()):
        return "stopped"
    trainer.remove_callback(PrinterCallback)
    checkpoint = ranks.in_turn(lambda: newest_checkpoint(output_dir))
    if checkpoint is not None:
        callback.report({"event": "resume", "path": str(checkpoint)})
    watch = BatchWatch(trainer)
    try:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    except NonFiniteLossError as error:
        raise watch.keep(error, output_dir) from None
    except (OSError, SafetensorError) as error:
        raise_if_no_room(error, trainer, output_dir)
        raise
    except (RuntimeError, MemoryError) as error:
        raise_if_no_room(error, trainer, output_dir)
        if not is_out_of_memory(error):
            raise
        raise BatchTooLargeError(
            "Out of memory at step {step} with {rows} rows at a time: {said}",
            step=trainer.state.global_step + 1,
            rows=trainer.args.per_device_train_batch_size,
            said=first_line(error),
        ) from error
    step, max_steps = trainer.state.global_step, trainer.args.max_steps
    if step == max_steps:
        return "done"
    if callback.stopped:
        return "stopped"
    raise RecipeError(f"training ended at step {step} of {max_steps} without being asked to stop.")


def raise_if_no_room(error: Exception, trainer: Trainer, output_dir: Path) -> None:
    """NoRoomError if a checkpoint found the disk full; what was half written is removed, the
    newest complete checkpoint stays.
    """
    needed = _checkpoint_bytes(trainer)
    if is_no_room(error, output_dir, needed):
        newest_checkpoint(output_dir)
        what = f"the checkpoint of step {trainer.state.global_step}"
        raise no_room(what, checkpoint_folder(output_dir), needed) from error


def _checkpoint_bytes(trainer: Trainer) -> int:
    """Weights, and two moments of AdamW for each that is trained; a tenth more for the rest."""
    values = list(trainer.model.parameters())
    weights = sum(value.numel() * value.element_size() for value in values)
    moments = sum(8 * value.numel() for value in values if value.requires_grad)
    return round(1.1 * (weights + moments))


def add_lora(model: PreTrainedModel, *, rank: int, task: TaskType) -> Any:
    """Wrap a model with LoRA on all linear layers; a reward head is trained and saved whole.

    PEFT freezes what it does not adapt. The head of a sequence classifier is new and random, so
    it has to be in `modules_to_save`; this checks that it did become trainable.
    """
    heads = [
        name
        for name, _ in model.named_children()
        if task == TaskType.SEQ_CLS and name in ("score", "classifier")
    ]
    if task == TaskType.SEQ_CLS and not heads:
        raise ModelError(f"{type(model).__name__} has no head named score or classifier for LoRA.")
    adapted = get_peft_model(
        model,
        LoraConfig(
            r=rank,
            lora_alpha=2 * rank,
            target_modules="all-linear",
            modules_to_save=list(heads) or None,  # PEFT adds to the list it is given
            task_type=task,
        ),
    )
    trainable = {name for name, value in adapted.named_parameters() if value.requires_grad}
    for head in heads:
        if not any(f"{head}.modules_to_save" in name for name in trainable):
            raise ModelError(f"LoRA left the reward head {head} frozen; it would stay random.")
    return adapted
