"""The caller's own data."""

from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.interchange import judgement_row
from annotate.api.interchange_schema import JudgementPage
from annotate.api.paging import answer_page
from annotate.api.views import APIView
from annotate.services.people.own_data import stream_own_data


class OwnData(APIView):
    costly = ("get",)

    @extend_schema(operation_id="get_own_data", responses={(200, "application/json"): dict})
    def get(self, request: Request) -> StreamingHttpResponse:
        """All that is kept of the caller, as one JSON document, streamed.

        Account, tokens without their secrets, memberships, consents, answers on oneself,
        judgements, drafts, declined tasks, conversations, invitations made, deeds.
        """
        return StreamingHttpResponse(stream_own_data(request.user), content_type="application/json")


class OwnJudgements(APIView):
    @extend_schema(operation_id="list_own_judgements", responses=JudgementPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The caller's own judgements, oldest first, superseded ones too."""
        project = access.get_project(request.user, project_id)
        rows = project.judgements.filter(annotator=request.user)
        return answer_page(request, rows.select_related("annotator", "judge"), judgement_row)


urlpatterns = [
    path("me/data/", OwnData.as_view(), name="api_own_data"),
    path(
        "projects/<int:project_id>/judgements/mine/",
        OwnJudgements.as_view(),
        name="api_own_judgements",
    ),
]
