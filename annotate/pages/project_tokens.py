"""Tokens that are good for one project alone: whoever manages it makes and ends them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from annotate.access import MANAGE, get_project
from annotate.models import ApiToken, Project
from annotate.pages.token_form import SCOPES, TokenForm
from annotate.services.people import tokens


@login_required
@require_safe
def project_tokens(request: HttpRequest, project_id: int) -> HttpResponse:
    """Those at work, the newest first."""
    return _page(request, get_project(request.user, project_id, MANAGE))


@login_required
@require_POST
def create_project_token(request: HttpRequest, project_id: int) -> HttpResponse:
    """Answers with the secret on the page, once; it is kept nowhere."""
    project = get_project(request.user, project_id, MANAGE)
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _page(request, project, token_form=form, status=422)
    token, secret = tokens.issue_token(user=request.user, project=project, **form.values())
    return _page(request, project, new_token=token, secret=secret, status=201)


@login_required
@require_POST
def revoke_project_token(request: HttpRequest, project_id: int, token_id: int) -> HttpResponse:
    project = get_project(request.user, project_id, MANAGE)
    token = get_object_or_404(ApiToken.objects.filter(project=project), pk=token_id)
    tokens.revoke_token(token=token, actor=request.user)
    messages.success(request, _("The token “%s” no longer works.") % token)
    return redirect("project_tokens", project.pk)


def _page(
    request: HttpRequest, project: Project, *, status: int = 200, **more: object
) -> HttpResponse:
    rows = ApiToken.objects.filter(project=project, revoked_at=None).select_related("user")
    context = {
        "project": project,
        "tab": "people",
        "tokens": rows.order_by("-pk"),
        "token_form": TokenForm(),
        "scopes": SCOPES,
        **more,
    }
    answer = render(request, "annotate/projects/tokens.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


urlpatterns = [
    path("projects/<int:project_id>/people/tokens/", project_tokens, name="project_tokens"),
    path(
        "projects/<int:project_id>/people/tokens/new/",
        create_project_token,
        name="create_project_token",
    ),
    path(
        "projects/<int:project_id>/people/tokens/<int:token_id>/revoke/",
        revoke_project_token,
        name="revoke_project_token",
    ),
]
