"""Celery tasks of the annotate app: each takes an id and calls one service."""

from celery import shared_task

from annotate import handout
from annotate.models import QualityRun
from annotate.services import jobs, kept_answers, workers
from annotate.services.incoming import import_runs
from annotate.services.people import profiles, rates
from annotate.services.reports import boards, factors, quality_runs
from annotate.services.signals import rules as signal_rules
from annotate.services.webhooks import answers, deliveries
from annotate.services.work import overlaps

SEATS_A_SWEEP = 5000


@shared_task
def run_import(run_id: int) -> None:
    import_runs.run_import(run_id)


@shared_task
def compute_board(run_id: int) -> None:
    boards.compute_board(run_id)


@shared_task
def compute_factors(run_id: int) -> None:
    factors.compute_factors(run_id)


@shared_task
def sweep() -> None:
    """Wake jobs that are due or fell silent, call the workers, and give back seats whose lease ran
    out.
    """
    jobs.requeue_due()
    workers.call_roll()
    handout.reopen_expired(SEATS_A_SWEEP)


@shared_task
def fit_overlaps() -> int:
    """Fit the seats of tasks that got answers, where the overlap adapts; run by beat."""
    return overlaps.fit_due()


@shared_task
def tell_webhooks() -> int:
    """Make events of new judgements, and wake workers for whoever is to be told; run by beat."""
    answers.announce_answers()
    return deliveries.wake_due()


@shared_task
def deliver_webhook(webhook_id: int) -> int:
    """Bring one receiver what is due."""
    return deliveries.deliver_due(webhook_id=webhook_id)


@shared_task
def remove_old_deliveries() -> int:
    """Forget what webhooks were told long ago; run by beat."""
    return deliveries.remove_old()


@shared_task
def remove_old_signals() -> int:
    """Forget signals that are older than their project keeps them; run by beat."""
    return signal_rules.remove_old()


@shared_task
def advance_plans() -> int:
    """Bring comparison plans up to their votes and make the tasks that lack; run by beat."""
    from annotate.services.reports import (
        comparisons,  # numpy, which whoever only sends goes without
    )

    return comparisons.advance_plans()


@shared_task
def answer_roll(queue: str) -> None:
    """A worker of this queue is there."""
    workers.answer_roll(queue)


@shared_task
def remove_uploads() -> int:
    """Free the disk of uploads whose import is over."""
    return import_runs.remove_uploads()


@shared_task
def forget_tries() -> int:
    """Remove counts of tries that count no more."""
    return rates.forget_tries()


@shared_task
def forget_kept_answers() -> int:
    """Remove answers whose Idempotency-Key counts no more; run by beat."""
    return kept_answers.forget_old()


@shared_task
def delete_due_answers() -> int:
    """Delete what members told of themselves once its last day is over."""
    return profiles.delete_due_answers()


@shared_task
def compute_quality(run_id: int) -> None:
    """Reckon agreement, reliability and consensus, unless somebody else does."""
    run = jobs.claim(QualityRun, run_id, owner=jobs.owner_name())
    if run is not None:
        from annotate.services.reports import (
            quality_reports,  # numpy, which whoever only sends goes without
        )

        quality_reports.run_quality(run=run)


@shared_task
def compute_due_quality() -> int:
    """Queue the reports of projects with enough new judgements; run by beat."""
    return len(quality_runs.start_due_runs())
