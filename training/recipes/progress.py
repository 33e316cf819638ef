"""What a run says while it trains: progress, checkpoints by time, and stopping when asked."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.recipes import ranks
from training.recipes.errors import NonFiniteLossError, NonFiniteStatesError
from training.recipes.output import mark_complete

Report = Callable[[dict[str, Any]], None]
ShouldStop = Callable[[], bool]
FIRST_CHECKPOINT = 60.0
"""Seconds at most until the first: a short run should not begin again when it is killed."""


class ProgressCallback(TrainerCallback):
    """Reports each log step, saves by the clock, on a stop and at the end, refuses NaN.

    Rows a second and the remaining time count from the first step of this process, so a resumed
    run does not claim the speed of the one before.
    """

    def __init__(
        self,
        *,
        report: Report,
        should_stop: ShouldStop,
        checkpoint_minutes: float,
        rows_per_step: int,
    ) -> None:
        self.report = report
        self.should_stop = should_stop
        self.checkpoint_seconds = checkpoint_minutes * 60
        self._until_next = min(FIRST_CHECKPOINT, self.checkpoint_seconds)
        self.rows_per_step = rows_per_step
        self.stopped = False
        self.history: list[dict[str, float]] = []
        self.beside: dict[str, float] = {}  # told with the next log entry, once
        self._started_at = 0.0
        self._started_step = 0
        self._saved_at = 0.0

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._started_at = self._saved_at = time.monotonic()
        self._started_step = state.global_step

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step >= state.max_steps:
            control.should_save = True
        elif ranks.agree(self.should_stop()):
            self.stopped = control.should_save = control.should_training_stop = True
        elif ranks.agree(time.monotonic() - self._saved_at >= self._until_next):
            control.should_save = True

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._saved_at = time.monotonic()
        self._until_next = self.checkpoint_seconds
        path = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        ranks.agree(False)  # each has written its random states
        if ranks.is_first():
            mark_complete(path)
        self.report({"event": "checkpoint", "step": state.global_step, "path": str(path)})

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        if not logs or "loss" not in logs:
            return
        for name, error in (("loss", loss_not_finite), ("grad_norm", gradient_not_finite)):
            if not math.isfinite(value := float(logs.get(name, 0.0))):
                raise error(value, state.global_step)
        done = state.global_step - self._started_step
        remaining = state.max_steps - state.global_step
        seconds = max(time.monotonic() - self._started_at, 1e-9)
        metrics = {
            name: round(float(value), 6)
            for name, value in {**logs, **self.beside}.items()
            if name not in ("loss", "epoch") and isinstance(value, int | float)
        }
        self.beside = {}
        self.history.append({"step": state.global_step, "loss": float(logs["loss"]), **metrics})
        self.report(
            {
                "event": "progress",
                "step": state.global_step,
                "max_steps": state.max_steps,
                "loss": float(logs["loss"]),
                "samples_per_second": round(done * self.rows_per_step / seconds, 3),
                "eta_seconds": round(seconds / max(done, 1) * remaining),
                "peak_memory_mb": round(runtime.peak_memory_mb(), 1),
                "metrics": metrics,
            }
        )


def loss_not_finite(value: float, step: int) -> NonFiniteLossError:
    return NonFiniteLossError(
        "The loss became {value} at step {step}. Lower learning_rate, use precision fp32, or look "
        "for extreme settings and rows.",
        value=str(value),
        step=step,
    )


def gradient_not_finite(value: float, step: int) -> NonFiniteLossError:
    return NonFiniteLossError(
        "The gradient became {value} at step {step}. Lower learning_rate, use precision fp32, or "
        "look for extreme settings and rows.",
        value=str(value),
        step=step,
    )


def require_finite(loss: torch.Tensor, step: int) -> None:
    """Raise NonFiniteLossError, naming the step that is being computed."""
    if not torch.isfinite(loss).all():
        raise loss_not_finite(float(loss.detach().float().mean()), step)


def require_finite_states(states: torch.Tensor) -> None:
    """What a base model says of a text, before anything is learned from it or read off it."""
    if not states.isfinite().all():
        raise NonFiniteStatesError(
            "The base model reads some texts as values that are no numbers (NaN or infinite). "
            "Its weights are damaged, or too large for bf16: take precision fp32, save them anew, "
            "or name another base_model."
        )
