"""A task with all its answers side by side, and what a reviewer decides about them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.access import REVIEW, get_in_project
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Review, Task
from annotate.pages import shown
from annotate.pages.discussion_words import threads_of
from annotate.pages.kinds.fields import written
from annotate.pages.questions import read_value
from annotate.pages.reasons import in_words
from annotate.pages.review_words import author_words, overlays, person_words, rows_of
from annotate.pages.work_frame import frame
from annotate.reports.review_address import query_of, wanted_of
from annotate.reports.review_queue import Item, Queue
from annotate.services.review import reviews
from annotate.services.review.reviews import ReviewConflict


@login_required
@require_safe
@never_cache
def review_task(request: HttpRequest, task_id: int) -> HttpResponse:
    """The answers of one task; the query is that of the queue that led here."""
    return _page(request, _task(request, task_id))


def _task(request: HttpRequest, task_id: int) -> Task:
    rows = Task.objects.select_related("prompt")
    return get_in_project(request.user, rows, task_id, REVIEW)


def _page(request: HttpRequest, task: Task, refusal: str = "", status: int = 200) -> HttpResponse:
    project = task.project
    wanted = wanted_of(project, request.GET)
    queue = Queue(project, wanted, request.user)
    rows = list(
        Judgement.objects.filter(task=task)
        .select_related("annotator", "judge", "superseded_by", "form_version")
        .order_by("pk")
    )
    decisions = list(Review.objects.filter(task=task).select_related("reviewer").order_by("pk"))
    current = [row for row in rows if not hasattr(row, "superseded_by")]
    chosen = _chosen(request, current)
    before, after = queue.neighbours(queue.place_of(task, chosen))
    responses = [
        place.response for place in task.places.select_related("response").order_by("position")
    ]
    letters = {r.pk: chr(ord("A") + number) for number, r in enumerate(responses)}
    marked = overlays(current, letters, {r.pk: r.content for r in responses})
    amendments = {one.amended_id: one for one in decisions if one.amended_id}
    newest = {one.judgement_id: one for one in decisions}
    context = {
        "project": project,
        "tab": "review",
        "task": task,
        "responses": [(letters[r.pk], r, marked.get(r.pk)) for r in responses],
        "answers": [
            {
                "row": row,
                "who": author_words(project, row),
                "is_mine": row.annotator_id == request.user.pk and row.pk not in amendments,
                "amendment": amendments.get(row.pk),
                "decision": newest.get(row.pk),
                "chosen": chosen is not None and row.pk == chosen.pk,
            }
            for row in current
        ],
        "rows": rows_of(current, letters),
        "history": [
            {
                "decision": one,
                "reviewer": person_words(project, one.reviewer),
                "about": next(author_words(project, r) for r in rows if r.pk == one.judgement_id),
            }
            for one in reversed(decisions)
        ],
        "can_settle": len(current) > 1,
        "seen": decisions[-1].pk if decisions else 0,
        "seen_judgement": rows[-1].pk if rows else 0,
        "before": _address(before, queue),
        "after": _address(after, queue),
        "queue": reverse("review", args=[project.pk]) + "?" + query_of(wanted),
        "query": query_of(wanted, judgement=chosen.pk if chosen else None),
        "refusal": refusal,
        "threads": threads_of(task, request.user),
        "back": request.get_full_path() if request.method == "GET" else "",
        "note": request.POST.get("note", ""),
    }
    return render(request, "annotate/review/task.html", context, status=status)


def _chosen(request: HttpRequest, current: list[Judgement]) -> Judgement | None:
    """The answer that the form or the queue is about; else the first that may be decided."""
    asked = request.POST.get("judgement") or request.GET.get("judgement", "")
    for row in current:
        if str(row.pk) == asked:
            return row
    others = [row for row in current if row.annotator_id != request.user.pk]
    return next(iter(others), None)


def _address(item: Item | None, queue: Queue) -> str:
    if item is None:
        return ""
    pk = item.judgement.pk if item.judgement else None
    address = reverse("review_task", args=[item.task.pk])
    return f"{address}?{query_of(queue.wanted, judgement=pk)}"


@login_required
@require_POST
def decide_answer(request: HttpRequest, task_id: int) -> HttpResponse:
    """Take the decision about the answer that the form names, and go on to the next item."""
    task = _task(request, task_id)
    given = request.POST
    if given.get("decision") == Review.Decision.AMEND:
        return _to_amendment(request, task)
    try:
        done = reviews.decide(
            judgement_id=_number(given.get("judgement", "")),
            reviewer=request.user,
            decision=given.get("decision", ""),
            note=given.get("note", "").replace("\r\n", "\n"),
            dismiss_others=given.get("dismiss_others") == "1",
            seen=_number(given.get("seen", "")),
            seen_judgement=_number(given.get("seen_judgement", "")),
        )
    except InvalidValue as error:
        return _page(request, task, in_words(error), 422)
    except ReviewConflict as error:
        return _page(request, task, str(error), 409)
    messages.success(request, _told(done.review))
    return redirect(_next(request, task, done.review.judgement))


def _told(review: Review) -> str:
    return {
        Review.Decision.ACCEPT: _("Accepted."),
        Review.Decision.AMEND: _("Amended: your answer stands in its place."),
        Review.Decision.RETURN: _("Returned: it comes back to its author first of all."),
        Review.Decision.DISMISS: _("Dismissed: the answer is kept and counts no more."),
    }[Review.Decision(review.decision)]


def _next(request: HttpRequest, task: Task, judgement: Judgement) -> str:
    """The item behind this one, or the queue where it was the last."""
    queue = Queue(task.project, wanted_of(task.project, request.GET), request.user)
    _before, after = queue.neighbours(queue.place_of(task, judgement))
    back = reverse("review", args=[task.project_id]) + "?" + query_of(queue.wanted)
    return _address(after, queue) or back


def _to_amendment(request: HttpRequest, task: Task) -> HttpResponse:
    """To the form of the answer, with what was seen of the task in its address."""
    given, wanted = request.POST, wanted_of(task.project, request.GET)
    query = query_of(
        wanted,
        seen=_number(given.get("seen", "")),
        seen_judgement=_number(given.get("seen_judgement", "")),
        others=1 if given.get("dismiss_others") == "1" else None,
    )
    address = reverse("amend_answer", args=[_number(given.get("judgement", ""))])
    return redirect(f"{address}?{query}")


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def amend_answer(request: HttpRequest, judgement_id: int) -> HttpResponse:
    """The answer in its form, to be amended by a reviewer; the new one supersedes it."""
    rows = Judgement.objects.select_related("task__prompt", "form_version")
    judgement = get_in_project(request.user, rows, judgement_id, REVIEW)
    if request.method == "GET":
        return _amend_page(request, judgement)
    try:
        done = reviews.decide(
            judgement_id=judgement.pk,
            reviewer=request.user,
            decision=Review.Decision.AMEND,
            value=lambda form: read_value(form, request.POST),
            rationale=written(request.POST, "rationale"),
            dismiss_others=request.GET.get("others") == "1",
            seen=_number(request.GET.get("seen", "")),
            seen_judgement=_number(request.GET.get("seen_judgement", "")),
        )
    except InvalidValue as error:
        return _amend_page(request, judgement, error)
    except ReviewConflict as error:
        task = judgement.task
        task.project = judgement.project
        return _page(request, task, str(error), 409)
    about = f"amend-{judgement.pk}"  # tells the work page which draft it need not keep
    messages.success(request, _told(done.review), extra_tags=about)
    task = judgement.task
    task.project = judgement.project
    return redirect(_next(request, task, judgement))


def _amend_page(
    request: HttpRequest, judgement: Judgement, error: InvalidValue | None = None
) -> HttpResponse:
    query = request.GET.urlencode()
    back = reverse("review_task", args=[judgement.task_id])
    task = shown.from_judgement(
        judgement,
        request.POST if error else None,
        amends=shown.Amending(
            f"{reverse('amend_answer', args=[judgement.pk])}?{query}",
            f"{back}?{query}",
            author_words(judgement.project, judgement),
        ),
    )
    context = {"task": task.refused(error) if error else task}
    page = context | frame(judgement.project, judgement.project.guidelines)
    return render(request, "annotate/work.html", page, status=422 if error else 200)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


urlpatterns = [
    path("tasks/<int:task_id>/review/", review_task, name="review_task"),
    path("tasks/<int:task_id>/review/decide/", decide_answer, name="decide_answer"),
    path("judgements/<int:judgement_id>/amend/", amend_answer, name="amend_answer"),
]
