"""What a project asked from one change to the next."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from annotate.access import MANAGE, get_project
from annotate.pages.paging import number_in, page_links
from annotate.reports.form_versions import version_rows

PAGE = 20


@login_required
@require_safe
def form_versions(request: HttpRequest, project_id: int) -> HttpResponse:
    """The versions with who, when and what changed, the latest first; `before` is a number."""
    project = get_project(request.user, project_id, MANAGE)
    rows = version_rows(project, before=number_in(request, "before"), limit=PAGE)
    last = rows[-1].version.number if rows else 1
    context = {
        "project": project,
        "tab": "settings",
        "rows": rows,
        **page_links(request, last if last > 1 else None),
    }
    return render(request, "annotate/projects/form_versions.html", context)


urlpatterns = [
    path("projects/<int:project_id>/settings/versions/", form_versions, name="form_versions")
]
