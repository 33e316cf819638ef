"""What a project asks before the first task: to agree to its text, and questions on oneself."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from annotate.access import get_project
from annotate.inputs import InvalidValue
from annotate.models import Consent, Membership, Project
from annotate.pages.profile_form import ProfileForm
from annotate.pages.reasons import in_words
from annotate.services.people import consents, profiles
from annotate.services.people.participations import own_participation


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def consent(request: HttpRequest, project_id: int) -> HttpResponse:
    """Read and answer it; later, see what one agreed to and change what one said of oneself."""
    project, member = _member(request, project_id)
    questions = profiles.asked_now(project)
    own = profiles.own_answers(member) if questions else {}
    if request.method != "POST":
        return _page(request, project, member, ProfileForm(questions=questions, answers=own))
    form = ProfileForm(request.POST, questions=questions, answers=own)
    if not form.is_valid():
        return _page(request, project, member, form, status=422)
    was_asked = _is_asked(project, member)
    try:
        _save(request, project, member, form)
    except InvalidValue as refused:
        form.refuse(refused)
        return _page(request, project, member, form, status=422)
    if was_asked:
        return redirect("work", project.pk)
    messages.success(request, _("Your answers are saved."))
    return redirect("consent", project.pk)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_consent(request: HttpRequest, project_id: int) -> HttpResponse:
    """Ask whether it is meant, with what follows; POST takes the consent back."""
    project, member = _member(request, project_id)
    if request.method == "POST":
        try:
            consents.withdraw_consent(membership=member, address=request.META["REMOTE_ADDR"])
        except InvalidValue as error:
            text = in_words(error)
            messages.error(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(
                request, _("Your consent is withdrawn. You get no more tasks of this project.")
            )
        return redirect("consent", project.pk)
    return render(request, "annotate/withdraw_consent.html", {"project": project})


def _save(request: HttpRequest, project: Project, member: Membership, form: ProfileForm) -> None:
    with transaction.atomic():
        if project.consent and member.consent_id != project.consent_id:
            consents.give_consent(
                membership=member,
                number=_number(request.POST.get("version", "")),
                address=request.META["REMOTE_ADDR"],
            )
        if form.questions:
            profiles.save_profile(membership=member, answers=form.answers())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def _is_asked(project: Project, member: Membership) -> bool:
    """Whether there is something to answer before the work goes on."""
    if project.consent_id and member.consent_id != project.consent_id:
        return True
    return bool(profiles.asked_now(project)) and member.profile_asked_at is None


def _member(request: HttpRequest, project_id: int) -> tuple[Project, Membership]:
    project = get_project(request.user, project_id)
    if project.membership is None:
        raise Http404(_("Only members are asked."))
    return project, project.membership


def _page(
    request: HttpRequest,
    project: Project,
    member: Membership,
    form: ProfileForm,
    *,
    status: int = 200,
) -> HttpResponse:
    given = Consent.objects.filter(text__project=project, user=request.user, withdrawn_at=None)
    must_agree = project.consent_id is not None and member.consent_id != project.consent_id
    context = {
        "project": project,
        "text": project.consent,
        "must_agree": must_agree,
        "is_asked": _is_asked(project, member),
        "given": given.select_related("text").order_by("-pk").first(),
        "form": form,
        "participation": own_participation(project, request.user) if must_agree else None,
    }
    return render(request, "annotate/consent.html", context, status=status)


urlpatterns = [
    path("projects/<int:project_id>/consent/", consent, name="consent"),
    path("projects/<int:project_id>/consent/withdraw/", withdraw_consent, name="withdraw_consent"),
]
