"""Whether any worker takes the jobs of a queue, and why a job that is queued does not begin.

The sweep calls the roll: a message to each queue, which whoever takes it answers. A worker that is
busy for hours cannot answer, but then the job that it works on has a heartbeat.
"""

import logging
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from celery import current_app
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotate.extras import TRAINING_QUEUES, missing_for_training
from annotate.models import Job, JobState, QueueRoll
from annotate.services import jobs
from annotate.wording import Told

CALL_EVERY = timedelta(seconds=60)
SILENT = timedelta(minutes=3)  # after so long without a sign nobody is there
FRESH = timedelta(seconds=30)  # a job may wait for so long without a word
TASK = "annotate.tasks.answer_roll"

Memo = dict[object, Any]
"""What was found out for one job of a list, kept for the next."""

Reason = Callable[[Job, Memo], Told | None]
"""What else a job that is not over waits for; asked while it is queued and while it runs."""

_reasons: dict[type[Job], Reason] = {}

logger = logging.getLogger(__name__)


def call_roll() -> int:
    """Call the workers of every queue whose last call is CALL_EVERY ago; returns how many calls.

    None goes to a queue that holds messages: nobody who could answer is idle, and calls would pile
    up.
    """
    now, count = timezone.now(), 0
    for queue in sorted({model.queue for model in jobs.job_models()}):
        roll, is_new = QueueRoll.objects.get_or_create(queue=queue, defaults={"called_at": now})
        rows = QueueRoll.objects.filter(queue=queue, called_at__lte=now - CALL_EVERY)
        if (is_new or rows.update(called_at=now)) and not jobs.messages_in(queue):
            count += _call(roll.queue)
    return count


def _call(queue: str) -> bool:
    seconds = CALL_EVERY.total_seconds()
    try:
        current_app.send_task(TASK, [queue], queue=queue, expires=seconds, retry=False)
    except (OSError, OperationalError) as error:
        logger.warning("Broker unreachable, the workers of %s were not called: %s", queue, error)
        return False
    return True


def answer_roll(queue: str) -> None:
    """A worker of this queue is there now."""
    QueueRoll.objects.filter(queue=queue).update(answered_at=timezone.now())


def register_reason(model: type[Job], reason: Reason) -> None:
    """What jobs of this kind may wait for beside a worker."""
    _reasons[model] = reason


def why_waiting(job: Job | None, memo: Memo | None = None) -> Told | None:
    """Why a job goes no further: no worker has taken it yet, the one that had it fell silent, or
    what its kind may wait for. None for one that is over or goes on, or was queued only just, or no
    job.

    A query or, while workers are busy or none has answered, two; and those of its kind's own
    reason. A list passes the same `memo` for all of its jobs, and then it is two for each queue.
    """
    if job is None or job.is_over:
        return None
    reason = _reasons.get(type(job))
    memo = {} if memo is None else memo
    own = reason(job, memo) if reason is not None else None
    why = _why_queued if job.state == JobState.QUEUED else _why_silent
    queued = why(job, memo)
    if own is None or queued is None:
        return own or queued
    return Told("{why} {more}", why=queued, more=own)


def _why_silent(job: Job, memo: Memo) -> Told | None:
    """Of a job whose lease has run out: it stands as running until the next worker takes it."""
    if job.heartbeat_at is None or job.lease_until is None or job.lease_until > timezone.now():
        return None
    silent = Told(
        "The worker that had it has been silent since {when} (UTC); the next one that is free goes "
        "on with it.",
        when=f"{job.heartbeat_at:%Y-%m-%d %H:%M}",
    )
    waits = _why_queued(job, memo)
    return silent if waits is None else Told("{why} {more}", why=silent, more=waits)


def _why_queued(job: Job, memo: Memo) -> Told | None:
    now = timezone.now()
    if now - max(one for one in (job.created_at, job.heartbeat_at) if one is not None) < FRESH:
        return None
    if ("roll", job.queue) not in memo:
        memo["roll", job.queue] = QueueRoll.objects.filter(queue=job.queue).first()
    roll: QueueRoll | None = memo["roll", job.queue]
    seen = roll.answered_at if roll is not None else None
    if seen is None or now - seen > SILENT:
        last = _line(job.queue, memo).last_heartbeat
        seen = max((one for one in (seen, last) if one), default=None)
    if seen is not None and now - seen <= SILENT:
        return _busy(job, _line(job.queue, memo))
    if roll is None or now - roll.called_at > SILENT:
        return Told(
            "Neither beat nor a worker that takes the queue default gives a sign of life; without "
            "them nothing that waits is begun again. Start them: bin/serve."
        )
    return _nobody(job.queue, None if seen is None else now - seen)


@dataclass(frozen=True)
class _Line:
    """What a queue's workers have before them; `queued` in order."""

    running: int
    last_heartbeat: datetime | None
    queued: list[datetime]


def _line(queue: str, memo: Memo) -> _Line:
    """One query, over all kinds of job of the queue; none where the memo has it."""
    found = memo.get(("line", queue))
    if isinstance(found, _Line):
        return found
    rows = [
        model.objects.filter(state__in=[JobState.RUNNING, JobState.QUEUED])
        .order_by()
        .values_list("state", "created_at", "heartbeat_at")
        for model in jobs.job_models()
        if model.queue == queue
    ]
    ahead = list(rows[0].union(*rows[1:], all=True))
    beats = [beat for state, _, beat in ahead if state == JobState.RUNNING]
    line = _Line(
        len(beats),
        max((one for one in beats if one is not None), default=None),
        sorted(begun for state, begun, _ in ahead if state == JobState.QUEUED),
    )
    memo["line", queue] = line
    return line


def _busy(job: Job, line: _Line) -> Told:
    """Workers are there, so the job waits for what they work on, and for what came before it."""
    return Told(
        "Workers that take the queue {queue} are there; they do other work first: {running} under "
        "way, {earlier} queued earlier.",
        queue=job.queue,
        running=line.running - (job.state == JobState.RUNNING),
        earlier=bisect_left(line.queued, job.created_at),
    )


def _nobody(queue: str, silence: timedelta | None) -> Told:
    if silence is None:
        nobody = Told("No worker that takes the queue {queue} has ever been seen.", queue=queue)
    else:
        nobody = Told(
            "No worker that takes the queue {queue} has been seen for {minutes} minutes.",
            queue=queue,
            minutes=int(silence.total_seconds() // 60),
        )
    missing = missing_for_training() if queue in TRAINING_QUEUES else []
    if missing:
        return Told(
            "{nobody} On the machine of this page the `training` extra is missing ({packages}), "
            "without which bin/serve starts none: install it, or start a worker elsewhere.",
            nobody=nobody,
            packages=", ".join(missing),
        )
    return Told("{nobody} Start one: celery -A config.celery worker -Q {queue}.",
                nobody=nobody, queue=queue)  # fmt: skip
