"""Several processes that train one model together, as torchrun starts them.

The first of them alone writes files, reports and evaluates. Decisions that depend on the clock or
on a signal are agreed upon, for a step that one process leaves out holds all others up. In a
process by itself nothing here does anything.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch
from torch import distributed

from training.recipes.config import Configuration
from training.recipes.errors import ConfigError, StopRequestedError

Found = TypeVar("Found")
LONGEST_WAIT = timedelta(days=1)
"""For one another: the first may embed a large data set or evaluate while the others wait."""


def count() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def join(config: Configuration) -> None:
    """Meet the others. Raises ConfigError for what several processes cannot do together."""
    if count() == 1 or distributed.is_initialized():
        return
    if config.alone_because:
        raise ConfigError(
            f"This {type(config).__name__} is worked on by one process, for "
            f"{config.alone_because}; start it without torchrun or accelerate."
        )
    if os.environ.get("ACCELERATE_USE_FSDP", "").lower() in ("1", "true"):
        raise ConfigError("Each process holds a whole model here; start them without FSDP.")
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    # Flags go over gloo, gradients over what their device needs.
    backend = "cpu:gloo,cuda:nccl" if on_gpu else "gloo"
    distributed.init_process_group(backend, timeout=LONGEST_WAIT)


def agree(flag: bool) -> bool:
    """Whether any process says so; all must ask at the same place. Also makes them wait."""
    if count() == 1:
        return flag
    said = torch.tensor([int(flag)])
    distributed.all_reduce(said, op=distributed.ReduceOp.MAX)
    return bool(said.item())


def in_turn(work: Callable[[], Found]) -> Found:
    """The first process works, then the others do the same on what it left in the folder.

    Raises what `work` raises, in the others StopRequestedError if the first one failed.
    """
    if count() == 1:
        return work()
    failure: Exception | None = None
    if is_first():
        try:
            found = work()
        except Exception as error:  # noqa: BLE001  (told to the others, then raised again)
            failure = error
    if agree(failure is not None):
        raise failure or StopRequestedError("the first process could not go on")
    return found if is_first() else work()
