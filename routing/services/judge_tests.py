"""Tests of judges against people, as a manager asks for them and as policies need them."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from annotate.inputs import InvalidValue, clean_number
from annotate.models import JobState, Judge, User
from annotate.services import audit, jobs
from routing.models import JudgeTestRun, RoutingPolicy
from routing.services.asked import OF_PAIRS

GOING = (JobState.QUEUED, JobState.RUNNING)
EPSILON = 0.15
AGAIN = timedelta(days=1)
AT_WORK = (RoutingPolicy.State.ACTIVE, RoutingPolicy.State.SHADOW)


@transaction.atomic
def start_test(*, judge: Judge, actor: User | None, epsilon: object = EPSILON) -> JudgeTestRun:
    """Queue a test in every domain; the one under way if there is one. Raises InvalidValue."""
    given = float(clean_number("epsilon", epsilon, low=0, high=1))
    if judge.project.kind not in OF_PAIRS:
        raise InvalidValue("judge", "is tested on pairs, and this project asks something else")
    Judge.objects.select_for_update(no_key=True).get(pk=judge.pk)
    going = judge.test_runs.filter(state__in=GOING).first()
    if going is not None:
        return going
    run = JudgeTestRun.objects.create(
        project=judge.project, judge=judge, epsilon=given, created_by=actor
    )
    audit.record(
        action="judge.test_queued",
        target=run,
        actor=actor,
        project=judge.project,
        judge=str(judge),
        epsilon=given,
    )
    jobs.enqueue(run)
    return run


def start_due_tests() -> list[JudgeTestRun]:
    """Test, once a day, the judges of policies at work that keep to tested domains; run by beat.

    With the epsilon of their last test.
    """
    at_work = RoutingPolicy.objects.filter(state__in=AT_WORK, project__archived_at=None)
    runs = []
    for policy in at_work.exclude(settings__domains="").filter(settings__has_key="domains"):
        places = policy.places.select_related("judge__project").order_by("position")
        for judge in [place.judge for place in places] or [policy.judge]:
            last = judge.test_runs.order_by("-pk").first()
            if last is None or last.created_at < timezone.now() - AGAIN:
                epsilon = last.epsilon if last is not None else EPSILON
                runs.append(start_test(judge=judge, actor=None, epsilon=epsilon))
    return runs
