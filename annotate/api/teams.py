"""Teams: groups of a project's members."""

from django.db.models import Count
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import Team
from annotate.services.people import teams


class TeamList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_teams", responses=schema.TeamPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The teams, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return answer_page(request, project.teams.annotate(size=Count("members")), team_body)

    @extend_schema(
        operation_id="create_team",
        examples=[examples.request({"name": "Readers"})],
        request=schema.TeamRequest,
        responses={201: schema.Team},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Make a team. Members are put into it by `change_member`."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"name"}, required=["name"])
        team = teams.create_team(project=project, name=body["name"], actor=request.user)
        return Response(team_body(team), 201)


class TeamDetail(Tagged, APIView):
    parser_classes = [PlainJSONParser]
    row = "team_id"
    locked = Team.objects.select_for_update(no_key=True)

    @extend_schema(operation_id="get_team", responses=schema.Team)
    def get(self, request: Request, project_id: int, team_id: int) -> Response:
        """One team."""
        return Response(team_body(_get(request, project_id, team_id, access.REVIEW)))

    @extend_schema(
        operation_id="rename_team",
        examples=[examples.request({"name": "Night readers"})],
        request=schema.TeamRequest,
        responses=schema.Team,
    )
    @if_match
    def patch(self, request: Request, project_id: int, team_id: int) -> Response:
        """Give the team another name."""
        team = _get(request, project_id, team_id)
        body = read_body(request, known={"name"}, required=["name"])
        return Response(
            team_body(teams.rename_team(team=team, name=body["name"], actor=request.user))
        )

    @extend_schema(operation_id="delete_team", responses={204: None})
    @if_match
    def delete(self, request: Request, project_id: int, team_id: int) -> Response:
        """Dissolve the team; its members stay members."""
        teams.delete_team(team=_get(request, project_id, team_id), actor=request.user)
        return Response(status=204)


def _get(request: Request, project_id: int, team_id: int, roles: frozenset = access.MANAGE) -> Team:
    rows = Team.objects.filter(project=project_id)
    return access.get_in_project(request.user, rows, team_id, roles)


def team_body(team: Team) -> dict:
    size = team.size if hasattr(team, "size") else team.members.count()
    return {"id": team.pk, "name": team.name, "members": size}


urlpatterns = [
    path("projects/<int:project_id>/teams/", TeamList.as_view(), name="api_teams"),
    path("projects/<int:project_id>/teams/<int:team_id>/", TeamDetail.as_view(), name="api_team"),
]
