"""The work page: one task after the other, answered, skipped or changed.

Every action is a plain form: POST, redirect, next task. Scripts send the same forms and ask
for JSON; they get the following task's HTML with the answer, so that a task costs one request.

What holds a task goes out compressed: a page of marking spans is 30 kB of HTML. Its CSRF token is
masked anew each time, so that the length tells nothing of it (BREACH).
"""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from annotate import access
from annotate.forms import Form, version_of
from annotate.handout import Lease, Unasked
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Membership, Project, Review, Seat, Task, User
from annotate.pages import shown
from annotate.pages.kinds.fields import written
from annotate.pages.panel_entry import end_of
from annotate.pages.questions import read_value
from annotate.pages.reasons import in_words
from annotate.pages.row_ids import row_id, seat_id_of
from annotate.pages.same_account import same_account
from annotate.pages.work_frame import changed_guidelines, frame
from annotate.pages.work_times import seconds, started_at
from annotate.progress import for_eyes_of, progress_now, progress_of
from annotate.reports.held import held_back
from annotate.reports.left import left_for
from annotate.services.conversations.chat import too_few_models
from annotate.services.reports import arena
from annotate.services.reports.arena import next_seat
from annotate.services.review import norming
from annotate.services.work import judgements, returned, seats
from annotate.services.work.judgements import Submitted
from annotate.services.work.seats import SeatGone

TASK_FRAGMENT = "annotate/work.html#task"


@gzip_page
@require_GET
@never_cache
@login_required
def work(request: HttpRequest, project_id: int) -> HttpResponse:
    """The task you are at, or the next one, leased to you; the done page when none is left."""
    project = access.get_project(request.user, project_id)
    return _work_page(request, project)


@gzip_page
@require_GET
@never_cache
@login_required
def next_task(request: HttpRequest, project_id: int) -> HttpResponse:
    """The task after the seat `beside`, as a fragment, leased ahead; 204 when there is none.

    `seen` is the form under which the task before it is shown: see `_fragment`.
    """
    beside = seat_id_of(request.GET.get("beside", ""))
    lease = _lease_if_asked(project_id, request.user, beside)
    if lease is None:
        return HttpResponse(status=204)
    return HttpResponse(_fragment(request, lease, request.GET))


@gzip_page
@require_POST
@login_required
@same_account
def submit_judgement(request: HttpRequest, project_id: int, seat_id: int) -> HttpResponse:
    """Take the answer. JSON: what was saved, and the task after `beside` as HTML."""
    try:
        submitted = judgements.submit_judgement(
            seat_id=seat_id,
            user=request.user,
            form=row_id(request.POST.get("form", "")),
            started_at=started_at(request.POST.get("shown_for", "")),
            idempotency_key=f"seat-{seat_id}",
            **_read_form(request),
        )
    except InvalidValue as error:
        return _invalid(request, project_id, seat_id, error)
    except SeatGone as error:
        return _gone(request, project_id, str(error))
    _explain(request, submitted)
    return _go_on(request, project_id, submitted)


@gzip_page
@require_http_methods(["GET", "POST"])
@never_cache
@login_required
@same_account
def revise_judgement(request: HttpRequest, project_id: int, judgement_id: int) -> HttpResponse:
    """An answer of yours, to be changed; the new one supersedes it."""
    if request.method == "GET":
        return _revise_page(request, project_id, judgement_id)
    try:
        submitted = judgements.revise_judgement(
            judgement_id=judgement_id,
            user=request.user,
            reason="undo",
            idempotency_key=f"revise-{judgement_id}",
            **_read_form(request),
        )
    except InvalidValue as error:
        return _revise_page(request, project_id, judgement_id, error)
    except SeatGone as error:
        return _gone(request, project_id, str(error))
    if submitted.differs:
        text = _("You had changed that answer before; that change stays. Undo changes it again.")
        messages.warning(request, text)
    else:
        # What it is about tells the page which draft it need not keep any longer.
        about = f"revise-{judgement_id}"
        messages.success(request, _("Your answer is changed."), extra_tags=about)
    return _go_on(request, project_id, submitted)


@require_GET
@never_cache
@login_required
def undo(request: HttpRequest, project_id: int) -> HttpResponse:
    """Go to your last answer, or to the last one older than the judgement `before`."""
    project = access.get_project(request.user, project_id)
    if arena.is_arena(Form.of_project(project)):
        messages.info(request, judgements.stays())
        return redirect("work", project_id)
    own = Judgement.objects.filter(project=project, annotator=request.user).current()
    own = own.filter(amendment=None).standing()  # a reviewer's are changed in review
    before = row_id(request.GET.get("before", ""))
    if before is not None:
        own = own.filter(pk__lt=before)
    last = own.order_by("-pk").values_list("pk", flat=True).first()
    if last is None:
        messages.info(request, _("There is no earlier answer of yours to change."))
        return redirect("work", project_id)
    return redirect("revise_judgement", project_id, last)


