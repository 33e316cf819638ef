"""Where a panel sends its participants, and where they are told their code.

Opening the address changes nothing: the account is made, and its session begun, by pressing a
button, so that no link can log anybody in behind their back.
"""

from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from annotate.inputs import InvalidValue
from annotate.models import PanelStudy, Participation, Project
from annotate.pages.join import BACKEND
from annotate.pages.reasons import in_words
from annotate.reports.held import held_back
from annotate.services.people import participations
from annotate.services.people.panels import return_link
from annotate.services.people.rates import TooManyTries

State = Participation.State


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def panel_entry(request: HttpRequest, code: str) -> HttpResponse:
    """What the study is; POST begins it, or goes on where one was."""
    study = _study(code)
    address = request.META["REMOTE_ADDR"]
    try:
        entry = participations.read_entry(study, request.GET.dict(), address)
        if request.method != "POST":
            return _page(request, {"study": study, "project": study.project})
        found = participations.enter(study=study, entry=entry, address=address)
    except InvalidValue as error:
        return _refused(request, study, error)
    if request.user != found.user:
        login(request, found.user, backend=BACKEND)
    if found.state != State.ACTIVE:
        return redirect("panel_end", study.code)
    return redirect("work", study.project_id)


@never_cache
@login_required
@require_safe
def panel_end(request: HttpRequest, code: str) -> HttpResponse:
    """The outcome, its code and the way back; while there is none, what can be done."""
    return _end_page(request, _own(request, code))


@never_cache
@login_required
@require_POST
def leave_panel(request: HttpRequest, code: str) -> HttpResponse:
    """End it for oneself: `outcome` is no_consent or nothing_left."""
    own = _own(request, code)
    try:
        participations.leave(
            participation=own,
            outcome=request.POST.get("outcome", ""),
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        return _end_page(request, own, error)
    return redirect("panel_end", code)


def end_of(request: HttpRequest, project: Project) -> HttpResponse | None:
    """For a participant who gets no task now: the page that says so. None for everybody else, and
    where a quiz or a manager is what they wait for.
    """
    own = participations.own_participation(project, request.user)
    if own is None:
        return None
    held = held_back(project.pk, request.user)
    own = participations.settle(own, held)
    if own.state == State.ACTIVE and (held is not None or project.state != Project.State.ACTIVE):
        return None
    return redirect("panel_end", own.study.code)


def _study(code: str) -> PanelStudy:
    rows = PanelStudy.objects.select_related("project").filter(project__archived_at=None)
    study = rows.filter(code=code).first()
    if study is None:
        raise Http404(_("There is no such study."))
    return study


def _own(request: HttpRequest, code: str) -> Participation:
    rows = Participation.objects.select_related("study__project", "user")
    own = rows.filter(study__code=code, user=request.user).first()
    if own is None:
        raise Http404(_("You are no participant of this study."))
    return own


def _end_page(
    request: HttpRequest, own: Participation, error: InvalidValue | None = None
) -> HttpResponse:
    context = {
        "study": own.study,
        "project": own.study.project,
        "own": own,
        "back": return_link(own.study, own.code),
        "why": _said(error) if error else "",
    }
    return _page(request, context, status=409 if error else 200)


def _refused(request: HttpRequest, study: PanelStudy, error: InvalidValue) -> HttpResponse:
    """403 for parameters that are wrong, 410 where nobody is let in now, 429 for too many tries."""
    status = 403
    if isinstance(error, TooManyTries):
        status = 429
    elif isinstance(error, participations.NotLetIn):
        status = 410
    field = error.field if isinstance(error, participations.Forged) else ""
    context = {"study": study, "project": study.project, "refused": _said(error, field)}
    answer = _page(request, context, status=status)
    if isinstance(error, TooManyTries):
        answer["Retry-After"] = str(error.seconds)
    return answer


def _said(error: InvalidValue, field: str = "") -> str:
    text = f"{field} {in_words(error)}" if field else in_words(error)
    return f"{text[:1].upper()}{text[1:]}."


def _page(request: HttpRequest, context: dict, status: int = 200) -> HttpResponse:
    return render(request, "annotate/panel.html", context, status=status)


urlpatterns = [
    path("p/<slug:code>/", panel_entry, name="panel_entry"),
    path("p/<slug:code>/end/", panel_end, name="panel_end"),
    path("p/<slug:code>/leave/", leave_panel, name="leave_panel"),
]
