"""Teams of a project, managed on the page of its people."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from annotate.access import MANAGE, get_in_project, get_project
from annotate.inputs import InvalidValue
from annotate.models import Team
from annotate.pages.people import people_page
from annotate.pages.reasons import in_words
from annotate.services.people import teams


@login_required
@require_POST
def create_team(request: HttpRequest, project_id: int) -> HttpResponse:
    """A new team, without anybody in it."""
    project = get_project(request.user, project_id, MANAGE)
    name = request.POST.get("team_name", "")
    try:
        team = teams.create_team(
            project=project, name=name, actor=request.user, address=request.META["REMOTE_ADDR"]
        )
    except InvalidValue as error:
        refused = {"team_name": name, "team_error": _said(error)}
        return people_page(request, project, status=422, **refused)
    messages.success(request, _("The team “%s” is there; put members into it.") % team)
    return redirect("people", project.pk)


@login_required
@require_POST
def rename_team(request: HttpRequest, team_id: int) -> HttpResponse:
    team = get_in_project(request.user, Team.objects.select_related("project"), team_id, MANAGE)
    try:
        teams.rename_team(
            team=team,
            name=request.POST.get("team_name", ""),
            actor=request.user,
            address=request.META["REMOTE_ADDR"],
        )
    except InvalidValue as error:
        messages.error(request, _said(error))
    else:
        messages.success(request, _("The team is called “%s” now.") % team)
    return redirect("people", team.project_id)


@login_required
@require_POST
def delete_team(request: HttpRequest, team_id: int) -> HttpResponse:
    """Dissolve a team; its members stay members."""
    team = get_in_project(request.user, Team.objects.select_related("project"), team_id, MANAGE)
    teams.delete_team(team=team, actor=request.user, address=request.META["REMOTE_ADDR"])
    messages.success(request, _("The team “%s” is dissolved; its members stay.") % team)
    return redirect("people", team.project_id)


def _said(error: InvalidValue) -> str:
    text = in_words(error)
    return f"{text[:1].upper()}{text[1:]}."


urlpatterns = [
    path("projects/<int:project_id>/people/teams/", create_team, name="create_team"),
    path("teams/<int:team_id>/name/", rename_team, name="rename_team"),
    path("teams/<int:team_id>/delete/", delete_team, name="delete_team"),
]
