"""Implicit feedback over REST: sent in by a product, counted, exported as unpaired data."""

from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import FollowUp, Project, Signal, SignalType
from annotate.reports.signals import Noise, by_version, estimated_noise
from annotate.services.outgoing.signal_export import stream_signals
from annotate.services.signals.intake import FIELDS, MOST_AT_ONCE, take_signals
from annotate.services.signals.rules import rules_of, set_rules

TYPES = [(one.value, str(one.label)) for one in SignalType]
FOLLOW_UPS = [(one.value, str(one.label)) for one in FollowUp]
FILTERS = [
    OpenApiParameter("type", str, enum=SignalType.values, description="Only of this type."),
    OpenApiParameter("model", str, description="Only on answers of this model."),
    OpenApiParameter("model_version", str, description="Only of this version of it."),
]
NAMES = ("type", "model", "model_version")


EXAMPLE = OpenApiExample(
    "A thumb and an edit",
    {
        "signals": [
            {"key": "a81-7", "type": "thumbs_up", "response": 5123, "end_user": "u-77"},
            {
                "key": "a81-8",
                "type": "edit",
                "prompt": "Why is the sky blue?",
                "completion": "Because.",
                "edited": "Because short waves scatter more.",
                "generator": "support-bot",
                "generator_version": "3",
                "happened_at": "2026-01-31T12:00:00Z",
            },
        ]
    },
    request_only=True,
)


class SignalsRequest(s.Serializer):
    """Rows are read one by one, so that a wrong one does not stop the others."""

    signals = s.ListField(
        child=s.JSONField(),
        min_length=1,
        max_length=MOST_AT_ONCE,
        help_text=f"Objects with {', '.join(FIELDS)}: see docs/signals.md.",
    )

    class Meta:
        ref_name = "SignalsRequest"


class SignalError(s.Serializer):
    index = s.IntegerField()
    field = s.CharField()
    message = s.CharField()

    class Meta:
        ref_name = "SignalError"


class SignalsTaken(s.Serializer):
    created = s.IntegerField()
    known = s.IntegerField(help_text="Whose keys were there already.")
    errors = SignalError(many=True)

    class Meta:
        ref_name = "SignalsTaken"


class SignalShape(s.Serializer):
    id = s.IntegerField()
    key = s.CharField()
    type = s.ChoiceField(TYPES)
    response = s.IntegerField(allow_null=True)
    generator = s.CharField()
    generator_version = s.CharField()
    end_user = s.CharField(help_text="A pseudonym.")
    happened_at = s.DateTimeField()
    received_at = s.DateTimeField()

    class Meta:
        ref_name = "Signal"


class SignalPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = SignalShape(many=True)

    class Meta:
        ref_name = "SignalPage"


class VersionCounts(s.Serializer):
    generator = s.CharField()
    generator_version = s.CharField()
    counts = s.DictField(child=s.IntegerField())
    good = s.IntegerField()
    labelled = s.IntegerField(help_text="Those that say good or bad.")
    share = s.FloatField(allow_null=True)
    interval = s.ListField(child=s.FloatField(), help_text="95 %, Wilson.")

    class Meta:
        ref_name = "SignalVersionCounts"


class NoiseShape(s.Serializer):
    type = s.CharField()
    set = s.FloatField(allow_null=True, help_text="By a manager.")
    estimated = s.FloatField(allow_null=True, help_text="Against people's judgements.")
    wrong = s.IntegerField()
    compared = s.IntegerField()
    interval = s.ListField(child=s.FloatField(), help_text="95 %, Wilson.")

    class Meta:
        ref_name = "SignalNoise"


class SignalSummary(s.Serializer):
    versions = VersionCounts(many=True)
    noise = NoiseShape(many=True)
    keep_days = s.IntegerField()
    follow_up = s.ChoiceField(FOLLOW_UPS, help_text="What asking on says of the answer.")

    class Meta:
        ref_name = "SignalSummary"