@gzip_page
@require_POST
@login_required
@same_account
def skip_seat(request: HttpRequest, project_id: int, seat_id: int) -> HttpResponse:
    """Decline the task for good, with the reason."""
    try:
        seats.skip_seat(
            seat_id=seat_id,
            user=request.user,
            reason=request.POST.get("reason", ""),
            note=request.POST.get("note", ""),
        )
    except InvalidValue as error:
        return _invalid(request, project_id, seat_id, error)
    except SeatGone as error:
        return _gone(request, project_id, str(error))
    if not _wants_json(request):
        messages.info(request, _("Skipped. Somebody else will get that task."))
    return _go_on(request, project_id)


@require_POST
@login_required
@same_account
def renew_lease(request: HttpRequest, project_id: int, seat_id: int) -> HttpResponse:
    """Keep the seat while its page is in use. 204, or 409 with what became of it."""
    try:
        seats.renew_lease(seat_id=seat_id, user=request.user)
    except SeatGone as error:
        return problem(409, str(error))
    return HttpResponse(status=204)


def _work_page(
    request: HttpRequest,
    project: Project,
    error: InvalidValue | None = None,
    seat_id: int | None = None,
) -> HttpResponse:
    """With `error`, the form keeps what was sent and says what is wrong with it.

    But not the form of another task than `seat_id`: that one is in other hands by now.
    """
    lease = None
    if project.state == Project.State.ACTIVE:
        before = returned.waiting(project_id=project.pk, user=request.user)
        if before.judgement is not None and not error:
            return redirect("revise_judgement", project.pk, before.judgement)
        try:
            if before.seat is not None and norming.is_asked_nothing(project):
                lease = norming.lease_of(seat_id=before.seat, user=request.user)
            lease = lease or next_seat(project_id=project.pk, user=request.user)
        except Unasked:
            return redirect("consent", project.pk)
    if lease is None:
        if (ended := end_of(request, project)) is not None:
            return ended
        held = held_back(project.pk, request.user)
        if held is not None and held.why == "practice":
            return redirect("practice", project.pk)
        around = frame(project, project.guidelines)
        around["progress"] = for_eyes_of(project.membership, progress_now(project.pk))
        around["left"] = left_for(project.membership) if project.membership else None
        around["labelled_only"] = not around["progress"].total and _labelled_only(
            request.user, project
        )
        around["held"] = held
        return render(request, "annotate/done.html", around)
    if error and lease.seat_id != seat_id:
        text = _("Your last answer was not taken (%s), and its task is no longer yours.")
        messages.warning(request, text % in_words(error))
        return redirect("work", project.pk)
    refused = request.POST if "rationale" in request.POST or "answer" in request.POST else None
    task = shown.from_lease(lease, request.user.pk, refused)
    context = {
        "task": task.refused(error) if error else task,
        "too_few_models": too_few_models(project),
        "may_manage": project.membership is None or project.membership.role in access.MANAGE,
        **frame(project, project.guidelines),
    }
    return render(request, "annotate/work.html", context, status=422 if error else 200)


def _labelled_only(user: User, project: Project) -> bool:
    """Are there tasks, none of which asks people, and is it the user who can change that?"""
    manages = user.is_superuser or project.membership.role in access.MANAGE
    return manages and Task.objects.filter(project=project).exists()


def _revise_page(
    request: HttpRequest, project_id: int, judgement_id: int, error: InvalidValue | None = None
) -> HttpResponse:
    own = Judgement.objects.filter(annotator=request.user, project=project_id).select_related(
        "task__prompt", "form_version"
    )
    judgement = access.get_in_project(request.user, own, judgement_id)
    if Judgement.objects.filter(supersedes=judgement).exists():
        return redirect("undo", project_id)
    if Review.objects.dismissing().filter(judgement=judgement).exists():
        messages.info(request, judgements.dismissed())
        return redirect("work", project_id)
    note = returned.note(judgement)
    task = shown.from_judgement(judgement, request.POST if error else None, returned=note)
    if error:
        task = task.refused(error)
        if _wants_json(request):
            return _refusal(error, task)
    project, version = judgement.project, version_of(judgement)
    around = frame(project, project.guidelines if version is None else version.guidelines)
    context = {"task": task, **around}
    return render(request, "annotate/work.html", context, status=422 if error else 200)


def _lease_if_asked(project_id: int, user: User, beside: int | None) -> Lease | None:
    """The lease; None also where the page, loaded anew, would ask or show something first."""
    if any(returned.waiting(project_id=project_id, user=user)):
        return None
    try:
        return next_seat(project_id=project_id, user=user, beside=beside)
    except Unasked:
        return None


