"""Discussions of a task and its answers, and the list of where one is mentioned."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.kinds import InvalidValue
from annotate.models import Judgement, Mention, Note, Task, User
from annotate.pages.discussion_words import threads_of
from annotate.pages.paging import number_in, page_links
from annotate.pages.reasons import in_words
from annotate.pages.review_words import person_words, rows_of
from annotate.services.review import discussions

PAGE = 50


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def discussion(request: HttpRequest, task_id: int) -> HttpResponse:
    """The discussions of a task that one may read, with its contents; a POST adds to one."""
    task = discussions.get_task(request.user, task_id)
    if request.method == "POST":
        return _add(request, task)
    return discussion_page(request, task)


def discussion_page(
    request: HttpRequest, task: Task, refusal: str = "", status: int = 200
) -> HttpResponse:
    """Whoever looks has read what mentions them here."""
    discussions.mark_read(user=request.user, task=task)
    responses = [place.response for place in task.places.select_related("response")]
    letters = {r.pk: chr(ord("A") + number) for number, r in enumerate(responses)}
    mine = list(Judgement.objects.filter(task=task, annotator=request.user).current())
    context = {
        "project": task.project,
        "task": task,
        "responses": [(letters[r.pk], r) for r in responses],
        "mine": rows_of(mine, letters) if mine else [],
        "reviews": discussions.reviews(task.project, request.user),
        "threads": threads_of(task, request.user),
        "refusal": refusal,
        "typed": request.POST.get("text", ""),
        "typed_about": request.POST.get("about", ""),
    }
    return render(request, "annotate/review/discussion_page.html", context, status=status)


def _add(request: HttpRequest, task: Task) -> HttpResponse:
    about = request.POST.get("about", "")
    try:
        discussions.add_note(
            task_id=task.pk,
            author=request.user,
            text=request.POST.get("text", "").replace("\r\n", "\n"),
            judgement_id=int(about) if about.isascii() and about.isdecimal() else None,
            deed=request.POST.get("deed", Note.Deed.SAID),
        )
    except InvalidValue as error:
        return discussion_page(request, task, in_words(error), 422)
    back = request.POST.get("back", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("discussion", args=[task.pk])
    return redirect(back)


@login_required
@require_safe
@never_cache
def mentions(request: HttpRequest) -> HttpResponse:
    """Where somebody named one, the newest first; the unread ones stand out."""
    rows = discussions.mentions_of(request.user)
    before = number_in(request, "before")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    shown = found[:PAGE]
    context = {
        "mentions": [{"row": one, "who": _who(one, request.user)} for one in shown],
        "unread": discussions.count_unread(request.user),
        **page_links(request, shown[-1].pk if len(found) > PAGE else None),
    }
    return render(request, "annotate/review/mentions.html", context)


def _who(mention: Mention, reader: User) -> str:
    return person_words(mention.note.project, mention.note.author, reader)


@login_required
@require_POST
def read_mentions(request: HttpRequest) -> HttpResponse:
    """All mentions are read."""
    discussions.mark_read(user=request.user)
    messages.success(request, _("All mentions are marked as read."))
    return redirect("mentions")


urlpatterns = [
    path("tasks/<int:task_id>/discussion/", discussion, name="discussion"),
    path("mentions/", mentions, name="mentions"),
    path("mentions/read/", read_mentions, name="read_mentions"),
]
