"""Invitations by link."""

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import Invitation
from annotate.models.invitation import Standing
from annotate.services.people import invitations

FIELDS = ("role", "tier", "team", "max_uses", "days", "note")


class InvitationList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_invitations", responses=schema.InvitationPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The links that let people in, oldest first, those that are over too."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        rows = project.invitations.select_related("team")
        return answer_page(request, rows, lambda row: invitation_body(request, row))

    @extend_schema(
        operation_id="create_invitation",
        examples=examples.INVITATION,
        request=schema.NewInvitation,
        responses={201: schema.Invitation},
    )
    @repeatable(remedy="Its link is not kept; `list_invitations` has it.")
    def post(self, request: Request, project_id: int) -> Response:
        """Make a link by which people come in, with an account or by making one."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=FIELDS)
        made = invitations.create_invitation(project=project, actor=request.user, **body)
        return Response(invitation_body(request, made), 201)


class InvitationDetail(APIView):
    @extend_schema(operation_id="revoke_invitation", responses={204: None})
    def delete(self, request: Request, project_id: int, invitation_id: int) -> Response:
        """Revoke the link. Who came by it stays; the row stays in the list."""
        rows = Invitation.objects.filter(project=project_id)
        invitation = access.get_in_project(request.user, rows, invitation_id, access.MANAGE)
        invitations.revoke_invitation(invitation=invitation, actor=request.user)
        return Response(status=204)


def invitation_body(request: Request, row: Invitation) -> dict:
    standing = row.standing(timezone.now())
    link = request.build_absolute_uri(invitations.join_path(row))
    return {
        "id": row.pk,
        "link": link if standing == Standing.OPEN else None,
        "state": str(standing),
        "role": row.role,
        "tier": row.tier,
        "team": row.team.name if row.team else None,
        "max_uses": row.max_uses,
        "uses": row.uses,
        "note": row.note,
        "expires_at": row.expires_at,
        "created_at": row.created_at,
    }


urlpatterns = [
    path(
        "projects/<int:project_id>/invitations/",
        InvitationList.as_view(),
        name="api_invitations",
    ),
    path(
        "projects/<int:project_id>/invitations/<int:invitation_id>/",
        InvitationDetail.as_view(),
        name="api_invitation",
    ),
]
