"""A project's tasks as a manager looks for them: by filter, page by page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from annotate.models import JobState, Judgement, Membership, Project, Seat, Skip, Task
from annotate.reports.agreement import agreement, disagreed_tasks, doubly_judged_tasks
from annotate.reports.attention import flagged
from annotate.reports.latest import COMPARES, PREFERRED_ID, PREFERS, latest_as_given

PAGE = 50

SHOW = {
    "": _("All tasks"),
    "untouched": _("Nobody has begun"),
    "waiting": _("Waiting for somebody"),
    "held": _("In somebody’s hands"),
    "begun": _("Begun, not complete"),
    "complete": _("Complete"),
    "double": _("Judged by two or more"),
    "disagree": _("People disagree"),
    "unaided": _("Judged by two or more without suggestions"),
    "ties": _("Called a tie"),
    "first": _("The response shown first was chosen"),
    "flagged": _("Flagged"),
    "skipped": _("Declined by somebody"),
    "late": _("With a late answer"),
    "experts": _("For experts alone"),
    "unreadable": _("With a known answer that does not fit"),
}


@dataclass(frozen=True)
class Row:
    """One line of the list; `counted` as `wanted_in` counts."""

    task: Task
    seats: int
    done: int
    counted: int
    judgements: int
    last_at: object


@dataclass(frozen=True)
class Wanted:
    """Judgements that are waiting or in hand, and the tasks that they are wanted of."""

    judgements: int
    tasks: int


WANTED = {"waiting": Seat.State.OPEN, "held": Seat.State.LEASED}


def _ties(project: Project) -> QuerySet[Judgement]:
    return latest_as_given(project).filter(COMPARES).exclude(PREFERS)


def _first_chosen(project: Project) -> QuerySet[Judgement]:
    rows = latest_as_given(project).filter(PREFERS, shown_order__len__gt=0)
    return rows.alias(preferred_id=PREFERRED_ID).filter(preferred_id=F("shown_order__0"))


# What somebody did at a task.
DEEDS: dict[str, Callable[[Project], QuerySet[Any]]] = {
    "skipped": lambda project: Skip.objects.filter(seat__project=project),
    "ties": _ties,
    "first": _first_chosen,
}


def filter_tasks(
    project: Project, *, show: str = "", route: str = "", person: int | None = None
) -> QuerySet[Task]:
    """The project's tasks under the filters, the newest first.

    `person` judged them; with `show` "skipped", "ties" or "first" it is who declined or said so.
    Ties and choices of the first shown are those of the latest judgements, as the overview counts.
    """
    tasks = Task.objects.filter(project=project).order_by("-pk")
    if route:
        tasks = tasks.filter(route=route)
    if show in DEEDS:
        done = DEEDS[show](project)
        if person is not None:
            done = done.filter(annotator=person)
        return tasks.filter(pk__in=done.order_by().values("task"))
    tasks = _shown(project, tasks, show)
    if person is not None:
        tasks = tasks.filter(pk__in=Judgement.objects.filter(annotator=person).values("task"))
    return tasks


def _shown(project: Project, tasks: QuerySet[Task], show: str) -> QuerySet[Task]:
    mine = Seat.objects.ordinary().filter(task=OuterRef("pk"))
    begun = Exists(mine.filter(state__in=[Seat.State.DONE, Seat.State.LEASED]))
    wanted = Exists(mine.filter(state__in=[Seat.State.OPEN, Seat.State.LEASED]))
    if show in WANTED:
        wanting = Seat.objects.ordinary().filter(project=project, state=WANTED[show])
        return tasks.filter(pk__in=wanting.order_by().values("task"))
    if show == "untouched":
        return tasks.filter(~begun)
    if show == "begun":
        # A task for one person is begun and not complete only while somebody holds it.
        held = (
            Seat.objects.ordinary().filter(project=project, state=Seat.State.LEASED).values("task")
        )
        return tasks.filter(Q(pk__in=held) | Q(Q(overlap__gt=1), begun, wanted))
    if show == "complete":
        return tasks.filter(begun, ~wanted)
    if show == "experts":
        return tasks.filter(tier=Membership.Tier.EXPERT)
    ids = {
        "double": doubly_judged_tasks,
        "disagree": disagreed_tasks,
        "flagged": lambda p: flagged(p).order_by().values("task"),
        "unaided": lambda p: agreement(p, "unaided").double,
        "unreadable": _unreadable,
        "late": lambda p: Judgement.objects.filter(project=p, late=True).values("task"),
    }
    return tasks.filter(pk__in=ids[show](project)) if show in ids else tasks


def _unreadable(project: Project) -> list[int]:
    """Ids of the tasks whose known answer the latest report on quality could not read."""
    done = project.quality_runs.filter(state=JobState.DONE).order_by("-pk")
    return done.values_list("report__gold_unreadable_tasks", flat=True).first() or []


def wanted_in(
    project: Project, *, show: str, route: str = "", person: int | None = None
) -> Wanted | None:
    """What the overview counts as waiting or in hand, under the filters; None with another `show`.

    One query.
    """
    if show not in WANTED:
        return None
    seats = Seat.objects.ordinary().filter(project=project, state=WANTED[show])
    if route or person is not None:
        tasks = filter_tasks(project, show=show, route=route, person=person)
        seats = seats.filter(task__in=tasks.order_by())
    return Wanted(**seats.aggregate(judgements=Count("*"), tasks=Count("task", distinct=True)))


def page_of_tasks(
    tasks: QuerySet[Task], before: int | None, show: str = ""
) -> tuple[list[Row], int | None]:
    """Up to PAGE rows below the id `before`, and where the next page begins. Three queries."""
    if before is not None:
        tasks = tasks.filter(pk__lt=before)
    found = list(tasks.select_related("prompt")[: PAGE + 1])
    shown = found[:PAGE]
    ids = [task.pk for task in shown]
    seats = {
        row["task"]: row
        for row in Seat.objects.ordinary()
        .filter(task__in=ids)
        .exclude(state=Seat.State.VOID)
        .values("task")
        .annotate(
            n=Count("*"),
            done=Count("pk", filter=Q(state=Seat.State.DONE)),
            counted=Count("pk", filter=Q(state=WANTED.get(show, ""))),
        )
    }
    judged = {
        row["task"]: row
        for row in Judgement.objects.labels()
        .filter(task__in=ids)
        .values("task")
        .annotate(n=Count("*"), last=Max("submitted_at"))
    }
    nothing = {"n": 0, "done": 0, "counted": 0, "last": None}
    rows = [
        Row(
            task=task,
            seats=seats.get(task.pk, nothing)["n"],
            done=seats.get(task.pk, nothing)["done"],
            counted=seats.get(task.pk, nothing)["counted"],
            judgements=judged.get(task.pk, nothing)["n"],
            last_at=judged.get(task.pk, nothing)["last"],
        )
        for task in shown
    ]
    return rows, shown[-1].pk if len(found) > PAGE else None
