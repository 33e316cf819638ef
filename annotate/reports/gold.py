"""Known answers as managers look at them: each with how people did at it, and what else might be
one; and how each person did.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Max, Q, QuerySet

from annotate import kinds
from annotate.kinds.known import can_be_known
from annotate.models import GoldCheck, GoldItem, Judgement, Membership, Project, Standing, Task
from annotate.quality.intervals import wilson
from annotate.reports.latest import latest_judgements

PAGE = 50
PROPOSED = 20
LOOKED_AT = 500  # tasks with answers enough, among which unanimous ones are looked for
LEAST = 3  # people who must agree, unless the manager says otherwise


@dataclass(frozen=True)
class Passed:
    """Answers to hidden items: how many were right, with Wilson's 95 % interval of the share."""

    right: int
    count: int

    @property
    def share(self) -> float | None:
        return self.right / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.right, self.count) if self.count else None


@dataclass(frozen=True)
class ItemRow:
    item: GoldItem
    passed: Passed


@dataclass(frozen=True)
class Proposal:
    """A task that so many people answered alike, none otherwise."""

    task: Task
    people: int
    judgement: Judgement


@dataclass(frozen=True)
class Checked:
    """A member with what hidden items tell of them; `attention` are part of `passed`."""

    membership: Membership
    standing: Standing | None
    passed: Passed
    attention: Passed


def items_of(project: Project, use: str = "") -> QuerySet[GoldItem]:
    """Those in use, the newest first."""
    items = GoldItem.objects.live().filter(project=project).order_by("-task")
    items = items.select_related("task__prompt")
    return items.filter(use=use) if use else items


def page_of_items(
    items: QuerySet[GoldItem], before: int | None
) -> tuple[list[ItemRow], int | None]:
    """Up to PAGE items below the task `before`, and where the next page begins. Two queries."""
    if before is not None:
        items = items.filter(task__lt=before)
    found = list(items[: PAGE + 1])
    shown = found[:PAGE]
    passed = _passed(GoldCheck.objects.filter(task__in=[one.task_id for one in shown]), "task")
    rows = [ItemRow(one, passed.get(one.task_id, Passed(0, 0))) for one in shown]
    return rows, shown[-1].task_id if len(found) > PAGE else None


def counts_by_use(project: Project) -> dict[str, int]:
    """How many are in use for what."""
    rows = items_of(project).order_by().values("use").annotate(n=Count("*"))
    return {row["use"]: row["n"] for row in rows}


def checked_people(project: Project, person: int | None = None) -> list[Checked]:
    """The annotators, the lowest share of right answers first, those without any last. `person`:
    only that member, by the user's id. Three queries.
    """
    members = Membership.objects.filter(project=project, role=Membership.Role.ANNOTATOR)
    members = members.select_related("user", "standing").order_by("user__username")
    checks = GoldCheck.objects.filter(project=project)
    if person is not None:
        members, checks = members.filter(user=person), checks.filter(annotator=person)
    passed = _passed(checks, "annotator")
    seen = _passed(checks.filter(task__gold_item__use=GoldItem.Use.ATTENTION), "annotator")
    nothing = Passed(0, 0)
    rows = [
        Checked(
            member,
            getattr(member, "standing", None),
            passed.get(member.user_id, nothing),
            seen.get(member.user_id, nothing),
        )
        for member in members
    ]
    return sorted(rows, key=lambda row: (row.passed.share is None, row.passed.share or 0))


def passed_of(project: Project, user_ids: list[int], **period) -> dict[int, Passed]:
    """By the user's id; `period` narrows `answered_at`. One query."""
    checks = GoldCheck.objects.filter(project=project, annotator__in=user_ids, **period)
    return _passed(checks, "annotator")


def _passed(checks: QuerySet[GoldCheck], by: str) -> dict[int, Passed]:
    rows = checks.order_by().values_list(by).annotate(
        hits=Count("pk", filter=Q(right=True)), n=Count("*")
    )  # fmt: skip
    return {pk: Passed(hits, n) for pk, hits, n in rows}


def proposals(project: Project, least: int = LEAST) -> list[Proposal]:
    """Tasks whose answers by at least `least` people all say the same, of the latest judgements.

    Simulated people's do not count, nor answers that came late. Two queries, and one a task whose
    answers are alike.
    """
    form = kinds.get(project.kind)
    if not can_be_known(project.kind, form.clean_settings(project.kind_settings)):
        return []
    latest = latest_judgements(project).ordinary().standing()
    answers = latest.filter(kind=project.kind, simulated=False, late=False)
    known = GoldItem.objects.filter(project=project).values("task")
    counted = answers.exclude(task__in=known).values("task").order_by()
    counted = counted.annotate(n=Count("annotator", distinct=True), last=Max("pk"))
    counted = counted.filter(n__gte=max(least, 2))
    tasks = [row["task"] for row in counted.order_by("-n", "-last")[:LOOKED_AT]]
    return list(_unanimous(answers.filter(task__in=tasks), tasks))[:PROPOSED]


def _unanimous(answers: QuerySet[Judgement], tasks: list[int]) -> Iterator[Proposal]:
    said: dict[int, list[Judgement]] = {}
    for judgement in answers.select_related("task__prompt").order_by("pk"):
        said.setdefault(judgement.task_id, []).append(judgement)
    for pk in tasks:
        first, *others = said[pk]
        ids = sorted(first.shown_order)
        module = kinds.get(first.kind)
        if all(module.distance(first.value, one.value, ids) == 0 for one in others):
            yield Proposal(first.task, len({one.annotator_id for one in said[pk]}), first)
