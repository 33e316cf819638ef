"""What a project's routing did: shares, and how far the judge and people agree."""

from collections import Counter
from dataclasses import dataclass

from annotate.models import Judgement, Project
from annotate.quality.intervals import wilson
from routing.models import Decision, RoutingPolicy


@dataclass(frozen=True)
class AuditAgreement:
    """Judge against people on the audited tasks, one count a task.

    The audit is a random draw from the judge's share, so `rate` estimates the agreement on
    that whole share. A task counts when a majority of its people prefer one response;
    `undecided` are those where they tie or split. `low`, `high`: Wilson, 95 %.
    """

    tasks: int
    agreeing: int
    undecided: int
    low: float
    high: float

    @property
    def rate(self) -> float | None:
        return self.agreeing / self.tasks if self.tasks else None


@dataclass(frozen=True)
class RouteFigures:
    """`routes` counts each task's latest decision by route."""

    policy: RoutingPolicy | None
    routes: dict[str, int]
    agreement: AuditAgreement

    @property
    def total(self) -> int:
        return sum(self.routes.values())


def route_figures(project: Project) -> RouteFigures:
    """Four queries, whatever the project's size."""
    latest = (
        Decision.objects.filter(policy__project=project)
        .order_by("task_id", "-policy__version")
        .distinct("task_id")
        .values_list("route", flat=True)
    )
    policy = (
        RoutingPolicy.objects.filter(project=project, state=RoutingPolicy.State.ACTIVE)
        .select_related("judge")
        .first()
    )
    return RouteFigures(
        policy=policy, routes=dict(Counter(latest)), agreement=audit_agreement(project)
    )


def majority(votes: list[int | None]) -> int | None:
    """The response that more than half of the votes prefer; None (also a vote) is a tie."""
    choice, count = Counter(votes).most_common(1)[0]
    return choice if count * 2 > len(votes) else None


def audit_agreement(project: Project) -> AuditAgreement:
    """Over every task that the audit draw sent to people and that people have answered."""
    rows = (
        Judgement.objects.current()
        .filter(project=project, task__decisions__explored=True)
        .exclude(source=Judgement.Source.IMPORTED)
        .values_list("pk", "task_id", "source", "value")
        .distinct()  # several policies may have decided the task
    )
    judge: dict[int, int] = {}
    people: dict[int, list[int | None]] = {}
    for _, task_id, source, value in rows:
        if source == Judgement.Source.JUDGE:
            judge[task_id] = value["preferred"]
        else:
            people.setdefault(task_id, []).append(value.get("preferred"))
    verdicts = [(judge[task], majority(votes)) for task, votes in people.items() if task in judge]
    decided = [(said, wanted) for said, wanted in verdicts if wanted is not None]
    agreeing = sum(said == wanted for said, wanted in decided)
    low, high = wilson(agreeing, len(decided))
    return AuditAgreement(len(decided), agreeing, len(verdicts) - len(decided), low, high)
