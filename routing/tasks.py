"""Celery's entry points to routing. Each takes an id and calls one service."""

from celery import shared_task

from annotate.services import jobs
from routing.models import JudgeRun, RoutingRun
from routing.services import judge_runs, passes


@shared_task
def run_routing(run_id: int) -> None:
    """Work through one pass, unless somebody else does."""
    run = jobs.claim(RoutingRun, run_id, owner=jobs.owner_name())
    if run is not None:
        passes.run_routing(run=run)


@shared_task
def start_due_routing() -> int:
    """Queue a pass for each project that has undecided tasks; run by beat."""
    projects = passes.projects_waiting()
    for project in projects:
        passes.start_routing(project=project, actor=None)
    return len(projects)


@shared_task
def run_judge(run_id: int) -> None:
    """Let a judge work through its run, unless somebody else does."""
    run = jobs.claim(JudgeRun, run_id, owner=jobs.owner_name())
    if run is not None:
        judge_runs.run_judge(run=run)
