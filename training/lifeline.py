"""How a long task notices that its worker shuts down.

On SIGTERM Celery's main process waits for its pool to finish what it does, which would take
hours here, and tells the pool nothing. So the main process holds the only write end of a pipe:
when it closes it, or dies, the pipe ends.
"""

import os
import select
from contextlib import suppress

from celery.signals import worker_init, worker_process_init, worker_shutting_down

_ends: list[int] = []  # [read, write] in the main process, [read] in a pool process


def _close_write_end(**_: object) -> None:
    if len(_ends) == 2:
        with suppress(OSError):
            os.close(_ends.pop())


@worker_init.connect
def _open(**_: object) -> None:
    _ends[:] = os.pipe()


worker_process_init.connect(_close_write_end)
worker_shutting_down.connect(_close_write_end)


def is_cut() -> bool:
    """Whether the worker wants its tasks to end. False outside a worker."""
    if not _ends:
        return False
    readable, _, _ = select.select([_ends[0]], [], [], 0)
    return bool(readable)
