"""What you did in a project, and when; the way back to answers that you may change."""

from string import ascii_uppercase

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from annotate.access import REVIEW, get_project
from annotate.pages.answer_words import pair_words
from annotate.pages.paging import number_in, page_links
from annotate.reports.own_work import own_days, own_figures, own_judgements, own_skips


@never_cache
@login_required
@require_safe
def own_work(request: HttpRequest, project_id: int) -> HttpResponse:
    """Figures, days, answers (the newest first), and what you declined."""
    project = get_project(request.user, project_id)
    before = number_in(request, "before")
    rows, after = own_judgements(project, request.user, before)
    role = project.membership.role if project.membership else None
    context = {
        "project": project,
        "figures": own_figures(project, request.user),
        "days": own_days(project, request.user),
        "rows": [
            {
                "row": row,
                # Letters as the person saw them.
                "answer": pair_words(
                    row, dict(zip(row.shown_order, ascii_uppercase, strict=False))
                ),
            }
            for row in rows
        ],
        "skips": own_skips(project, request.user) if before is None else [],
        "asks": project.consent_id is not None or bool(project.profile_questions),
        "sees_quality": project.own_figures or request.user.is_superuser or role in REVIEW,
        **page_links(request, after),
    }
    return render(request, "annotate/own_work.html", context)


urlpatterns = [path("projects/<int:project_id>/mine/", own_work, name="own_work")]
