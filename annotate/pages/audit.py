"""The audit trail of a project."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from annotate.access import MANAGE, get_project
from annotate.models import AuditEvent
from annotate.pages.audit_words import deed_words, detail_lines, object_words
from annotate.pages.paging import number_in, page_links
from annotate.reports.trail import ACCOUNTS, PROJECT, trail

PAGE = 100


@login_required
@require_safe
def audit(request: HttpRequest, project_id: int) -> HttpResponse:
    """Who did what, the latest first; `of=accounts`: how members signed in.

    `before` is where the page begins.
    """
    project = get_project(request.user, project_id, MANAGE)
    of = ACCOUNTS if request.GET.get("of") == ACCOUNTS else PROJECT
    events = trail(project, of).order_by("-id")
    before = number_in(request, "before")
    if before is not None:
        events = events.filter(pk__lt=before)
    found = list(events[: PAGE + 1])
    context = {
        "project": project,
        "tab": "audit",
        "of_accounts": of == ACCOUNTS,
        "events": [_told(event) for event in found[:PAGE]],
        **page_links(
            request,
            found[PAGE - 1].pk if len(found) > PAGE else None,
            {"of": ACCOUNTS} if of == ACCOUNTS else {},
        ),
    }
    return render(request, "annotate/projects/audit.html", context)


def _told(event: AuditEvent) -> dict[str, Any]:
    return {
        "event": event,
        "deed": deed_words(event.action),
        "object": object_words(event.object_type),
        "lines": detail_lines(event.detail),
    }


urlpatterns = [path("projects/<int:project_id>/audit/", audit, name="audit")]
