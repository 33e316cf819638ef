"""Where an invitation's link leads: in, with an account or by making one."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from annotate.inputs import InvalidValue
from annotate.models import Invitation, Membership
from annotate.pages.reasons import in_words
from annotate.services.people import invitations as links
from annotate.services.people.rates import TooManyTries, count_try

BACKEND = "django.contrib.auth.backends.ModelBackend"


class RegisterForm(forms.Form):
    """A new account."""

    username = forms.CharField(
        label=_("Username"),
        max_length=150,
        help_text=_("Managers see it. Exports have a made-up name instead."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("Optional."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The password again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict:
        values = super().clean()
        if values.get("password") and values.get("again") not in (None, values["password"]):
            self.add_error("again", _("The two passwords differ."))
        return values


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("password", "again")
def join(request: HttpRequest, token: str) -> HttpResponse:
    """What the invitation is to; POST takes it up, as who is logged in or with a new account."""
    try:
        invitation = _find(request, token)
        if request.method == "POST" and request.user.is_authenticated:
            member = links.accept_invitation(
                invitation=invitation, user=request.user, address=request.META["REMOTE_ADDR"]
            )
            return enter(request, member)
        if not _is_member(request, invitation):
            links.require_open(invitation)
    except InvalidValue as error:
        return _refused(request, error)
    if request.method == "POST":
        return _register(request, invitation)
    return _page(request, invitation)


@never_cache
@require_POST
@sensitive_post_parameters("password", "again")
def leave_to_join(request: HttpRequest, token: str) -> HttpResponse:
    """Log out, and come back to the link to take it up with another account."""
    request.session.flush()
    return redirect("join", token)


def _find(request: HttpRequest, token: str) -> Invitation:
    """Raises TooManyTries, InvalidValue."""
    invitation = links.find_invitation(token)
    if invitation is None:
        address = request.META["REMOTE_ADDR"]
        count_try("link", address, **settings.INVITATION_LIMITS["wrong"])
        raise InvalidValue(
            "link", "this is no link of an invitation; look whether it was copied whole"
        )
    return invitation


def _is_member(request: HttpRequest, invitation: Invitation) -> bool:
    return (
        request.user.is_authenticated
        and Membership.objects.filter(project=invitation.project, user=request.user).exists()
    )


def _register(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = RegisterForm(request.POST)
    if not form.is_valid():
        return _page(request, invitation, form=form, status=422)
    values = {name: form.cleaned_data[name] for name in ("username", "email", "password")}
    try:
        member = links.register(
            invitation=invitation, address=request.META["REMOTE_ADDR"], **values
        )
    except (links.InvitationOver, TooManyTries) as error:
        return _refused(request, error)
    except InvalidValue as refused:
        for error in refused.all:
            form.add_error(error.field if error.field in form.fields else None, _said(error))
        return _page(request, invitation, form=form, status=422)
    login(request, member.user, backend=BACKEND)
    return enter(request, member)


def enter(request: HttpRequest, member: Membership) -> HttpResponse:
    """To the work or the overview of who just came in."""
    messages.success(request, _("You are a member of “%s” now.") % member.project.name)
    if member.role == Membership.Role.ANNOTATOR:
        return redirect("work", member.project_id)
    return redirect("overview", member.project_id)


def _page(
    request: HttpRequest,
    invitation: Invitation,
    *,
    form: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "invitation": invitation,
        "project": invitation.project,
        "is_member": _is_member(request, invitation),
        "form": form or RegisterForm(initial={"email": invitation.email}),
        "token": links.invitation_token(invitation),
        "provider": settings.SIGN_IN,
    }
    return render(request, "annotate/join.html", context, status=status)


def _refused(request: HttpRequest, error: InvalidValue) -> HttpResponse:
    """404 for what is no link, 410 for one that is over, 429 for too many tries."""
    status = 404
    if isinstance(error, TooManyTries):
        status = 429
    elif isinstance(error, links.InvitationOver):
        status = 410
    elif request.method == "POST":
        status = 409
    why = f"{_said(error)}."
    response = render(request, "annotate/join.html", {"why": why}, status=status)
    if isinstance(error, TooManyTries):
        response["Retry-After"] = str(error.seconds)
    return response


def _said(error: InvalidValue) -> str:
    text = in_words(error)
    return text[:1].upper() + text[1:]


urlpatterns = [
    path("join/<str:token>/", join, name="join"),
    path("join/<str:token>/leave/", leave_to_join, name="leave_to_join"),
]
