"""Celery tasks of the annotate app: each takes an id and calls one service."""

from celery import shared_task

from annotate import handout
from annotate.services import import_runs, jobs

SEATS_A_SWEEP = 5000


@shared_task
def run_import(run_id: int) -> None:
    import_runs.run_import(run_id)


@shared_task
def sweep() -> None:
    """Wake jobs that are due or fell silent, and give back seats whose lease ran out."""
    jobs.requeue_due()
    handout.reopen_expired(SEATS_A_SWEEP)


@shared_task
def remove_uploads() -> int:
    """Free the disk of uploads whose import is over."""
    return import_runs.remove_uploads()
