"""Start or resume a transformers Trainer, and say truthfully how it ended."""

from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

from peft import LoraConfig, TaskType, get_peft_model
from transformers import PreTrainedModel, PrinterCallback, Trainer

from training.recipes.config import TrainerConfiguration
from training.recipes.errors import ModelError, RecipeError
from training.recipes.output import checkpoint_folder, newest_checkpoint
from training.recipes.progress import ProgressCallback, Report, ShouldStop


def trainer_arguments(
    config: TrainerConfiguration, output_dir: Path, *, precision: str, max_steps: int
) -> dict[str, Any]:
    """Arguments common to all trainers. No dataset length, network or clock changes a step."""
    on_gpu = runtime.device().type == "cuda"
    return {
        "output_dir": str(checkpoint_folder(output_dir)),
        "max_steps": max_steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
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
        "logging_steps": config.logging_steps or max(1, max_steps // 100),
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

    Raises RecipeError when training ends early without having been asked to: `train()` returns
    as if all were well after a signal.
    """
    if callback.should_stop():
        return "stopped"
    trainer.remove_callback(PrinterCallback)
    checkpoint = newest_checkpoint(output_dir)
    if checkpoint is not None:
        callback.report({"event": "resume", "path": str(checkpoint)})
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    step, max_steps = trainer.state.global_step, trainer.args.max_steps
    if step == max_steps:
        return "done"
    if callback.stopped:
        return "stopped"
    raise RecipeError(f"training ended at step {step} of {max_steps} without being asked to stop.")


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