class SignalRulesRequest(s.Serializer):
    noise = s.DictField(
        child=s.FloatField(min_value=0, max_value=0.5, allow_null=True), required=False
    )
    keep_days = s.IntegerField(min_value=1, max_value=3650, required=False)
    follow_up = s.ChoiceField(FOLLOW_UPS, required=False)

    class Meta:
        ref_name = "SignalRulesRequest"


class Signals(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_signals", parameters=FILTERS, responses=SignalPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The signals, oldest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, (*NAMES, "cursor", "page_size"))
        return answer_page(request, _chosen(request, project), signal_body)

    @extend_schema(
        operation_id="send_signals",
        request=SignalsRequest,
        examples=[EXAMPLE],
        responses=SignalsTaken,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Send what people did with answers. Rows that are wrong are told by their index; the
        others are kept.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"signals"}, required=["signals"])
        taken = take_signals(project=project, rows=body["signals"])
        errors = [
            {"index": index, "field": error.field, "message": error.message}
            for index, error in taken.errors
        ]
        return Response({"created": taken.created, "known": taken.known, "errors": errors})


class Summary(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_signal_summary", responses=SignalSummary)
    def get(self, request: Request, project_id: int) -> Response:
        """Counts by model version, and how often each type's label is wrong."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return Response(_summary(project))

    @extend_schema(
        operation_id="set_signal_rules",
        examples=[
            examples.request(
                {"noise": {"thumbs_up": 0.1}, "keep_days": 365, "follow_up": "nothing"}
            )
        ],
        request=SignalRulesRequest,
        responses=SignalSummary,
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Set noise rates (null: as estimated), what follow-ups say, or how long all are kept."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"noise", "keep_days", "follow_up"})
        set_rules(project=project, actor=request.user, **body)
        return Response(_summary(project))


class SignalExport(APIView):
    costly = ("get",)

    @extend_schema(
        operation_id="export_signals",
        parameters=FILTERS,
        responses={(200, "application/x-ndjson"): str},
    )
    def get(self, request: Request, project_id: int) -> StreamingHttpResponse:
        """Unpaired data (prompt, completion, label) as JSON lines, as KTO reads them."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, NAMES)
        lines = stream_signals(project=project, signals=_chosen(request, project))
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


def _chosen(request: Request, project: Project) -> QuerySet[Signal]:
    given = request.query_params
    rows = Signal.objects.filter(project=project)
    if "type" in given:
        rows = rows.filter(type=clean_choice("type", given["type"], SignalType.values))
    if "model" in given:
        rows = rows.filter(generator=given["model"])
    if "model_version" in given:
        rows = rows.filter(generator_version=given["model_version"])
    return rows


def signal_body(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.pk,
        "key": signal.key,
        "type": signal.type,
        "response": signal.response_id,
        "generator": signal.generator,
        "generator_version": signal.generator_version,
        "end_user": signal.end_user,
        "happened_at": signal.happened_at,
        "received_at": signal.received_at,
    }


def _summary(project: Project) -> dict[str, Any]:
    rules = rules_of(project)
    return {
        "versions": [
            {
                "generator": row.generator,
                "generator_version": row.version,
                "counts": row.counts,
                "good": row.good,
                "labelled": row.labelled,
                "share": row.share,
                "interval": row.interval,
            }
            for row in by_version(Signal.objects.filter(project=project), rules.labels)
        ],
        "noise": [
            _noise_body(type, noise, rules.noise.get(type))
            for type, noise in estimated_noise(project, rules.labels).items()
        ],
        "keep_days": rules.keep_days,
        "follow_up": rules.follow_up,
    }


def _noise_body(type: str, noise: Noise, set_to: float | None) -> dict[str, Any]:
    return {
        "type": type,
        "set": set_to,
        "estimated": noise.rate,
        "wrong": noise.wrong,
        "compared": noise.compared,
        "interval": noise.interval,
    }


BELOW = "projects/<int:project_id>/signals/"
urlpatterns = [
    path(BELOW, Signals.as_view(), name="api_signals"),
    path(f"{BELOW}summary/", Summary.as_view(), name="api_signal_summary"),
    path(f"{BELOW}export/", SignalExport.as_view(), name="api_export_signals"),
]
