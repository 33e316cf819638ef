"""Train a reward model on the folder's data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from annotate.wording import translatable
from training.recipes.config import RewardModelConfig
from training.recipes.memory import halving_batches
from training.recipes.result import RecipeResult
from training.recipes.reward_model import train_reward_model


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    config = RewardModelConfig.from_dict(job["config"])
    report({"event": "phase", "phase": "training", "message": translatable("Training.")})
    train = halving_batches(train_reward_model)
    found = train(config, folder / "data", folder / "work", report, should_stop)
    return as_result(found)


def as_result(found: RecipeResult) -> dict[str, Any]:
    """A recipe's result as plain values."""
    return {
        "status": found.status,
        "global_step": found.global_step,
        "max_steps": found.max_steps,
        "model_dir": str(found.model_dir) if found.model_dir else None,
        "metrics": found.metrics,
    }
