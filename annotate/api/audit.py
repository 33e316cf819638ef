"""The audit log: who did what to which object, when, from where."""

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.paging import LatestFirst, answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import clean_text
from annotate.models import AuditEvent
from annotate.reports.trail import OF, PROJECT, trail

FILTERS = {
    "action": "Only of this action, such as token.issued.",
    "actor": "Only by the user of this name.",
}
WHICH = "The project's (the default), or of its members' accounts: sign-ins through a provider."


class AuditShape(s.Serializer):
    id = s.IntegerField()
    created_at = s.DateTimeField()
    action = s.CharField(help_text="Such as token.issued.")
    actor = s.CharField(allow_null=True, help_text="User name; null: the system itself.")
    address = s.CharField(
        allow_null=True, help_text="The IP address, where it is known; null of accounts."
    )
    object_type = s.CharField(help_text="Such as annotate.ApiToken.")
    object_id = s.IntegerField(allow_null=True)
    detail = s.DictField()

    class Meta:
        ref_name = "AuditEvent"


class AuditPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = AuditShape(many=True)


class AuditList(APIView):
    @extend_schema(
        operation_id="list_audit_events",
        parameters=[
            OpenApiParameter("of", str, description=WHICH, enum=OF),
            *(OpenApiParameter(name, str, description=t) for name, t in FILTERS.items()),
        ],
        responses=AuditPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """What was done in the project, the latest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, ("of", *FILTERS, "cursor", "page_size"))
        given = request.query_params
        rows = trail(project, given.get("of", PROJECT))
        if "action" in given:
            rows = rows.filter(action=clean_text("action", given["action"], max_chars=64))
        if "actor" in given:
            rows = rows.filter(actor__username=clean_text("actor", given["actor"], max_chars=150))
        return answer_page(request, rows, event_body, LatestFirst)


def event_body(event: AuditEvent) -> dict:
    names = ("id", "created_at", "action", "address", "object_type", "object_id", "detail")
    body = {name: getattr(event, name) for name in names}
    if event.project_id is None:
        body["address"] = None
    return {**body, "actor": event.actor.username if event.actor else None}


urlpatterns = [path("projects/<int:project_id>/audit/", AuditList.as_view(), name="api_audit")]
