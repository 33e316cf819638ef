"""Reports on quality: asked for by a manager, or due because enough new judgements came."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotate.models import JobState, Judgement, Project, QualityRun, User
from annotate.services import audit, jobs

GOING = (JobState.QUEUED, JobState.RUNNING)
LEAST_NEW = 50  # judgements since the last report, and at least …
NEW_SHARE = 0.05  # … of those that it counted
AGAIN = timedelta(minutes=15)
KEPT = 20  # reports of a project


@transaction.atomic
def start_run(*, project: Project, actor: User | None) -> QualityRun:
    """Queue a report; the one under way if there is one."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    going = project.quality_runs.filter(state__in=GOING).first()
    if going is not None:
        return going
    run = QualityRun.objects.create(project=project, created_by=actor)
    audit.record(action="quality.queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run


@transaction.atomic
def cancel_run(*, run: QualityRun, actor: User) -> None:
    """Stop it; the last report stays. One that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="quality.cancel_asked", target=run, actor=actor, project=run.project)


def start_due_runs() -> list[QualityRun]:
    """Queue reports where enough new judgements came; run by beat.

    A project whose last run failed waits until more came than that one saw. Two short queries a
    project.
    """
    runs = []
    for project in Project.objects.live():
        last = project.quality_runs.order_by("-pk").defer("report").first()
        if last is not None and (not last.is_over or last.created_at > timezone.now() - AGAIN):
            continue
        seen, counted = (last.newest_judgement, last.judgements) if last else (0, 0)
        wanted = max(LEAST_NEW, int(NEW_SHARE * counted))
        new = Judgement.objects.filter(project=project, pk__gt=seen).order_by("pk")
        if new.values_list("pk")[wanted - 1 : wanted]:
            runs.append(start_run(project=project, actor=None))
    return runs
