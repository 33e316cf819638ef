"""Celery's entry points to routing. Each takes an id and calls one service."""

import logging

from celery import shared_task

from annotate.services import jobs
from routing.models import FeatureRun, JudgeRun, PolicyFit, RoutingPolicy, RoutingRun
from routing.services import judge_runs, passes

logger = logging.getLogger(__name__)


@shared_task
def run_routing(run_id: int) -> None:
    """Work through one pass, unless somebody else does."""
    run = jobs.claim(RoutingRun, run_id, owner=jobs.owner_name())
    if run is not None:
        passes.run_routing(run=run)


@shared_task
def start_due_routing() -> int:
    """Queue a pass for each project that has undecided tasks; run by beat."""
    waiting = passes.policies_waiting()
    for policy in waiting:
        shadow = policy.state == RoutingPolicy.State.SHADOW
        passes.start_routing(project=policy.project, actor=None, shadow=shadow)
    return len(waiting)


@shared_task
def run_judge(run_id: int) -> None:
    """Let a judge work through its run, unless somebody else does."""
    run = jobs.claim(JudgeRun, run_id, owner=jobs.owner_name())
    if run is not None:
        judge_runs.run_judge(run=run)


@shared_task
def run_features(run_id: int) -> None:
    """Compute a project's features, unless somebody else does."""
    run = jobs.claim(FeatureRun, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import featurising  # numpy, which whoever only sends goes without

        featurising.run_features(run=run)


@shared_task
def fit_policy(run_id: int) -> None:
    """Fit a policy, unless somebody else does."""
    run = jobs.claim(PolicyFit, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import fitting

        fitting.run_fit(run=run)


@shared_task
def look_after_policies() -> int:
    """Measure fitted policies at work, and fit anew where it is due; run by beat."""
    from routing.services import upkeep

    at_work = RoutingPolicy.objects.filter(
        state__in=[RoutingPolicy.State.ACTIVE, RoutingPolicy.State.SHADOW],
        project__archived_at=None,
    ).exclude(kind=RoutingPolicy.Kind.MARGIN)
    policies = list(at_work.select_related("project", "spec"))
    measured = 0
    for policy in policies:
        try:
            upkeep.look_after(policy=policy)
        except Exception:
            logger.exception("%s of project %s could not be looked after", policy, policy.project)
        else:
            measured += 1
    return measured
