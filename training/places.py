"""Places for long work in a worker of the queue `serving`, one of each kind.

There it waits behind no training run. But such a worker takes many tasks at once, so without a
bound as many evaluations would share its memory, and leave no thread to answer programs.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

EVALUATION, MATCHING = "evaluation", "matching"

_places = {name: threading.Semaphore(1) for name in (EVALUATION, MATCHING)}


@contextmanager
def place(name: str) -> Iterator[bool]:
    """Whether the place was free; then it is taken for the time. A row whose message comes while it
    is not stays in the queue, and the sweep sends another, the oldest first.
    """
    free = _places[name].acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            _places[name].release()
