"""What a project asked from one change to the next."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from annotate.access import MANAGE, get_project
from annotate.reports.form_versions import version_rows

PAGE = 20


@login_required
@require_safe
def form_versions(request: HttpRequest, project_id: int) -> HttpResponse:
    """The versions with who, when and what changed, the latest first; `before` is a number."""
    project = get_project(request.user, project_id, MANAGE)
    text = request.GET.get("before", "")
    is_number = text.isdecimal() and text.isascii() and len(text) < 9
    before = int(text) if is_number else None
    rows = version_rows(project, before=before, limit=PAGE)
    context = {
        "project": project,
        "tab": "settings",
        "rows": rows,
        "next_before": rows[-1].version.number if rows and rows[-1].version.number > 1 else None,
        "paged": before is not None,
    }
    return render(request, "annotate/projects/form_versions.html", context)


urlpatterns = [
    path("projects/<int:project_id>/settings/versions/", form_versions, name="form_versions")
]
