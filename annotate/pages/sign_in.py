"""Sign-in through the provider of the settings: begun by a button, finished where it sends back.

These addresses exist only where a provider is set.
"""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from annotate.inputs import InvalidValue
from annotate.models import Invitation, Membership, User
from annotate.pages.join import BACKEND, enter
from annotate.pages.reasons import in_words
from annotate.services.people import identities
from annotate.services.people import invitations as links
from annotate.services.people.rates import TooManyTries
from annotate.sign_in import protocol
from annotate.sign_in.protocol import Claims, NotBegun, ProviderFailed

CONNECT = "connect"


@never_cache
@require_POST
def begin_sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Leads to the provider. `process=connect` connects it with the account that is signed in;
    `invitation`, the end of a link, is accepted on the way back; `next` comes after.

    The way there is a page of its own: browsers count where a form's answer redirects to as the
    form's target, which the content security policy keeps here.
    """
    _require_ours(provider_id)
    remembered: dict[str, Any] = {"invitation": request.POST.get("invitation", "")[:200]}
    if request.POST.get("process") == CONNECT:
        if not request.user.is_authenticated:
            return redirect("login")
        remembered["connect"] = request.user.pk
    try:
        address = protocol.begin(request, next_url=_safe(request), **remembered)
    except InvalidValue as error:
        return _refused(request, error)
    context = {"address": address, "provider": settings.SIGN_IN}
    answer = render(request, "annotate/sign_in.html", context)
    answer["Refresh"] = f"0; url={address}"
    return answer


@never_cache
@require_GET
def openid_connect_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Where the provider sends people back to, who said yes or no there."""
    _require_ours(provider_id)
    try:
        claims, remembered = protocol.finish(request)
        if "connect" in remembered:
            return _connect(request, claims, remembered["connect"])
        return _sign_in(request, claims, remembered)
    except InvalidValue as error:
        return _refused(request, error)


@require_POST
@login_required
def disconnect_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    _require_ours(provider_id)
    try:
        identities.disconnect(
            user=request.user, issuer=settings.SIGN_IN.issuer, address=request.META["REMOTE_ADDR"]
        )
    except InvalidValue as error:
        return _refused(request, error)
    messages.success(request, _("%s opens your account no more.") % settings.SIGN_IN.name)
    return redirect("account")


def _connect(request: HttpRequest, claims: Claims, wanted: int) -> HttpResponse:
    if request.user.pk != wanted:
        raise NotBegun("state", protocol.LOST)
    identities.connect(
        user=request.user,
        issuer=claims.issuer,
        subject=claims.subject,
        label=claims.label,
        address=request.META["REMOTE_ADDR"],
    )
    messages.success(request, _("%s opens your account from now on.") % settings.SIGN_IN.name)
    return redirect("account")


def _sign_in(request: HttpRequest, claims: Claims, remembered: dict[str, Any]) -> HttpResponse:
    invitation = links.find_invitation(remembered["invitation"])
    user = identities.open_account(
        provider=settings.SIGN_IN, subject=claims.subject, address=request.META["REMOTE_ADDR"]
    )
    if user is None:
        user = _new_account(request, claims, invitation)
        login(request, user, backend=BACKEND)
        if invitation is not None:
            return enter(request, Membership.objects.get(project=invitation.project, user=user))
    else:
        login(request, user, backend=BACKEND)
        if invitation is not None:
            return _take_part(request, user, invitation)
    return redirect(remembered["next"] or resolve_url(settings.LOGIN_REDIRECT_URL))


def _new_account(request: HttpRequest, claims: Claims, invitation: Invitation | None) -> User:
    return identities.sign_up(
        provider=settings.SIGN_IN,
        subject=claims.subject,
        label=claims.label,
        email=claims.email,
        username=claims.username,
        first_name=claims.first_name,
        last_name=claims.last_name,
        invitation=invitation,
        address=request.META["REMOTE_ADDR"],
    )


def _take_part(request: HttpRequest, user: User, invitation: Invitation) -> HttpResponse:
    """With an account that was there before. The invitation's page says why not, if so."""
    try:
        member = links.accept_invitation(
            invitation=invitation, user=user, address=request.META["REMOTE_ADDR"]
        )
    except InvalidValue:
        return redirect(links.join_path(invitation))
    return enter(request, member)


def _require_ours(provider_id: str) -> None:
    if settings.SIGN_IN is None or provider_id != settings.SIGN_IN.id:
        raise Http404(_("There is no such provider."))


def _safe(request: HttpRequest) -> str:
    """The page to go on to, if it is one of this server's."""
    back = request.POST.get("next", "")
    hosts = {request.get_host()}
    return back if url_has_allowed_host_and_scheme(back, hosts, request.is_secure()) else ""


def _refused(request: HttpRequest, error: InvalidValue) -> HttpResponse:
    """400 for a sign-in that was not begun here, 502 where the provider failed, 429 for too many
    tries; else 403.
    """
    status = 403
    if isinstance(error, NotBegun):
        status = 400
    elif isinstance(error, ProviderFailed):
        status = 502
    elif isinstance(error, TooManyTries):
        status = 429
    text = in_words(error)
    context = {"why": f"{text[:1].upper()}{text[1:]}.", "provider": settings.SIGN_IN}
    answer = render(request, "annotate/sign_in.html", context, status=status)
    if isinstance(error, TooManyTries):
        answer["Retry-After"] = str(error.seconds)
    return answer


urlpatterns = [
    path("sign-in/<slug:provider_id>/", begin_sign_in, name="begin_sign_in"),
    path(
        "sign-in/<slug:provider_id>/callback/",
        openid_connect_callback,
        name="openid_connect_callback",
    ),
    path("sign-in/<slug:provider_id>/disconnect/", disconnect_provider, name="disconnect_provider"),
]
