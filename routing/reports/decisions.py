"""What a project's routing did: shares, and how far the judge and people agree."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from math import inf, sqrt

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q

from annotate.models import Judgement, Membership, Project, Seat, Task
from annotate.quality.intervals import wilson
from annotate.reports.remembered import remembered
from routing.models import (
    Decision,
    PeopleCounted,
    RoutingPolicy,
    of_people,
    outside_second_looks,
)
from routing.services.policies import experts_of

LATEST_ROUTES = """
SELECT route, count(*) FROM (
    SELECT DISTINCT ON (d.task_id) d.route
    FROM routing_decision d JOIN routing_routingpolicy p ON p.id = d.policy_id
    WHERE p.project_id = %s AND NOT d.shadow
    ORDER BY d.task_id, d.id DESC) latest
GROUP BY route
"""


@dataclass(frozen=True)
class AuditAgreement:
    """Judge against people on the audited tasks, one count a task.

    The audit is a random draw from the judge's share, so `rate` estimates the agreement on
    that whole share, as long as the audited share stays the same: tasks of all policies and all
    versions of the judge count alike. A task counts when a majority of its people prefer one
    response; `undecided` are those where they tie or split. `low`, `high`: Wilson, 95 %.
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


@dataclass(frozen=True)
class ForExperts:
    """What is open to members of the tier expert alone, and how many of these could have it."""

    tasks: int
    experts: int


def for_experts(project: Project) -> ForExperts:
    """Two queries; one where nothing is kept for them."""
    open_seats = Seat.objects.filter(task=OuterRef("pk"), state=Seat.State.OPEN)
    kept = Task.objects.filter(project=project, tier=Membership.Tier.EXPERT)
    tasks = kept.filter(Exists(open_seats)).count()
    return ForExperts(tasks, experts_of(project).count() if tasks else 0)


def policy_in_force(project: Project) -> RoutingPolicy | None:
    """The project's active policy with its judge."""
    active = RoutingPolicy.objects.filter(project=project, state=RoutingPolicy.State.ACTIVE)
    return active.select_related("judge").first()


def route_figures(project: Project) -> RouteFigures:
    """Three queries, whatever the project's size."""
    return RouteFigures(
        policy=policy_in_force(project),
        routes=_latest_routes(project),
        agreement=audit_agreement(project),
    )


def _latest_routes(project: Project) -> dict[str, int]:
    """Counted by the database: a million decisions stay there. An earlier policy may be in force
    again, so the latest decision is that with the highest id.
    """
    with connection.cursor() as cursor:
        cursor.execute(LATEST_ROUTES, [project.pk])
        return dict(cursor.fetchall())


@dataclass(frozen=True)
class LabelsOfPeople:
    """All labels of people, and how many of them simulated people gave; whether figures of routing
    count those.
    """

    labels: int
    simulated: int
    counts_simulated: bool = True


def labels_of_people(project: Project) -> LabelsOfPeople:
    """Two queries, one over all labels of the project; pages remember it."""
    rows = Judgement.objects.labels().filter(project=project)
    found = rows.exclude(source=Judgement.Source.JUDGE).aggregate(
        labels=Count("pk"), simulated=Count("pk", filter=Q(simulated=True))
    )
    left_out = PeopleCounted.objects.filter(project=project, simulated=False)
    return LabelsOfPeople(**found, counts_simulated=not left_out.exists())


def remembered_labels(project: Project) -> LabelsOfPeople:
    """As `labels_of_people`, perhaps a little older."""
    return remembered(_people_key(project), lambda: labels_of_people(project))


def forget_labels(project: Project) -> None:
    """What is remembered of them, once somebody chose whether simulated people count."""
    cache.delete(_people_key(project))


def _people_key(project: Project) -> str:
    return f"report-people:{project.pk}"


def majority(votes: list[int | None]) -> int | None:
    """The response that more than half of the votes prefer; None (also a vote) is a tie."""
    choice, count = Counter(votes).most_common(1)[0]
    return choice if count * 2 > len(votes) else None


def audit_agreement(project: Project) -> AuditAgreement:
    """Over every task that the audit draw sent to people and that people have answered."""
    verdicts = _audited(project)
    decided = [(said, wanted) for said, wanted in verdicts.values() if wanted is not None]
    agreeing = sum(said == wanted for said, wanted in decided)
    low, high = wilson(agreeing, len(decided))
    return AuditAgreement(len(decided), agreeing, len(verdicts) - len(decided), low, high)


def _audited(project: Project, **decided: object) -> dict[int, tuple[int | None, int | None]]:
    """What the judge and the majority of people said, by audited task that both answered.

    `decided` narrows the decisions that sent a task to the audit. What a second look asked about is
    no random draw, and left out. One query.
    """
    draws = Decision.objects.filter(policy__project=project, explored=True, shadow=False, **decided)
    mine = {"project": project, "task__in": draws.values("task")}
    # A judge's label that a reviewer amended or dismissed is one of its errors, so it stays.
    by_judges = Judgement.objects.filter(source=Judgement.Source.JUDGE, **mine)
    by_people = of_people(Judgement.objects.labels().by_people().filter(**mine))
    columns = ("task_id", "source", "value")
    rows = (
        outside_second_looks(by_judges)
        .values_list(*columns)
        .union(outside_second_looks(by_people).values_list(*columns), all=True)
    )
    judge: dict[int, int | None] = {}
    people: dict[int, list[int | None]] = {}
    for task_id, source, value in rows:
        if source == Judgement.Source.JUDGE:
            judge[task_id] = value.get("preferred")
        else:
            people.setdefault(task_id, []).append(value.get("preferred"))
    return {task: (judge[task], majority(votes)) for task, votes in people.items() if task in judge}


@dataclass(frozen=True)
class JudgeDoubt:
    """How often people agreed with the judge on audited tasks, and how often it thought so.

    `expected` is the mean of the judge's own probabilities on these tasks; `z` by how many
    standard deviations fewer agreed, were each right with its probability.
    """

    tasks: int
    agreeing: int
    expected: float | None
    z: float

    @property
    def rate(self) -> float | None:
        return self.agreeing / self.tasks if self.tasks else None

    @property
    def is_wish(self) -> bool:
        """Whether routing wishes for a new judge: so few by chance once in a hundred times."""
        return self.tasks >= LEAST_DOUBT_TASKS and self.z > Z99_ONE_SIDED


LEAST_DOUBT_TASKS = 20
Z99_ONE_SIDED = 2.3263478740408408


def judge_doubt(project: Project, since: datetime) -> JudgeDoubt:
    """Over the audited tasks decided since then and answered by people. Two queries."""
    verdicts = _audited(project, created_at__gte=since)
    draws = Decision.objects.filter(
        policy__project=project,
        explored=True,
        shadow=False,
        created_at__gte=since,
        task__in=list(verdicts),
    )
    rows = draws.order_by("pk").values_list("task_id", "score", "p_err")
    scores = {task: score if p_err is None else 1 - p_err for task, score, p_err in rows}
    decided = {task: said == wanted for task, (said, wanted) in verdicts.items() if wanted}
    count, agreeing = len(decided), sum(decided.values())
    total = sum(scores[task] for task in decided)
    variance = sum(scores[task] * (1 - scores[task]) for task in decided)
    # A judge that was certain of everything and was contradicted was wrong beyond any chance.
    short = total - agreeing
    z = short / sqrt(variance) if variance else (inf if short > 0 else 0.0)
    return JudgeDoubt(count, agreeing, total / count if count else None, z)
