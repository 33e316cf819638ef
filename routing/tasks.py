"""Celery's entry points to routing. Each takes an id and calls one service."""

import logging

from celery import shared_task

from annotate.services import jobs
from routing.models import (
    FeatureRun,
    JudgeRun,
    JudgeTestRun,
    PolicyFit,
    PolicySimulation,
    RoutingPolicy,
    RoutingRun,
    SecondLook,
    SelectionRun,
)
from routing.services import judge_runs, judge_tests, passes, selections, tagging_runs

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
def rank_tasks(run_id: int) -> None:
    """Work through a ranking, unless somebody else does."""
    run = jobs.claim(SelectionRun, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import ranking

        ranking.run_ranking(run=run)


@shared_task
def rank_due_tasks() -> int:
    """Queue the rankings that are due; run by beat."""
    return len(selections.rank_where_due())


@shared_task
def look_again(run_id: int) -> None:
    """Work through a second look, unless somebody else does."""
    run = jobs.claim(SecondLook, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import looking_again

        looking_again.run_second_look(run=run)


@shared_task
def start_due_tagging() -> int:
    """Let chosen judges tag what is new; run by beat."""
    waiting = tagging_runs.due_taggers()
    for judge in waiting:
        judge_runs.start_judging(judge=judge, actor=None, purpose=JudgeRun.Purpose.TAG)
    return len(waiting)


@shared_task
def simulate_policies(run_id: int) -> None:
    """Replay policies on past labels, unless somebody else does."""
    run = jobs.claim(PolicySimulation, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import simulating

        simulating.run_simulation(run=run)


@shared_task
def test_judge(run_id: int) -> None:
    """Test a judge against people, unless somebody else does."""
    run = jobs.claim(JudgeTestRun, run_id, owner=jobs.owner_name())
    if run is not None:
        from routing.services import testing_judges

        testing_judges.run_test(run=run)


@shared_task
def test_due_judges() -> int:
    """Queue the tests that policies at work need; run by beat."""
    return len(judge_tests.start_due_tests())


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
        except Exception as error:
            logger.exception("%s of project %s could not be looked after", policy, policy.project)
            upkeep.record_failure(policy=policy, error=error)
        else:
            measured += 1
    return measured
