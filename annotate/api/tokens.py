"""Tokens: one's own, and those that are good for one project alone."""

from django.db.models import QuerySet
from django.http import Http404
from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import clean_time
from annotate.models import ApiToken, Project
from annotate.services.people import tokens

FIELDS = ("name", "scopes", "expires_at")
SHOWN_ONCE = (
    "Its secret was shown once and is not kept: revoke that token, then send a new key for another."
)


class NewToken(s.Serializer):
    name = s.CharField(required=False, max_length=100, allow_blank=True, help_text="What for.")
    scopes = s.ListField(child=s.ChoiceField(ApiToken.Scope.choices), min_length=1)
    expires_at = s.DateTimeField(
        required=False, allow_null=True, help_text="With its zone; never without."
    )


class TokenShape(s.Serializer):
    id = s.IntegerField()
    user = s.CharField(help_text="In whose name it works.")
    name = s.CharField(allow_blank=True)
    project = s.IntegerField(allow_null=True, help_text="null: all of the user's.")
    scopes = s.ListField(child=s.CharField())
    created_at = s.DateTimeField()
    expires_at = s.DateTimeField(allow_null=True)
    last_used_at = s.DateTimeField(allow_null=True, help_text="To some minutes.")
    revoked_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "Token"


class TokenPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = TokenShape(many=True)


class TokenSecret(TokenShape):
    secret = s.CharField(help_text="Shown this once; kept nowhere.")

    class Meta:
        ref_name = "NewTokenWithSecret"


EXAMPLE = OpenApiExample(
    "Request",
    value={"name": "Nightly export", "scopes": ["read"], "expires_at": "2099-01-31T00:00:00Z"},
    request_only=True,
)


class OwnTokens(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_own_tokens", responses=TokenPage)
    def get(self, request: Request) -> Response:
        """The caller's tokens, also revoked ones, oldest first; never their secrets."""
        return answer_page(request, _own(request), token_body)

    @extend_schema(
        operation_id="create_own_token",
        request=NewToken,
        responses={201: TokenSecret},
        examples=[EXAMPLE],
    )
    @repeatable(remedy=SHOWN_ONCE)
    def post(self, request: Request) -> Response:
        """Make a token for the caller. A token makes none that may do more or lives longer."""
        return _make(request, None)


class OwnToken(APIView):
    @extend_schema(operation_id="revoke_own_token", responses={204: None})
    def delete(self, request: Request, token_id: int) -> Response:
        """End it. Other processes may believe it for some seconds."""
        if request.user.only_project is not None:
            raise Http404("This token is for one project alone.")
        return _revoke(request, _own(request), token_id)


class ProjectTokens(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_project_tokens", responses=TokenPage)
    def get(self, request: Request, project_id: int) -> Response:
        """Tokens of anybody that are good for this project alone, oldest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return answer_page(request, _of(project), token_body)

    @extend_schema(
        operation_id="create_project_token",
        request=NewToken,
        responses={201: TokenSecret},
        examples=[EXAMPLE],
    )
    @repeatable(remedy=SHOWN_ONCE)
    def post(self, request: Request, project_id: int) -> Response:
        """Make a token that works in the caller's name, in this project alone."""
        return _make(request, access.get_project(request.user, project_id, access.MANAGE))


class ProjectToken(APIView):
    @extend_schema(operation_id="revoke_project_token", responses={204: None})
    def delete(self, request: Request, project_id: int, token_id: int) -> Response:
        """End it, whoever made it."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return _revoke(request, _of(project), token_id)


def _own(request: Request) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user=request.user).select_related("user")


def _of(project: Project) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(project=project).select_related("user")


def _revoke(request: Request, rows: QuerySet[ApiToken], token_id: int) -> Response:
    token = rows.filter(pk=token_id).first()
    if token is None:
        raise Http404("There is no such token.")
    tokens.revoke_token(token=token, actor=request.user)
    return Response(status=204)


def _make(request: Request, project: Project | None) -> Response:
    body = read_body(request, known=FIELDS, required=["scopes"])
    given = body.get("expires_at")
    expires_at = None if given is None else clean_time("expires_at", given)
    if isinstance(request.auth, ApiToken):
        tokens.refuse_more(request.auth, scopes=body["scopes"], expires_at=expires_at)
    token, secret = tokens.issue_token(
        user=request.user,
        name=body.get("name", ""),
        scopes=body["scopes"],
        expires_at=expires_at,
        project=project,
    )
    return Response({**token_body(token), "secret": secret}, 201)


def token_body(token: ApiToken) -> dict:
    names = ("name", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    body = {name: getattr(token, name) for name in names}
    return {"id": token.pk, "user": token.user.username, "project": token.project_id, **body}


urlpatterns = [
    path("me/tokens/", OwnTokens.as_view(), name="api_own_tokens"),
    path("me/tokens/<int:token_id>/", OwnToken.as_view(), name="api_own_token"),
    path("projects/<int:project_id>/tokens/", ProjectTokens.as_view(), name="api_project_tokens"),
    path(
        "projects/<int:project_id>/tokens/<int:token_id>/",
        ProjectToken.as_view(),
        name="api_project_token",
    ),
]
