"""Train a policy by DPO, making the small language model first if it is the base."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from annotate.wording import translatable
from training.duties.reward_model import as_result
from training.moving import move_folder
from training.recipes.config import TinyLmConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.memory import halving_batches
from training.recipes.tiny_lm import pretrain_tiny_lm
from training.recipes.wins import WinJudge

Report = Callable[[dict[str, Any]], None]
ShouldStop = Callable[[], bool]


def perform(
    job: dict[str, Any], folder: Path, report: Report, should_stop: ShouldStop
) -> dict[str, Any]:
    base = job["config"]["base_model"]
    if base == "tiny":
        made = _tiny_base(job, folder, report, should_stop)
        if made is None:
            return {"status": "stopped"}
        base = str(made)
    config = DpoConfig.from_dict({**job["config"], "base_model": base})
    report({"event": "phase", "phase": "training", "message": translatable("Training.")})
    # The worker knows the line that the policy is of; a model made just now begins one.
    judge = job.get("judge")
    recipe = partial(
        train_dpo,
        root_model=job.get("root_model", ""),
        judge=WinJudge(Path(judge["folder"]), judge["name"]) if judge else None,
    )
    train = halving_batches(recipe)
    found = train(config, folder / "data", folder / "work", report, should_stop)
    return as_result(found)


def _tiny_base(
    job: dict[str, Any], folder: Path, report: Report, should_stop: ShouldStop
) -> Path | None:
    """The base for these texts, from the cache or made now; None if stopped."""
    target = Path(job["tiny_folder"])
    if target.is_dir():
        os.utime(target)  # still in use: see training/services/leftovers.py
        return target
    report(
        {
            "event": "phase",
            "phase": "training",
            "message": translatable("Pre-training a small base model."),
        }
    )

    def report_base(event: dict[str, Any]) -> None:
        report({**event, "stage": "base"})

    lines = (folder / "texts.jsonl").read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    texts = [(row["prompt"], row["response"]) for row in rows]
    config = TinyLmConfig.from_dict(job["tiny"])
    pretrain = halving_batches(pretrain_tiny_lm)
    made = pretrain(config, texts, folder / "base", report_base, should_stop)
    if made.status != "done" or made.model_dir is None:
        return None
    move_folder(made.model_dir, target)
    return target
