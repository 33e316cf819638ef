"""The overview of a project: how far, how fast, by whom, how well people agree."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import REVIEW, get_project
from annotate.reports.activity import activity
from annotate.reports.agreement import agreement
from annotate.reports.attention import latest_flags, latest_skips
from annotate.reports.latest import LATEST
from annotate.reports.people import people
from annotate.reports.progress import judged_by_ai, progress


@login_required
@require_safe
@vary_on_headers("HX-Request")
def overview(request: HttpRequest, project_id: int) -> HttpResponse:
    """The page; asked by htmx, only its live part."""
    project = get_project(request.user, project_id, REVIEW)
    context = {
        "project": project,
        "tab": "overview",
        "progress": progress(project),
        "ai_judgements": judged_by_ai(project),
        "agreement": agreement(project),
        "activity": activity(project),
        "people": people(project),
        "window": LATEST,
    }
    if request.htmx:
        return render(request, "annotate/projects/overview.html#live", context)
    context |= {"flags": latest_flags(project), "skips": latest_skips(project)}
    return render(request, "annotate/projects/overview.html", context)


urlpatterns = [path("projects/<int:project_id>/", overview, name="overview")]
