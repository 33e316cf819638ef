"""Celery's entry points to training. Each takes an id at most and calls one service."""

from celery import shared_task

from annotate.services import jobs
from training import places
from training.models import EvaluationRun, Matchmaking, SamplingRun, ServingJob, TrainingRun
from training.services import (
    advance,
    leftovers,
    preference_features,
    running,
    schedules,
    serving,
    serving_work,
)


@shared_task
def run_training(run_id: int) -> None:
    """Train one model, unless somebody else does."""
    run = jobs.claim(TrainingRun, run_id, owner=jobs.owner_name())
    if run is not None:
        running.train(run=run)


@shared_task
def run_sampling(run_id: int) -> None:
    """Sample one policy, unless somebody else does."""
    run = jobs.claim(SamplingRun, run_id, owner=jobs.owner_name())
    if run is not None:
        running.sample(run=run)


@shared_task
def run_matchmaking(run_id: int) -> None:
    """Choose the pairs of one sampling, unless somebody else does or others are chosen here."""
    with places.place(places.MATCHING) as free:
        run = jobs.claim(Matchmaking, run_id, owner=jobs.owner_name()) if free else None
        if run is not None:
            running.match(run=run)


@shared_task
def advance_loops() -> int:
    """Take every step that a loop may take now."""
    return advance.advance_loops()


@shared_task
def run_evaluation(run_id: int) -> None:
    """Evaluate one version on one set, unless somebody else does or another one is here."""
    with places.place(places.EVALUATION) as free:
        run = jobs.claim(EvaluationRun, run_id, owner=jobs.owner_name()) if free else None
        if run is not None:
            running.evaluate(run=run)


@shared_task
def find_preference_features(run_id: int) -> None:
    """Find features in people's choices, unless somebody else does."""
    preference_features.find_features(run_id)


@shared_task
def run_serving(job_id: int) -> None:
    """Answer one request for scores or samples, unless somebody else does."""
    job = jobs.claim(ServingJob, job_id, owner=jobs.owner_name())
    if job is not None:
        serving_work.serve(job=job)


@shared_task
def run_due_schedules() -> int:
    """Queue a run for every schedule that is due."""
    return len(schedules.queue_due_runs())


@shared_task
def remove_leftovers() -> int:
    """Free the disk of what killed and cancelled runs left."""
    return leftovers.remove_leftovers()


@shared_task
def remove_expired_answers() -> int:
    """Forget rows and answers that were kept long enough."""
    return serving.remove_expired()
