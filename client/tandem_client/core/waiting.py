"""Waiting for jobs."""

from collections.abc import Callable
from typing import Any

from tandem_client.core.plans import Pause, Plan, ask
from tandem_client.core.requests import get
from tandem_client.errors import JobFailed, StillRunning

Watch = Callable[[Any], object]
OVER = frozenset({"done", "failed", "cancelled"})
# Seconds between two looks: soon at first, then less and less often.
FIRST, MOST, GROWTH = 0.25, 5.0, 1.5


def wait_for(path: str, *, timeout: float | None, watch: Watch | None) -> Plan[Any]:
    """The job when it is done. `watch` sees each state.

    Raises JobFailed, and StillRunning when it takes longer than `timeout` seconds.
    """
    waited, pause = 0.0, FIRST
    while True:
        job = yield from ask(get(path))
        if watch is not None:
            watch(job)
        if job["state"] == "done":
            return job
        if job["state"] in OVER:
            raise JobFailed(job)
        if timeout is not None and waited >= timeout:
            raise StillRunning(job, waited)
        step = pause if timeout is None else min(pause, timeout - waited)
        yield Pause(step)
        waited += step
        pause = min(MOST, pause * GROWTH)
