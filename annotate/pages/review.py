"""The queues of review: what waits for a reviewer, in the order that they choose."""

from collections import Counter

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, REVIEW, get_project
from annotate.models import Judgement, Membership, Project, User
from annotate.models.review import Review
from annotate.pages.reasons import in_words
from annotate.pages.review_words import author_words, person_words, said_in_words, sayings_of
from annotate.pages.row_ids import row_id
from annotate.reports.consensus import letters_of
from annotate.reports.remembered import remembered
from annotate.reports.review_address import query_of, read_place, wanted_of, write_place
from annotate.reports.review_queue import (
    DIVIDED,
    FLAG,
    GOLD,
    MOST_COUNTED,
    PAGE,
    PERSON,
    SAMPLE,
    WAITING,
    Item,
    Queue,
    Wanted,
)
from annotate.services.review import review_stages
from annotate.services.review.many_reviews import Row, decide_many

QUEUE_WORDS = {
    WAITING: _("Waiting for review"),
    DIVIDED: _("Divided"),
    FLAG: _("Flagged"),
    GOLD: _("Known answer missed"),
    SAMPLE: _("Sample of each person"),
    PERSON: _("All answers"),
}
STATE_WORDS = {
    "open": _("Undecided"),
    "decided": _("Decided"),
    "all": _("All"),
}
SORT_WORDS = {
    "oldest": _("Oldest first"),
    "newest": _("Newest first"),
    "quickest": _("Quickest first"),
    "slowest": _("Slowest first"),
}


@login_required
@require_safe
def review(request: HttpRequest, project_id: int) -> HttpResponse:
    """One queue; `by` chooses it, the rest of the query filters and sorts it."""
    project = get_project(request.user, project_id, REVIEW)
    wanted = wanted_of(project, request.GET)
    queue = Queue(project, wanted, request.user)
    place = read_place(request.GET.get("after", ""))
    if place is not None and len(place) != len(queue.keys):
        place = None
    items, after = queue.page(place)
    role = project.membership.role if project.membership else None
    context = {
        "project": project,
        "tab": "review",
        "manages": request.user.is_superuser or role in MANAGE,
        "wanted": wanted,
        "of_tasks": queue.of_tasks,
        "counts": _counts(project, wanted, request.user),
        "stages": stages(project),
        "rows": _rows(project, wanted, items),
        "members": [
            (member.user_id, person_words(project, member.user))
            for member in Membership.objects.filter(project=project).select_related("user")[:500]
        ],
        "states": STATE_WORDS.items(),
        "sorts": SORT_WORDS.items(),
        "first_page": query_of(wanted) if place else None,
        "query": query_of(wanted),
        "seen": Review.objects.filter(project=project).aggregate(last=Max("pk"))["last"] or 0,
        "next_page": query_of(wanted, after=write_place(after)) if after else None,
    }
    return render(request, "annotate/review/review.html", context)


@login_required
@require_POST
def decide_chosen(request: HttpRequest, project_id: int) -> HttpResponse:
    """Accept or return the answers of a queue that are ticked, and come back to the queue.

    One that was decided or changed since the page was made stays as it is, and is told.
    """
    project = get_project(request.user, project_id, REVIEW)
    given = request.POST
    seen = row_id(given.get("seen", "")) or 0
    chosen = [row_id(text) for text in given.getlist("chosen")[:PAGE]]
    items = [
        {
            "judgement": pk,
            "decision": given.get("decision", ""),
            "note": given.get("note", "").replace("\r\n", "\n"),
            "seen": seen,
        }
        for pk in chosen
    ]
    rows = decide_many(project=project, reviewer=request.user, items=items)
    done = sum(row.review is not None for row in rows)
    if not rows:
        messages.warning(request, _("Tick the answers first; nothing was decided."))
    if done:
        text = ngettext("%(count)s answer decided.", "%(count)s answers decided.", done)
        messages.success(request, text % {"count": done})
    reasons = Counter(_why_not(row) for row in rows if row.review is None)
    for why, count in reasons.items():
        text = ngettext(
            "%(count)s answer was not decided: %(why)s",
            "%(count)s answers were not decided: %(why)s",
            count,
        )
        messages.warning(request, text % {"count": count, "why": why})
    query = query_of(wanted_of(project, request.GET))
    return redirect(f"{reverse('review', args=[project.pk])}?{query}")


def _why_not(row: Row) -> str:
    return row.why or "; ".join(f"{in_words(one)}." for one in row.wrong)


def stages(project: Project) -> dict[str, int] | None:
    """How many answers are at which stage; None where nothing needs a review or had one."""
    if not project.review_percent and not review_stages.is_used(project):
        return None
    key = f"review-stages:{project.pk}:{project.review_percent}"
    return remembered(key, lambda: review_stages.count_stages(project))


def _counts(project: Project, wanted: Wanted, reader: User) -> list[dict]:
    """Every queue with its address and how much waits in it."""
    found = []
    for by, title in QUEUE_WORDS.items():
        if by == WAITING and not project.review_percent and wanted.by != WAITING:
            continue
        mine = Wanted(by=by, each=wanted.each, seed=wanted.seed)
        key = f"review-queue:{project.pk}:{reader.pk}:{project.review_percent}:{query_of(mine)}"
        count = remembered(key, lambda mine=mine: Queue(project, mine, reader).count())
        shown = f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)
        found.append({"by": by, "title": title, "query": query_of(mine), "count": shown})
    return found


def _rows(project: Project, wanted: Wanted, items: list[Item]) -> list[dict]:
    letters = letters_of([item.task.pk for item in items])
    decisions = dict(Review.Decision.choices)
    return [
        {
            "item": item,
            "query": query_of(wanted, judgement=item.judgement.pk if item.judgement else None),
            "who": author_words(project, item.judgement) if item.judgement else "",
            "said": _said(item.judgement, letters.get(item.task.pk, {})) if item.judgement else "",
            "decision": decisions.get(getattr(item.judgement, "decision", None), ""),
        }
        for item in items
    ]


def _said(row: Judgement, letters: dict[int, str]) -> str:
    words = [said_in_words(one, letters) for one in sayings_of(row, list(letters))[:4]]
    return "; ".join(words)


urlpatterns = [
    path("projects/<int:project_id>/review/", review, name="review"),
    path("projects/<int:project_id>/review/decide/", decide_chosen, name="decide_chosen"),
]
