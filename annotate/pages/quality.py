"""The pages of quality: agreement, people's figures, what tasks came to, and one's own figures."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_in_project, get_project
from annotate.models import Consensus, Project, QualityRun, Voices
from annotate.pages.consensus_words import tell
from annotate.pages.people import read_team
from annotate.quality.methods import DIVIDED
from annotate.reports.consensus import (
    Filters,
    filter_consensus,
    letters_of,
    methods_of,
    page_of_consensus,
    read_place,
    write_place,
)
from annotate.reports.people import teams_of
from annotate.reports.quality import PEOPLE_SHOWN, own_figures, shown, standing
from annotate.services.reports import quality_runs


@login_required
@require_safe
@vary_on_headers("HX-Request")
def quality(request: HttpRequest, project_id: int) -> HttpResponse:
    """The latest report of `voices`; asked by htmx, only its live part."""
    project = get_project(request.user, project_id, REVIEW)
    now = standing(project)
    role = project.membership.role if project.membership else None
    asked = request.GET.get("voices", "")
    team = read_team(request, project)
    of_team = set(team.members.values_list("user_id", flat=True)) if team else None
    most = None if request.GET.get("people") == "all" else PEOPLE_SHOWN
    context = {
        "project": project,
        "tab": "quality",
        "standing": now,
        "manages": request.user.is_superuser or role in MANAGE,
        "shown": shown(now.report.report, asked, of_team, most) if now.report else None,
        "teams": teams_of(project),
        "chosen": team,
    }
    page = "annotate/projects/quality.html"
    return render(request, f"{page}#live" if request.htmx else page, context)


@login_required
@require_POST
def compute_quality(request: HttpRequest, project_id: int) -> HttpResponse:
    """Queue a report."""
    project = get_project(request.user, project_id, MANAGE)
    quality_runs.start_run(project=project, actor=request.user)
    return redirect("quality", project.pk)


@login_required
@require_POST
def cancel_quality(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop the report that is on its way."""
    rows = QualityRun.objects.select_related("project").defer("report")
    run = get_in_project(request.user, rows, run_id, MANAGE)
    quality_runs.cancel_run(run=run, actor=request.user)
    messages.success(request, _("The report is being stopped; the last one stays."))
    return redirect("quality", run.project_id)


@login_required
@require_safe
def quality_tasks(request: HttpRequest, project_id: int) -> HttpResponse:
    """What tasks came to, the most divided first; the rows behind the figures."""
    project = get_project(request.user, project_id, REVIEW)
    now = standing(project)
    filters, methods = _filters(request, project, now.report)
    place = read_place(request.GET.get("after", ""))
    rows = filter_consensus(project, filters).select_related("task__prompt")
    page, after = page_of_consensus(rows, place)
    letters = letters_of([row.task_id for row in page])
    kept = {name: value for name, value in request.GET.items() if name != "after" and value}
    context = {
        "project": project,
        "tab": "quality",
        "standing": now,
        "filters": filters,
        "voices_choices": Voices.choices,
        "method_choices": [(one, Consensus.Method(one).label) for one in methods],
        "rows": [
            {
                "row": row,
                "divided": row.divided > DIVIDED,
                "told": tell(row, letters.get(row.task_id, {}))[:3],
            }
            for row in page
        ],
        "next_page": urlencode({**kept, "after": write_place(after)}) if after else None,
        "first_page": urlencode(kept) if place else None,
    }
    return render(request, "annotate/projects/quality_tasks.html", context)


def _filters(
    request: HttpRequest, project: Project, report: QualityRun | None
) -> tuple[Filters, list[str]]:
    """What the address asks for, as far as it makes sense; and the methods there are."""
    there = report.report["voices"] if report else {}
    voices = request.GET.get("voices", "")
    if voices not in Voices.values:
        voices = next(iter(there), Voices.HUMAN.value)
    methods = methods_of(project, voices) or [Consensus.Method.MAJORITY.value]
    method = request.GET.get("method", "")
    return Filters(
        voices=voices,
        method=method if method in methods else methods[0],
        divided=request.GET.get("show") == "divided",
        double=request.GET.get("show") == "double",
    ), methods


@login_required
@require_safe
def my_quality(request: HttpRequest, project_id: int) -> HttpResponse:
    """One's own figures, for annotators where the project shows them."""
    project = get_project(request.user, project_id)
    role = project.membership.role if project.membership else None
    if not (project.own_figures or request.user.is_superuser or role in REVIEW):
        raise PermissionDenied(_("This project does not show people their own figures."))
    now = standing(project)
    mine = own_figures(now.report.report, request.user) if now.report else None
    context = {"project": project, "standing": now, "mine": mine}
    return render(request, "annotate/projects/my_quality.html", context)


urlpatterns = [
    path("projects/<int:project_id>/quality/", quality, name="quality"),
    path("projects/<int:project_id>/quality/compute/", compute_quality, name="compute_quality"),
    path("projects/<int:project_id>/quality/tasks/", quality_tasks, name="quality_tasks"),
    path("projects/<int:project_id>/quality/me/", my_quality, name="my_quality"),
    path("quality/<int:run_id>/cancel/", cancel_quality, name="cancel_quality"),
]