def _fragment(request: HttpRequest, lease: Lease, sent: QueryDict) -> str:
    """The task; under another form than the one `seen` before, with the guidelines of its own.

    A page may stay open for days, and what is answered is kept under the form of its task.
    """
    context: dict[str, object] = {"task": shown.from_lease(lease, request.user.pk)}
    if "seen" in sent and row_id(sent["seen"]) != lease.form_version:
        context |= changed_guidelines(lease.form_version)
    return render_to_string(TASK_FRAGMENT, context, request)


def _go_on(
    request: HttpRequest, project_id: int, submitted: judgements.Submitted | None = None
) -> HttpResponse:
    """After a write: the next page, or for scripts what they need to show it themselves."""
    if not _wants_json(request):
        return redirect("work", project_id)
    beside = seat_id_of(request.POST.get("beside", ""))
    lease = _lease_if_asked(project_id, request.user, beside)
    progress = progress_of([project_id])[project_id]
    if progress.has_checks:
        own = Membership.objects.filter(project=project_id, user=request.user).first()
        progress = for_eyes_of(own, progress)
    return JsonResponse(
        {
            "judgement": submitted.judgement.pk if submitted else None,
            "again": submitted is not None and not submitted.created,
            "next": _fragment(request, lease, request.POST) if lease else None,
            "percent": progress.percent,
            "message": _pending_message(request),
        }
    )


def _explain(request: HttpRequest, submitted: Submitted) -> None:
    """Say what is out of the ordinary about an answer that was taken."""
    if submitted.late:
        text = _(
            "Your time for that task had run out and somebody else took it. "
            "Your answer is kept as an extra one."
        )
        messages.warning(request, text)
    elif submitted.wants_pause:
        text = _("You have worked for a good while without a rest. Take a few minutes off.")
        messages.info(request, text)
    elif submitted.differs:
        text = _("You had answered that task before; the first answer stays. Undo changes it.")
        messages.warning(request, text)
    if met := arena.told_after(submitted.judgement):
        messages.info(request, met)


def _pending_message(request: HttpRequest) -> str:
    return " ".join(str(message) for message in messages.get_messages(request))


def _invalid(
    request: HttpRequest, project_id: int, seat_id: int, error: InvalidValue
) -> HttpResponse:
    if not _wants_json(request):
        return _work_page(request, access.get_project(request.user, project_id), error, seat_id)
    lease = None
    held = Seat.objects.filter(pk=seat_id, annotator=request.user, state=Seat.State.LEASED)
    if held.filter(leased_until__gt=timezone.now()).exists():  # else this would lease another one
        lease = _lease_if_asked(project_id, request.user, None)
    if lease is not None and lease.seat_id == seat_id:
        task = shown.from_lease(lease, request.user.pk, request.POST)
        return _refusal(error, task.refused(error))
    return problem(400, in_words(error), field=error.field)


def _refusal(error: InvalidValue, task: shown.ShownTask) -> JsonResponse:
    """What was refused, all of it together and each at its place."""
    wrong = [{"at": one.at, "reason": one.reason} for one in task.wrong]
    said = {"detail": task.refusal, "field": error.field, "wrong": wrong}
    return JsonResponse(said, status=400)


def _gone(request: HttpRequest, project_id: int, text: str) -> HttpResponse:
    if _wants_json(request):
        return problem(409, text)
    messages.warning(request, text)
    return redirect("work", project_id)


def problem(status: int, detail: str, field: str = "") -> JsonResponse:
    """A refusal for scripts: what the page says, and of which field."""
    return JsonResponse({"detail": detail, "field": field}, status=status)


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _read_form(request: HttpRequest) -> dict:
    return {
        "value": lambda form: read_value(form, request.POST),
        "rationale": written(request.POST, "rationale"),
        "flag": written(request.POST, "flag"),
        "seconds_active": seconds(request.POST.get("seconds_active", "")),
    }


urlpatterns = [
    path("projects/<int:project_id>/work/", work, name="work"),
    path("projects/<int:project_id>/work/next/", next_task, name="next_task"),
    path("projects/<int:project_id>/work/undo/", undo, name="undo"),
    path(
        "projects/<int:project_id>/work/judgements/<int:judgement_id>/",
        revise_judgement,
        name="revise_judgement",
    ),
    path(
        "projects/<int:project_id>/work/<seat:seat_id>/submit/",
        submit_judgement,
        name="submit_judgement",
    ),
    path("projects/<int:project_id>/work/<seat:seat_id>/skip/", skip_seat, name="skip_seat"),
    path("projects/<int:project_id>/work/<seat:seat_id>/renew/", renew_lease, name="renew_lease"),
]
