"""Your own account: the password, and the tokens your programs sign in with."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm, SetPasswordForm
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from annotate.models import ApiToken, User
from annotate.pages.token_form import SCOPES, TokenForm
from annotate.services.people import passwords, tokens


@require_GET
@login_required
def account(request: HttpRequest) -> HttpResponse:
    return _account_page(request)


@require_POST
@login_required
def change_password(request: HttpRequest) -> HttpResponse:
    """Other sessions of this person end; this one stays."""
    form = _password_form(request, request.POST)
    if form is None:
        raise Http404(_("This account is opened without a password."))
    if not form.is_valid():
        return _account_page(request, password_form=form, status=422)
    passwords.change_password(user=request.user, password=form.cleaned_data["new_password1"])
    update_session_auth_hash(request, request.user)
    messages.success(request, _("Your password is changed. Other devices are logged out."))
    return redirect("account")


@require_POST
@login_required
def create_token(request: HttpRequest) -> HttpResponse:
    """Answers with the secret on the page, once; it is kept nowhere."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _account_page(request, token_form=form, status=422)
    token, secret = tokens.issue_token(user=request.user, **form.values())
    return _account_page(request, new_token=token, secret=secret, status=201)


@require_POST
@login_required
def revoke_token(request: HttpRequest, token_id: int) -> HttpResponse:
    token = get_object_or_404(request.user.api_tokens, pk=token_id)
    tokens.revoke_token(token=token, actor=request.user)
    messages.success(request, _("The token “%s” no longer works.") % token)
    return redirect("account")


def _password_form(request: HttpRequest, given: QueryDict | None = None) -> SetPasswordForm | None:
    """Whom a provider lets in sets a first password; participants of panels have none to set."""
    user = request.user
    if not user.has_usable_password():
        return SetPasswordForm(user, given) if user.identities.exists() else None
    form = PasswordChangeForm(user, given)
    form.fields["old_password"].widget.attrs.pop("autofocus", None)
    return form


def _provider(user: User) -> dict[str, object]:
    """The provider, where one is set and may open this account; and whether it does."""
    provider = settings.SIGN_IN
    if provider is None or user.participations.exists():
        return {}
    return {
        "provider": provider,
        "identity": user.identities.filter(issuer=provider.issuer).first(),
    }


def _account_page(request: HttpRequest, *, status: int = 200, **context: object) -> HttpResponse:
    context = {
        "password_form": _password_form(request),
        **_provider(request.user),
        "token_form": TokenForm(),
        "scopes": SCOPES,
        "memberships": request.user.memberships.filter(project__archived_at=None)
        .select_related("project")
        .order_by("-project_id")[:100],
        "tokens": ApiToken.objects.filter(user=request.user, revoked_at=None)
        .select_related("project")
        .order_by("-pk"),
        **context,
    }
    response = render(request, "annotate/account.html", context, status=status)
    response["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("account/", account, name="account"),
    path("account/password/", change_password, name="change_password"),
    path("account/tokens/", create_token, name="create_token"),
    path("account/tokens/<int:token_id>/revoke/", revoke_token, name="revoke_token"),
]
