"""What a manager sets of a comparison plan. Without numpy: the web reads it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from annotate import kinds
from annotate.forms import Form
from annotate.inputs import InvalidValue, clean_boolean, clean_integer
from annotate.kinds import chat, context
from annotate.models import ComparisonPlan, PlannedTask, Project, Seat, User
from annotate.ranking.votes import compares
from annotate.services import audit

RANGES = {"size": (2, 10), "ahead": (1, 500), "per_prompt": (1, 100)}
FIELDS = ("is_on", *RANGES)


def plan_of(project: Project) -> ComparisonPlan:
    """As it stands, or as it would begin. One query."""
    found = ComparisonPlan.objects.filter(project=project).first()
    return found or ComparisonPlan(project=project, size=_sizes(project)[1])


def makes_tasks(project: Project) -> bool:
    """Whether the project compares responses; else its plan chooses who replies in live chats."""
    return chat.NAME not in Form.of_project(project).asked_kinds


def _sizes(project: Project) -> tuple[int, int]:
    """The fewest and the most responses that a task of the plan may have; the latter at most 4
    where nothing else is set.
    """
    if not makes_tasks(project):
        return 2, 4
    form = Form.of_project(project)
    low, high = kinds.response_range(form.module, form.settings)
    return max(2, low), min(high, 4)


@transaction.atomic
def set_plan(
    *, project: Project, actor: User, fields: Mapping[str, object], address: str | None = None
) -> ComparisonPlan:
    """Change what is given. Raises InvalidValue.

    Tasks that are there stay, and what the votes say is kept while it is off.
    """
    for name in fields:
        if name not in FIELDS:
            raise InvalidValue(
                str(name)[:100], "is unknown here; known: {known}", known=", ".join(FIELDS)
            )
    cleaned: dict[str, Any] = {
        name: clean_boolean(name, value)
        if name == "is_on"
        else clean_integer(name, value, low=RANGES[name][0], high=RANGES[name][1])
        for name, value in fields.items()
    }
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    plan = plan_of(project)
    before = {name: getattr(plan, name) for name in cleaned}
    for name, value in cleaned.items():
        setattr(plan, name, value)
    if plan.is_on:
        _check(project, plan)
    plan.told = None
    plan.save()
    audit.record(
        action="comparisons.plan_set",
        target=project,
        actor=actor,
        project=project,
        address=address,
        before=before,
        after=cleaned,
    )
    return plan


def _check(project: Project, plan: ComparisonPlan) -> None:
    """Whether the project's questions fit. Raises InvalidValue."""
    form = Form.of_project(project)
    if not compares(project.kind) or context.NAME in form.asked_kinds:
        raise InvalidValue(
            "is_on", "asks for a project whose answers compare responses to the same prompt"
        )
    if not makes_tasks(project):
        return
    low, high = kinds.response_range(form.module, form.settings)
    if not low <= plan.size <= high:
        raise InvalidValue(
            "size",
            "must be from {low} to {high}, as this project's questions take",
            low=max(2, low),
            high=high,
        )


def open_tasks(project: Project) -> list[PlannedTask]:
    """Those of the plan that somebody is still to judge, whoever holds them. One query."""
    left = [Seat.State.OPEN, Seat.State.LEASED]
    rows = PlannedTask.objects.filter(project=project, task__seats__state__in=left)
    return list(rows.distinct().order_by("task"))
