"""Training on with smaller batches when the device's memory is not enough.

Rows a step stay what the configuration says: fewer rows go through the network at a time, and the
gradients of more such passes are summed before a step. So steps, order and learning rate stay. Two
losses depend on the rows of a pass: `aot` compares them, KTO takes its reference point from them.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TypeVar

import torch

from annotate.wording import Told
from training.recipes import output, ranks
from training.recipes.config import TrainerConfiguration
from training.recipes.errors import BatchTooLargeError, OutOfMemoryError
from training.recipes.progress import Report, ShouldStop
from training.recipes.result import RecipeResult

Config = TypeVar("Config", bound=TrainerConfiguration)
Data = TypeVar("Data")
Recipe = Callable[[Config, Data, Path, Report, ShouldStop], RecipeResult]

SAYINGS = (
    "can't allocate memory",  # torch's allocator on a CPU
    "not enough memory",  # the same on Windows
    "CUDA error: out of memory",  # a driver's call outside of torch's allocator
    "CUBLAS_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that host or device memory is used up."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAYINGS)


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence about it."""
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return line if len(line) <= 200 else f"{line[:199]}…"


@contextmanager
def before_the_first_step(rows: int) -> Iterator[None]:
    """Raises BatchTooLargeError for what runs out of memory inside, with `rows` at a time."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise BatchTooLargeError(
            "Out of memory before the first step with {rows} rows at a time: {said}",
            rows=rows,
            said=first_line(error),
        ) from error


def halving_batches(recipe: Recipe[Config, Data]) -> Recipe[Config, Data]:
    """The recipe, begun again with half the batch whenever its trainer runs out of memory.

    It goes on from its newest checkpoint, or from the beginning if it has none. The smaller batch
    is kept in run.json, so that a later attempt begins with it. Raises OutOfMemoryError once a
    single row is too much, and at once where several processes train together.
    """

    @wraps(recipe)
    def train(
        config: Config, data: Data, output_dir: Path, report: Report, should_stop: ShouldStop
    ) -> RecipeResult:
        while True:
            try:
                return recipe(config, data, output_dir, report, should_stop)
            except BatchTooLargeError as error:
                reason = error.apart()
                if ranks.count() > 1:  # the others are in the middle of a step
                    raise OutOfMemoryError(
                        "{reason} Several processes share each batch, so it is not halved here: "
                        "lower batch_size and raise gradient_accumulation.",
                        reason=reason,
                    ) from error
            # Only now, outside of the handler, the error's frames no longer hold the old model.
            _free()
            report(_halve(config, output_dir, reason))

    return train


def _halve(config: TrainerConfiguration, output_dir: Path, reason: Told) -> dict[str, object]:
    """Keep the smaller batch; returns the event that tells of it.

    Odd sizes are divided by their smallest factor, so that rows a step stay exactly the same.
    """
    size, passes = output.batch_of(output_dir, config)
    if size == 1:
        raise OutOfMemoryError(
            "The memory is not enough for a single row at a time: {reason} Lower max_length, "
            "train with lora, choose a smaller base_model, or use a device with more memory.",
            reason=reason,
        )
    factor = next(number for number in range(2, size + 1) if size % number == 0)
    smaller = {"batch_size": size // factor, "gradient_accumulation": passes * factor}
    output.keep_settled(output_dir, smaller, again=True)
    return {
        "event": "smaller_batch",
        "before": size,
        **smaller,
        "reason": reason.message,
        "told": reason.as_dict(),
        "loss_differs": config.reads_rows_together,
    }


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
