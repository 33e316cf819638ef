"""The overview of a project: how far, how fast, by whom, how well people agree."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from annotate.access import MANAGE, REVIEW, get_project
from annotate.forms import Form
from annotate.pages.review import stages
from annotate.reports.activity import activity
from annotate.reports.agreement import agreement
from annotate.reports.attention import latest_flags, latest_skips
from annotate.reports.latest import LATEST
from annotate.reports.people import people
from annotate.reports.progress import judged_by_ai, progress
from annotate.reports.saved import saved_labels
from annotate.services.conversations.chat import too_few_models
from annotate.services.outgoing.exports import holds_pairs
from annotate.services.reports.arena import is_arena


@login_required
@require_safe
@vary_on_headers("HX-Request")
def overview(request: HttpRequest, project_id: int) -> HttpResponse:
    """The page; asked by htmx, only its live part."""
    project = get_project(request.user, project_id, REVIEW)
    form = Form.of_project(project)
    context = {
        "project": project,
        "tab": "overview",
        "is_arena": is_arena(form),
        "progress": progress(project),
        "holds_pairs": holds_pairs(project),
        "saved": None if project.overlap_most is None else saved_labels(project),
        "ai_judgements": judged_by_ai(project),
        "agreement": agreement(project),
        "unaided": agreement(project, "unaided") if form.shows_suggestions else None,
        "activity": activity(project),
        "people": people(project),
        "too_few_models": too_few_models(project),
        "may_manage": project.membership is None or project.membership.role in MANAGE,
        "window": LATEST,
        "flags": latest_flags(project),
        "skips": latest_skips(project),
        "stages": stages(project),
    }
    page = "annotate/projects/overview.html"
    return render(request, f"{page}#live" if request.htmx else page, context)


urlpatterns = [path("projects/<int:project_id>/", overview, name="overview")]
