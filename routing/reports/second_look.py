"""What pages and programs are told of second looks: what became of them, and whether they hold."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet

from annotate.models import Judgement, Project, TaskResponse
from annotate.quality.intervals import wilson
from routing.models import SecondLook, SecondLookItem, of_people
from routing.reports.decisions import majority

Outcome, State = SecondLookItem.Outcome, SecondLookItem.State


@dataclass(frozen=True)
class Held:
    """Of one outcome: at how many tasks people were asked, have answered, and found that the label
    which stands is wrong. `low`, `high`: Wilson, 95 %. `undecided`: people tie or split there.

    What stands is the judge's label, of what was turned round its opposite. Those asked about were
    drawn by chance where the label was trusted or turned, so the share is that of all of them.
    """

    outcome: str
    asked: int
    answered: int
    undecided: int
    wrong: int
    low: float
    high: float

    @property
    def name(self) -> str:
        return str(Outcome(self.outcome).label)

    @property
    def rate(self) -> float | None:
        return self.wrong / self.answered if self.answered else None


def counts_by_state(look: SecondLook) -> dict[str, int]:
    """How many tasks are planned, done and passed over. One query."""
    rows = look.items.order_by().values("state").annotate(n=Count("*"))
    return {**dict.fromkeys(State.values, 0), **{row["state"]: row["n"] for row in rows}}


def held(look: SecondLook) -> list[Held]:
    """What people said where the look asked them, by outcome. Three queries."""
    asks = Q(outcome=Outcome.PEOPLE) | Q(explored=True)
    items = list(look.items.filter(asks, state=State.APPLIED))
    tasks = [item.task_id for item in items]
    wanted = wanted_sides(Judgement.objects.labels().filter(task__in=tasks))
    return [
        _held(outcome, [item for item in items if item.outcome == outcome], wanted)
        for outcome in (Outcome.TRUST, Outcome.FLIP, Outcome.PEOPLE)
    ]


def _held(outcome: str, items: list[SecondLookItem], wanted: dict[int, int]) -> Held:
    answered = [item for item in items if item.task_id in wanted]
    decided = [item for item in answered if wanted[item.task_id]]
    stands = -1 if outcome == Outcome.FLIP else 1
    wrong = sum(wanted[item.task_id] != stands * item.label for item in decided)
    low, high = wilson(wrong, len(decided))
    return Held(outcome, len(items), len(decided), len(answered) - len(decided), wrong, low, high)


def wanted_sides(answers: QuerySet[Judgement]) -> dict[int, int]:
    """By task that people answered: 1 if most prefer its first response, -1 the second, else 0.
    Two queries.
    """
    votes: dict[int, list[int | None]] = {}
    people = of_people(answers)
    for task_id, value in people.values_list("task_id", "value"):
        votes.setdefault(task_id, []).append(value.get("preferred"))
    places = TaskResponse.objects.filter(task__in=list(votes))
    side = {
        (task, response): 1 if position == 0 else -1
        for task, response, position in places.values_list("task_id", "response_id", "position")
    }
    return {task: side.get((task, majority(said)), 0) for task, said in votes.items()}


def groups_of(look: SecondLook) -> list[dict[str, Any]]:
    """The outcomes with their counts, for tables; empty before the look has sorted anything."""
    counts = Counter(look.report.get("counts", {}))
    if not counts:
        return []
    explored = Counter(look.report["explored"])
    rows = [(outcome, counts[outcome.value], explored[outcome.value]) for outcome in Outcome]
    return [
        {
            "outcome": outcome.value,
            "name": outcome.label,
            "tasks": tasks,
            "asked": tasks if outcome == Outcome.PEOPLE else extra,
        }
        for outcome, tasks, extra in rows
    ]


def latest_looks(project: Project, most: int = 20) -> list[SecondLook]:
    """Newest first. One query."""
    rows = project.second_looks.select_related("judge", "created_by").order_by("-pk")
    return list(rows[:most])
