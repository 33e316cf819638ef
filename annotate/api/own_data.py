"""The caller's own data."""

from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from annotate.services.own_data import stream_own_data


class OwnData(APIView):
    @extend_schema(operation_id="get_own_data", responses={(200, "application/json"): dict})
    def get(self, request: Request) -> StreamingHttpResponse:
        """All that is kept of the caller, as one JSON document, streamed.

        Account, tokens without their secrets, memberships, consents, answers on oneself,
        judgements, drafts, declined tasks, conversations, invitations made, deeds.
        """
        return StreamingHttpResponse(stream_own_data(request.user), content_type="application/json")


urlpatterns = [path("me/data/", OwnData.as_view(), name="api_own_data")]
