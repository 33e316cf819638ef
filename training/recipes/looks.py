"""Looks at held-out rows while a model trains: the curves beside those of the training batches.

A look changes nothing of training: modules keep their modes, random numbers their states, and no
gradient is made. Nothing is chosen by what it finds.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from training.recipes import runtime  # isort: skip  (first: it sets the environment)

import torch
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from trl import DPOTrainer, RewardTrainer

from training.recipes import ranks
from training.recipes.config import TrainerConfiguration, WatchedConfiguration
from training.recipes.errors import NonFiniteLossError, StopRequestedError
from training.recipes.memory import is_out_of_memory
from training.recipes.progress import ProgressCallback, ShouldStop

Row = TypeVar("Row")
Figures = dict[str, float]

LOOKS = 10  # about so many a run, unless asked otherwise
STEPS_APART = 5  # at least, unless asked otherwise
MOST_LOOKS = 200
LEAST_ROWS, MOST_ROWS = 16, 256
ROWS_SHARE = 5
"""One held-out row is read for so many that were trained on since the last look. Reading takes
about a third of training, so looks take about a fifteenth of it."""
PREFIX = "eval_"


@dataclass(frozen=True)
class LookPlan:
    """every: steps from look to look, 0 for none. rows: the most that one reads."""

    every: int
    rows: int

    def is_due(self, step: int, max_steps: int) -> bool:
        return self.every > 0 and (step % self.every == 0 or step == max_steps)

    def choose(self, rows: Sequence[Row], *, seed: int) -> list[Row]:
        """The same rows at every look of a run, in their order."""
        if len(rows) <= self.rows:
            return list(rows) if self.every else []
        return [rows[place] for place in sorted(Random(seed).sample(range(len(rows)), self.rows))]


def logging_steps(config: TrainerConfiguration, max_steps: int) -> int:
    return config.logging_steps or max(1, max_steps // 100)


def plan_looks(config: WatchedConfiguration, max_steps: int) -> LookPlan:
    if config.evaluate_every == 0:
        return LookPlan(0, 0)
    every = config.evaluate_every or max(STEPS_APART, math.ceil(max_steps / LOOKS))
    every = max(every, math.ceil(max_steps / MOST_LOOKS))
    if config.evaluate_every is None:  # where the loss is told anyhow
        logged = logging_steps(config, max_steps)
        every = logged * math.ceil(every / logged)
    trained = every * config.batch_size * config.gradient_accumulation
    return LookPlan(every, min(MOST_ROWS, max(LEAST_ROWS, trained // ROWS_SHARE)))


class HeldOutLooks(TrainerCallback):
    """Adds figures of held-out rows to what `progress` reports of a step, named `eval_…`.

    rows: of the trainer's own kind. more: further figures, made with the model at rest. A figure
    that is no number is left out and told; it ends no run.
    """

    def __init__(
        self,
        trainer: Trainer,
        rows: Sequence[Any],
        *,
        plan: LookPlan,
        seed: int,
        progress: ProgressCallback,
        more: Callable[[], Figures] | None = None,
    ) -> None:
        self.trainer = trainer
        self.rows = rows
        self.plan = plan
        self.seed = seed
        self.progress = progress
        self.more = more

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if not self.plan.is_due(state.global_step, state.max_steps):
            return
        control.should_log = True  # in every process: they sum the loss together
        if not ranks.is_first():
            return
        try:
            found = self.look()
        except StopRequestedError:
            return  # the next step hears of it, too
        told = {name: value for name, value in found.items() if math.isfinite(value)}
        if len(told) < len(found):
            self.progress.report(
                {
                    "event": "look_failed",
                    "step": state.global_step,
                    "max_steps": state.max_steps,
                    "figures": [name for name in found if name not in told],
                }
            )
        self.progress.beside = {f"{PREFIX}{name}": value for name, value in told.items()}

    def look(self) -> Figures:
        """Raises StopRequestedError."""
        with at_rest(self.trainer.model, seed=self.seed):
            found = figures_of_rows(self.trainer, self.rows, self.progress.should_stop)
            return {**found, **(self.more() if self.more else {})}


def watch(trainer: Trainer, looks: HeldOutLooks) -> None:
    """Have the trainer look, unless there is nothing to look at."""
    if looks.plan.every and (len(looks.rows) or looks.more):
        trainer.add_callback(looks)


@contextmanager
def at_rest(model: Any, *, seed: int) -> Iterator[None]:
    """Inside, no dropout and random numbers of its own; afterwards all is as it was."""
    modes = [(module, module.training) for module in model.modules()]
    cuda = [runtime.device()] if runtime.device().type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        model.eval()
        try:
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def figures_of_rows(trainer: Any, rows: Sequence[Any], should_stop: ShouldStop) -> Figures:
    """The loss of the rows and what the trainer notes of them: means over the rows.

    Where memory runs out, with fewer at a time: a look makes no batch of training smaller.
    """
    size = trainer.args.per_device_train_batch_size
    while True:
        try:
            return _read(trainer, rows, size, should_stop)
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
        size //= 2  # outside of the handler, where the error holds nothing any more


@torch.no_grad()
def _read(trainer: Any, rows: Sequence[Any], size: int, should_stop: ShouldStop) -> Figures:
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for start in range(0, len(rows), size):
        if should_stop():
            raise StopRequestedError("stopped while looking at held-out rows")
        batch = [rows[place] for place in range(start, min(start + size, len(rows)))]
        inputs = trainer._prepare_inputs(trainer.data_collator(batch))
        with _noted_apart(trainer) as notes, trainer.compute_loss_context_manager():
            try:
                loss = float(trainer.compute_loss(trainer.model, inputs))
            except NonFiniteLossError:
                loss = math.nan
        for name, values in {**notes, "loss": [loss]}.items():
            sums[name] += len(batch) * sum(values) / len(values)
            counts[name] += len(batch)
    return {name: total / counts[name] for name, total in sums.items()}


@contextmanager
def _noted_apart(trainer: Any) -> Iterator[dict[str, list[float]]]:
    """What the trainer notes inside, kept from the figures of training."""
    notes: dict[str, list[float]] = defaultdict(list)
    if isinstance(trainer, DPOTrainer | RewardTrainer):  # which note it by the model's mode
        kept, trainer._metrics["eval"] = trainer._metrics["eval"], notes
        try:
            yield notes
        finally:
            trainer._metrics["eval"] = kept
    elif hasattr(trainer, "figures"):
        kept, trainer.figures = trainer.figures, notes
        try:
            yield notes
        finally:
            trainer.figures = kept
    else:
        yield notes
