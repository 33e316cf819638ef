"""Watching a child process for a job: progress into rows, the lease, cancelling, shutting down."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Event, Thread
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from annotate.models import Job
from annotate.services import jobs
from training import lifeline
from training.child import Child

logger = logging.getLogger(__name__)

POLL = 0.2  # seconds between two looks at the child
BEAT = min(2.0, settings.JOB_LEASE_SECONDS / 5)  # seconds between two writes to the row
CANCEL_GRACE = 6.0  # a cancelled run needs no checkpoint: seconds to end by itself
SHUTDOWN_GRACE = 600.0  # the supervisor or the operating system is less patient anyway
LONGEST_OUTAGE = 900.0  # seconds without a database before a finished child is given up
DATABASE_AWAY = (OperationalError, InterfaceError)

Events = list[dict[str, Any]]
Result = TypeVar("Result")


class Ending(StrEnum):
    """Why the child is no longer there."""

    BY_ITSELF = "by itself"
    CANCELLED = "cancelled"
    SHUTDOWN = "shutdown"


def follow(child: Child, record: Callable[[Events], bool]) -> Ending:
    """Watch until the child has ended; `record` writes new events and the heartbeat.

    `record` returns True when the job should be cancelled. While the database is away the child
    works on and events wait. Any other exception (LeaseLost, the end of this process) kills the
    child, so that nobody trains without a lease.
    """
    watch = _Watch(child, record)
    try:
        while not child.wait(POLL):
            watch.look()
        outlast_outage(watch.write)
    finally:
        if child.is_running():
            child.kill()
    return watch.ending


class _Watch:
    def __init__(self, child: Child, record: Callable[[Events], bool]) -> None:
        self.child = child
        self.record = record
        self.ending = Ending.BY_ITSELF
        self.events: Events = []
        self.written_at = 0.0
        self.kill_at: float | None = None

    def look(self) -> None:
        now = time.monotonic()
        if self.kill_at is not None and now > self.kill_at:
            self.child.kill()
        if lifeline.is_cut():
            self.stop(Ending.SHUTDOWN, SHUTDOWN_GRACE)
        if now - self.written_at >= BEAT:
            self.written_at = now
            try:
                self.write()
            except DATABASE_AWAY as error:
                logger.warning("The database is away, the child works on: %s", error)
                connection.close()

    def write(self) -> None:
        self.events += self.child.new_events()
        if self.record(self.events):
            self.stop(Ending.CANCELLED, CANCEL_GRACE)
        self.events = []

    def stop(self, why: Ending, grace: float) -> None:
        """Ask once for each reason; a cancel overrules a shutdown."""
        if self.ending in (why, Ending.CANCELLED):
            return
        self.ending = why
        self.kill_at = time.monotonic() + grace
        self.child.ask_to_stop()


class Interrupted(Exception):
    """Work should end now; `ending` says why."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


@contextmanager
def keep_lease(job: Job) -> Iterator[Callable[[], None]]:
    """Renew the lease from a thread while this one is busy with something long.

    Gives a function, cheap enough for every row, that raises Interrupted once the job should be
    cancelled or the worker shuts down. A lease lost meanwhile is noticed by the caller's next
    write.
    """
    done = Event()
    why: list[Ending] = []

    def renew() -> None:
        try:
            while not done.wait(BEAT):
                try:
                    if jobs.heartbeat(job):
                        why.append(Ending.CANCELLED)
                    elif lifeline.is_cut():
                        why.append(Ending.SHUTDOWN)
                except jobs.LeaseLost:
                    return
                except DATABASE_AWAY as error:
                    logger.warning("The lease could not be renewed: %s", error)
                    connection.close()
        finally:
            connection.close()

    def check() -> None:
        if why:
            raise Interrupted(why[0])

    thread = Thread(target=renew, name=f"lease of {job}", daemon=True)
    thread.start()
    try:
        yield check
    finally:
        done.set()
        thread.join()


def outlast_outage(write: Callable[[], Result]) -> Result:
    """Call `write` until the database answers; raises what it raises after LONGEST_OUTAGE."""
    deadline = time.monotonic() + LONGEST_OUTAGE
    while True:
        try:
            return write()
        except DATABASE_AWAY as error:
            if time.monotonic() > deadline:
                raise
            logger.warning("The database is away, trying again: %s", error)
            connection.close()
            time.sleep(1.0)
