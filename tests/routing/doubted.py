"""A project in which a judge labelled alone, and a reward model that knows better: length is right
where it differs much, and says nothing where it does not.
"""

import random
from math import exp

from annotate.models import Judge, Judgement, Project, Seat, Task, User
from routing.models import Decision, JudgeCall, RoutingPolicy
from routing.services.ledger import fingerprint_of
from routing.services.policies import current_judge
from tests.routing.planted import take_in

WRONG = 0.3  # of the judge's labels, whatever the lengths are
CLEAR = 25  # characters apart; the length judge's scale is 10


def gap(number: int) -> int:
    """Characters by which the second response of a task is longer."""
    return 1 + (number * 7) % 61


def better(number: int) -> int:
    """Which response people prefer: the longer one where the lengths differ clearly."""
    return 1 if gap(number) >= CLEAR else random.Random(f"coin {number}").randrange(2)


def judged(number: int) -> int:
    """Which response the judge prefers."""
    slips = random.Random(f"slip {number}").random() < WRONG
    return 1 - better(number) if slips else better(number)


def fill(project: Project, people: User, *, audited: int, alone: int) -> list[Task]:
    """Tasks whose label by the judge people audited, then those that it labelled alone; a policy is
    in force that drew the former with a chance of one in ten.
    """
    total = audited + alone
    rows = [
        {
            "id": f"row{n}",
            "prompt": f"Question {n}?",
            "responses": [f"Answer {n:03}.", f"Answer {n:03}{'x' * gap(n)}."],
        }
        for n in range(total)
    ]
    take_in(project, rows)
    tasks = list(project.tasks.order_by("pk").prefetch_related("places"))
    judge = Judge.objects.create(project=project, name="llm", version=1, kind="openai")
    policy = RoutingPolicy.objects.create(
        project=project, version=1, judge=judge, threshold=0.5, state="active", seed=1
    )
    Judgement.objects.bulk_create(
        label(task, judged(n), judge=judge) for n, task in enumerate(tasks)
    )
    Judgement.objects.bulk_create(
        label(task, better(n), annotator=people) for n, task in enumerate(tasks[:audited])
    )
    Decision.objects.bulk_create(
        Decision(
            task=task, policy=policy, score=0.8, threshold=0.5, propensity=0.1, p_err=0.2,
            route="both" if n < audited else "ai", explored=n < audited,
            judge_label=1 - 2 * judged(n),
        )
        for n, task in enumerate(tasks)
    )  # fmt: skip
    read(tasks)
    alone_ids = [task.pk for task in tasks[audited:]]
    Task.objects.filter(pk__in=alone_ids).update(route="ai")
    Seat.objects.filter(task__in=alone_ids).update(state="void")
    Task.objects.exclude(pk__in=alone_ids).update(route="both")
    return tasks


def read(tasks: list[Task]) -> None:
    """The reward model in service has read them: its calls are on record."""
    judge = current_judge(project=tasks[0].project)
    JudgeCall.objects.bulk_create(
        JudgeCall(
            judge=judge,
            task=task,
            fingerprint=fingerprint_of(judge),
            shown_order=[place.response_id for place in sorted(task.places.all(), key=_position)],
            p_first=1 / (1 + exp(gap(number) / judge.config["scale"])),
        )
        for number, task in enumerate(tasks)
    )


def label(task: Task, side: int, **author: object) -> Judgement:
    """A preference for the task's first (0) or second (1) response, not saved."""
    responses = [place.response_id for place in sorted(task.places.all(), key=_position)]
    return Judgement(
        project_id=task.project_id,
        task=task,
        kind="pairwise",
        value={"verdict": "prefer", "preferred": responses[side], "strength": 1},
        source="judge" if "judge" in author else "person",
        **author,
    )


def _position(place) -> int:
    return place.position
