"""Whether any worker takes the jobs of a queue, and why a job that is queued does not begin.

The sweep calls the roll: a message to each queue, which whoever takes it answers. A worker that is
busy for hours cannot answer, but then the job that it works on has a heartbeat.
"""

import logging
from datetime import datetime, timedelta

from celery import current_app
from django.db.models import Max
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


def why_waiting(job: Job | None) -> Told | None:
    """Why a queued job has not begun yet; None for one that is not queued, or only just, or no job.

    A query; while no worker has answered one more for each kind of job of its queue.
    """
    if job is None or job.state != JobState.QUEUED:
        return None
    now = timezone.now()
    if now - max(one for one in (job.created_at, job.heartbeat_at) if one is not None) < FRESH:
        return None
    roll = QueueRoll.objects.filter(queue=job.queue).first()
    seen = roll.answered_at if roll is not None else None
    if seen is None or now - seen > SILENT:
        seen = max((one for one in (seen, _last_heartbeat(job.queue)) if one), default=None)
    if seen is not None and now - seen <= SILENT:
        return Told("Workers that take the queue {queue} are there; they do other work first.",
                    queue=job.queue)  # fmt: skip
    if roll is None or now - roll.called_at > SILENT:
        return Told(
            "Neither beat nor a worker that takes the queue default gives a sign of life; without "
            "them nothing that waits is begun again. Start them: bin/serve."
        )
    return _nobody(job.queue, None if seen is None else now - seen)


def _last_heartbeat(queue: str) -> datetime | None:
    """Of the jobs of this queue that run."""
    models = [model for model in jobs.job_models() if model.queue == queue]
    running = [model.objects.filter(state=JobState.RUNNING) for model in models]
    beats = [rows.aggregate(last=Max("heartbeat_at"))["last"] for rows in running]
    return max((one for one in beats if one is not None), default=None)


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
