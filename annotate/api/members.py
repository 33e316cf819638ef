"""Members: who belongs to a project, in which role, and what is known of them."""

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.bulk import change_many, many_of, results_of
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import clean_choice, clean_text
from annotate.kinds import InvalidValue
from annotate.models import Membership, Project, User
from annotate.services.people import members
from annotate.services.people.member_fields import FIELDS, clean_team


class ChangeOfMember(schema.MemberChange):
    id = s.IntegerField(min_value=0)


class MemberList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="list_members",
        parameters=[
            OpenApiParameter("team", str, description="Of this team alone, by name."),
            OpenApiParameter("tier", str, enum=Membership.Tier.values),
        ],
        responses=schema.MemberPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """The members, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = project.memberships.select_related("user", "team")
        if "team" in request.query_params:
            rows = rows.filter(team=clean_team(project, request.query_params["team"]))
        if "tier" in request.query_params:
            tier = clean_choice("tier", request.query_params["tier"], Membership.Tier.values)
            rows = rows.filter(tier=tier)
        return answer_page(request, rows, member_body)

    @extend_schema(
        operation_id="add_member",
        examples=examples.ADD_MEMBER,
        request=schema.MemberRequest,
        responses={201: schema.Member},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Take somebody in, by user name."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"user", "role", *FIELDS}, required=["user", "role"])
        name = clean_text("user", body["user"], max_chars=150, required=True)
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            raise InvalidValue("user", f"there is no active user named {name!r}; make one first")
        membership = members.add_member(
            project=project,
            user=user,
            role=body["role"],
            actor=request.user,
            **{name: body[name] for name in FIELDS if name in body},
        )
        return Response(member_body(membership), 201)

    @extend_schema(
        operation_id="change_members",
        examples=[
            examples.request(
                {
                    "items": [
                        {"id": 12, "tier": "expert", "skills": ["law"]},
                        {"id": 13, "languages": ["de", "en"]},
                    ]
                }
            )
        ],
        request=many_of(ChangeOfMember, "MembersChange"),
        responses=results_of(schema.Member, "MembersChanged"),
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Change many members, up to 500: all of them, or none."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        rows = project.memberships.select_related("user", "team")

        def change(number: int, fields: dict) -> Membership:
            return change_one(get_object_or_404(rows, pk=number), request, fields)

        changed = change_many(request, key="id", known={"role", *FIELDS}, change=change)
        return Response({"results": [member_body(one) for one in changed]})


class MemberDetail(Tagged, APIView):
    parser_classes = [PlainJSONParser]
    row = "member_id"
    locked = Membership.objects.select_for_update()
    counted = ("done",)

    def lock(self, *, project_id: int, member_id: int) -> None:
        """The project's row first, as whatever changes members does."""
        list(Project.objects.select_for_update(no_key=True).filter(pk=project_id).values_list("pk"))
        super().lock(project_id=project_id, member_id=member_id)

    @extend_schema(operation_id="get_member", responses=schema.Member)
    def get(self, request: Request, project_id: int, member_id: int) -> Response:
        """One member; for whoever reviews, and the member."""
        membership = _get(request, project_id, member_id, access.ANY_MEMBER)
        if membership.user_id != request.user.pk:
            membership = _get(request, project_id, member_id, access.REVIEW)
        return Response(member_body(membership))

    @extend_schema(
        operation_id="change_member",
        examples=[
            examples.request({"tier": "expert", "languages": ["de", "en"], "skills": ["law"]})
        ],
        request=schema.MemberChange,
        responses=schema.Member,
    )
    @if_match
    def patch(self, request: Request, project_id: int, member_id: int) -> Response:
        """Give the member another role, or change what is known of them: all of it, or nothing."""
        membership = _get(request, project_id, member_id, access.MANAGE)
        body = read_body(request, known={"role", *FIELDS})
        return Response(member_body(change_one(membership, request, body)))

    @extend_schema(operation_id="remove_member", responses={204: None})
    @if_match
    def delete(self, request: Request, project_id: int, member_id: int) -> Response:
        """End the membership. What the member judged stays; one may leave by oneself."""
        membership = _get(request, project_id, member_id, access.ANY_MEMBER)
        members.remove_member(membership=membership, actor=request.user)
        return Response(status=204)


def _get(request: Request, project_id: int, member_id: int, roles: frozenset) -> Membership:
    rows = Membership.objects.filter(project=project_id).select_related("user", "team")
    return access.get_in_project(request.user, rows, member_id, roles)


@transaction.atomic
def change_one(membership: Membership, request: Request, body: dict) -> Membership:
    """Role and fields, or neither."""
    fields = {name: body[name] for name in FIELDS if name in body}
    if "role" in body:
        membership = members.change_role(
            membership=membership, role=body["role"], actor=request.user
        )
    if fields:
        membership = members.change_member(membership=membership, actor=request.user, **fields)
    return membership


def member_body(membership: Membership) -> dict:
    return {
        "id": membership.pk,
        "user": membership.user.username,
        "pseudonym": membership.user.pseudonym,
        "role": membership.role,
        "tier": membership.tier,
        "languages": membership.languages,
        "skills": membership.skills,
        "team": membership.team.name if membership.team else None,
        "simulated": membership.user.is_simulated,
        "done": membership.done_count,
    }


urlpatterns = [
    path("projects/<int:project_id>/members/", MemberList.as_view(), name="api_members"),
    path(
        "projects/<int:project_id>/members/<int:member_id>/",
        MemberDetail.as_view(),
        name="api_member",
    ),
]
