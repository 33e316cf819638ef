"""Leasing long work: who may run a job row, and how it ends.

The broker only wakes workers up. A worker that gets a message calls `claim`, which one
UPDATE decides; a second message for the same row finds nothing to claim. While it works it
calls `heartbeat`; a row whose lease ran out is queued again by `requeue_due`, run by beat.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotate.inputs import InvalidValue
from annotate.models import Job, JobState
from annotate.wording import Told

LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
MAX_ATTEMPTS = 5
MOST_WAITING = 20  # messages in a queue; with more of them the sweep sends none

logger = logging.getLogger(__name__)

_endings: dict[type[Job], Callable[[Job], None]] = {}


def register_ending(model: type[Job], tell: Callable[[Job], None]) -> None:
    """Call `tell` with every job of this kind that is over, in the transaction that ends it."""
    _endings[model] = tell


def _tell_ending(model: type[Job], job_id: int) -> None:
    if model in _endings:
        _endings[model](model.objects.get(pk=job_id))


class LeaseLost(Exception):
    """Somebody else runs the job now, or it is over; stop at once and write nothing more."""


def owner_name() -> str:
    """Names this process and thread, so that a restarted worker is somebody else."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_native_id()}"


def enqueue(job: Job) -> None:
    """Send the waking message once the surrounding transaction has committed.

    A broker that cannot be reached is no error here: the sweep sends the message again.
    """
    transaction.on_commit(lambda: _send(job))


def _send(job: Job) -> None:
    try:
        current_app.send_task(job.task_name, [job.pk], queue=job.queue, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("Broker unreachable, %s waits: %s", job, error)


@transaction.atomic
def claim(model: type[Job], job_id: int, *, owner: str) -> Job | None:
    """Take the job, or None if it is over, running elsewhere, or was cancelled while queued.

    A job that fell silent more than MAX_ATTEMPTS times is failed instead of tried again.
    """
    now = timezone.now()
    due = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_until__lt=now)
    rows = model.objects.filter(due, pk=job_id)
    ended = rows.filter(cancel_requested=True).update(state=JobState.CANCELLED, finished_at=now)
    ended += rows.filter(attempt__gte=MAX_ATTEMPTS).update(
        state=JobState.FAILED,
        finished_at=now,
        **message_columns(
            Told(
                "Its worker died {count} times in a row. See the worker's log.", count=MAX_ATTEMPTS
            )
        ),
    )
    if ended:
        _tell_ending(model, job_id)
    taken = rows.update(
        state=JobState.RUNNING,
        owner=owner,
        lease_until=now + LEASE,
        heartbeat_at=now,
        attempt=F("attempt") + 1,
    )
    if not taken:
        return None
    model.objects.filter(pk=job_id, started_at=None).update(started_at=now)
    return model.objects.get(pk=job_id)


def message_columns(message: str | Told) -> dict[str, object]:
    """What a row keeps of a message: in English, and what pages in other languages tell."""
    if isinstance(message, Told):
        return {"message": message.message, "told": message.as_dict()}
    return {"message": message, "told": None}


def why(error: Exception) -> str | Told:
    """What an error says, to be kept as a message."""
    if isinstance(error, InvalidValue):
        return Told("{place}: {why}", place=error.field, why=error.apart())
    return error.apart() if isinstance(error, Told) else str(error)


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, **message_columns(fields["message"])} if "message" in fields else fields


def heartbeat(job: Job, **fields: object) -> bool:
    """Renew the lease and write `fields`; True if the job was asked to stop.

    `message` may be text or, to be translated when it is shown, Told. Raises LeaseLost when the
    row is no longer this owner's.
    """
    now, fields = timezone.now(), _columns(fields)
    mine = type(job).objects.filter(pk=job.pk, owner=job.owner, state=JobState.RUNNING)
    if not mine.update(lease_until=now + LEASE, heartbeat_at=now, **fields):
        raise LeaseLost(f"{job} is no longer ours")
    for name, value in fields.items():
        setattr(job, name, value)
    return bool(mine.filter(cancel_requested=True).exists())


@transaction.atomic
def finish(job: Job, state: JobState, **fields: object) -> None:
    """End the job as done, failed or cancelled. Raises LeaseLost as `heartbeat` does."""
    mine = type(job).objects.filter(pk=job.pk, owner=job.owner, state=JobState.RUNNING)
    values = {
        "state": state,
        "finished_at": timezone.now(),
        "lease_until": None,
        **_columns(fields),
    }
    if not mine.update(**values):
        raise LeaseLost(f"{job} is no longer ours")
    _tell_ending(type(job), job.pk)
    for name, value in values.items():
        setattr(job, name, value)


def release(job: Job, *, excused: bool, wake: bool = True, **fields: object) -> None:
    """Give the job back to the queue and wake a worker. Raises LeaseLost as `heartbeat` does.

    `excused`: this attempt does not count against the job: the worker was told to stop, or could
    not begin. `wake`: False leaves it to the next sweep to wake a worker.
    """
    mine = type(job).objects.filter(pk=job.pk, owner=job.owner, state=JobState.RUNNING)
    values = {"state": JobState.QUEUED, "owner": "", "lease_until": None, **_columns(fields)}
    if excused:
        values["attempt"] = job.attempt - 1
    if not mine.update(**values):
        raise LeaseLost(f"{job} is no longer ours")
    if wake:
        enqueue(job)


@transaction.atomic
def request_cancel(job: Job) -> None:
    """Ask the job to stop: at once if it still waits, else at its next heartbeat."""
    rows = type(job).objects.filter(pk=job.pk)
    ended = rows.filter(state=JobState.QUEUED).update(
        state=JobState.CANCELLED, finished_at=timezone.now(), cancel_requested=True
    )
    if ended:
        _tell_ending(type(job), job.pk)
    rows.filter(state=JobState.RUNNING).update(cancel_requested=True)


def job_models() -> list[type[Job]]:
    """Every kind of job in the installed apps."""
    return [model for model in apps.get_models() if issubclass(model, Job)]


def requeue_due() -> int:
    """Send a message for every job that waits or whose worker fell silent; returns how many.

    None to a queue that holds MOST_WAITING already: a worker that is busy for hours, or not
    there, would find a message of each sweep. Those that wait wake it, and later sweeps the rest.
    """
    count = 0
    now = timezone.now()
    for model in job_models():
        silent = Q(state=JobState.RUNNING, lease_until__lt=now)
        waiting = Q(state=JobState.QUEUED, created_at__lt=now - timedelta(seconds=5))
        due = list(model.objects.filter(silent | waiting).order_by("pk")[:MOST_WAITING])
        room = MOST_WAITING - messages_in(model.queue) if due else 0
        for job in due[: max(0, room)]:
            _send(job)
            count += 1
    return count


def messages_in(queue: str) -> int:
    """0 also for a queue that does not exist yet, or a broker that cannot be reached."""
    with current_app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0)
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except (OSError, OperationalError, *connection.channel_errors):
            return 0
