"""The batch whose loss or gradient was no number, kept as a file that people can read.

bad_batch.json   in the output folder: the step, the reason, and each batch with its sequences as
                 token ids and text and its factors; pairs as all chosen, then all rejected
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.recipes.progress import gradient_not_finite  # isort: skip  (first: it sets the environment)

import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.recipes.errors import NonFiniteLossError
from training.recipes.output import write_json

BAD_BATCH = "bad_batch.json"


class BatchWatch(TrainerCallback):
    """Remembers the batches of the step under way and refuses a gradient that is no number.

    A non-finite gradient is found before the optimizer's step, so neither weights nor checkpoint
    ever hold it.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.batches: list[Mapping[str, Any]] = []
        self._of_trainer = trainer.training_step
        trainer.training_step = self._training_step
        trainer.add_callback(self)

    def _training_step(self, model: Any, inputs: Mapping[str, Any], *rest: Any, **more: Any) -> Any:
        self.batches.append(dict(inputs))
        return self._of_trainer(model, inputs, *rest, **more)

    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self.batches = []

    def on_pre_optimizer_step(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any
    ) -> None:
        gradients = [one.grad for one in more["model"].parameters() if one.grad is not None]
        norm = float(torch.nn.utils.get_total_norm(gradients))
        if not math.isfinite(norm):
            raise gradient_not_finite(norm, state.global_step + 1)

    def keep(self, error: NonFiniteLossError, output_dir: Path) -> NonFiniteLossError:
        """Write the file; returns an error that also names it."""
        name = f"{output_dir.name}/{BAD_BATCH}"
        tokenizer = self.trainer.processing_class
        write_json(
            output_dir / BAD_BATCH,
            {
                "step": self.trainer.state.global_step + 1,
                "reason": str(error),
                "batches": [_readable(batch, tokenizer) for batch in self.batches],
            },
        )
        return NonFiniteLossError(
            "{why} The rows of that step, as text and token ids, are in {file} of the run's "
            "folder.",
            why=error.apart(),
            file=name,
        )


def _readable(batch: Mapping[str, Any], tokenizer: Any) -> dict[str, Any]:
    """Sequences without padding, and every column that holds one number a row."""
    sequences = [
        ids[mask.bool()].tolist()
        for ids, mask in zip(batch["input_ids"], batch["attention_mask"], strict=True)
    ]
    return {
        "sequences": [{"text": tokenizer.decode(ids), "ids": ids} for ids in sequences],
        "factors": {
            name: [_plain(value) for value in column.tolist()]
            for name, column in batch.items()
            if isinstance(column, Tensor) and column.ndim == 1
        },
    }


def _plain(value: float) -> float | str:
    """JSON knows no NaN."""
    return value if math.isfinite(value) else str(value)
