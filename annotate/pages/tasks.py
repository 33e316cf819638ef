"""The rows behind the figures: the list of tasks, and one task with all that was said of it."""

import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from annotate.access import REVIEW, get_in_project, get_project, may_manage
from annotate.models import Judgement, Membership, Task
from annotate.pages.answer_words import pair_words
from annotate.pages.consensus_words import tell
from annotate.pages.gold import gold_of
from annotate.pages.paging import number_in, page_links
from annotate.reports.consensus import consensus_of
from annotate.reports.tasks import SHOW, filter_tasks, page_of_tasks, wanted_in


@login_required
@require_safe
def tasks(request: HttpRequest, project_id: int) -> HttpResponse:
    """The list; `show`, `route`, `person` filter it, `before` is where the page begins."""
    project = get_project(request.user, project_id, REVIEW)
    filters = {
        "show": request.GET.get("show", ""),
        "route": request.GET.get("route", ""),
        "person": number_in(request, "person"),
    }
    filters["show"] = filters["show"] if filters["show"] in SHOW else ""
    filters["route"] = filters["route"] if filters["route"] in Task.Route.values else ""
    found = filter_tasks(project, **filters)
    rows, after = page_of_tasks(found, number_in(request, "before"), filters["show"])
    kept = {name: value for name, value in filters.items() if value}
    context = {
        "project": project,
        "tab": "tasks",
        "rows": rows,
        "wanted": wanted_in(project, **filters),
        "shown": SHOW[filters["show"]],
        **page_links(request, after, kept),
        "filters": filters,
        "show_choices": SHOW.items(),
        "route_choices": Task.Route.choices,
        "members": Membership.objects.filter(project=project)
        .select_related("user")
        .order_by("user__username")[:500],
    }
    return render(request, "annotate/projects/tasks.html", context)


@login_required
@require_safe
def task(request: HttpRequest, task_id: int) -> HttpResponse:
    """Prompt, responses with their generators, seats, and every judgement, superseded ones too."""
    found = get_in_project(request.user, Task.objects.select_related("prompt"), task_id, REVIEW)
    places = found.places.select_related("response").order_by("position")
    responses = [place.response for place in places]
    letters = {r.pk: chr(ord("A") + i) for i, r in enumerate(responses)}
    judgements = [
        {"row": row, "answer": _in_words(row, letters), "first": letters.get(_first_shown(row))}
        for row in Judgement.objects.filter(task=found)
        .select_related("annotator", "judge", "superseded_by")
        .order_by("id")
    ]
    context = {
        "project": found.project,
        "tab": "tasks",
        "task": found,
        "responses": [(letters[r.pk], r) for r in responses],
        "judgements": judgements,
        "consensus": [{"row": row, "told": tell(row, letters)} for row in consensus_of(found)],
        "seats": found.seats.select_related("annotator").order_by("number"),
        "skips": found.skips.select_related("annotator").order_by("id"),
        "gold": gold_of(found, letters),
        "manages": may_manage(found.project, request.user),
        "tasks_of_prompt": found.prompt.tasks.exclude(pk=found.pk).order_by("pk")[:20],
    }
    return render(request, "annotate/projects/task.html", context)


def _in_words(row: Judgement, letters: dict[int, str]) -> str:
    """The answer with letters for responses, such as "B, much better"."""
    return pair_words(row, letters) or json.dumps(row.value, ensure_ascii=False)


def _first_shown(row: Judgement) -> int | None:
    return row.shown_order[0] if row.shown_order else None


urlpatterns = [
    path("projects/<int:project_id>/tasks/", tasks, name="tasks"),
    path("tasks/<int:task_id>/", task, name="task"),
]
