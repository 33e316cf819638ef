"""What the routing page says of judge and people."""

import pytest

from annotate.models import Judge, Judgement
from routing.models import Decision, RoutingPolicy
from routing.reports.decisions import audit_agreement

pytestmark = pytest.mark.django_db


def test_two_people_with_the_same_answer_are_two_votes(make_project, make_user, make_pair_tasks):
    project = make_project(overlap=3)
    [task] = make_pair_tasks(project, 1)
    first, second = task.places.order_by("position").values_list("response_id", flat=True)
    judge = Judge.objects.create(project=project, name="rm", version=1, kind="reward_model")
    for version, state in ((1, "retired"), (2, "active")):
        policy = RoutingPolicy.objects.create(
            project=project, version=version, judge=judge, threshold=0.5, state=state
        )
        Decision.objects.create(
            task=task,
            policy=policy,
            score=0.9,
            threshold=0.5,
            route="both",
            explored=True,
            propensity=0.1,
        )
    said = {"project": project, "task": task, "kind": "pairwise"}
    answer = {"verdict": "prefer", "preferred": first, "strength": 1}
    Judgement.objects.create(**said, source="judge", judge=judge, value=answer)
    for number, preferred in enumerate((first, first, second)):
        Judgement.objects.create(
            **said,
            source="person",
            annotator=make_user(f"ann{number}"),
            value={**answer, "preferred": preferred},
        )
    found = audit_agreement(project)
    assert (found.tasks, found.agreeing, found.undecided) == (1, 1, 0)
