"""REST for second looks: dry runs, looks, what they made of each task, and the way back."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import ById
from annotate.api.query_parameters import refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.api.waiting import WaitingShape
from annotate.inputs import clean_boolean, clean_choice
from annotate.services import jobs
from routing.models import SecondLook, SecondLookItem
from routing.reports.second_look import counts_by_state, held
from routing.services.second_looks import start_second_look, take_back_look
from routing.settings.second_look import DEFAULTS

EXAMPLE = {"settings": {**DEFAULTS, "judge": 3}, "dry_run": True}


class SecondLookRequest(s.Serializer):
    settings = s.DictField(
        required=False,
        help_text="judge (the reward model in service when left out), trust, flip, labels, "
        "explore, most: see docs/routing.md.",
    )
    dry_run = s.BooleanField(
        required=False, help_text="true when left out: tells how many, and changes nothing."
    )


class SecondLookShape(WaitingShape):
    """One look through the margins of a reward model. A dry run changes nothing."""

    class Meta:
        model = SecondLook
        ref_name = "SecondLook"
        fields = [
            *("id", "judge", "settings", "dry_run", "state", "progress", "total", "message"),
            *("report", "taken_back_at", "created_at", "finished_at"),
            "waits_because",
        ]


class HeldShape(s.Serializer):
    outcome = s.ChoiceField(SecondLookItem.Outcome.values)
    asked = s.IntegerField(help_text="Tasks that people were asked about.")
    answered = s.IntegerField(help_text="Those on which most people prefer one response.")
    undecided = s.IntegerField(help_text="Those on which people tie or split.")
    wrong = s.IntegerField(help_text="Where people say the opposite of the label that stands.")
    rate = s.FloatField(allow_null=True)
    low = s.FloatField(help_text="Of the rate, 95 %.")
    high = s.FloatField()

    class Meta:
        ref_name = "SecondLookHeld"


class SecondLookDetail(SecondLookShape):
    """With what became of its tasks, and whether people hold what stands."""

    tasks = s.DictField(child=s.IntegerField(), help_text="planned, applied, passed_over")
    held = HeldShape(many=True)

    class Meta(SecondLookShape.Meta):
        ref_name = "SecondLookDetail"
        fields = [*SecondLookShape.Meta.fields, "tasks", "held"]


class ItemShape(s.ModelSerializer):
    class Meta:
        model = SecondLookItem
        ref_name = "SecondLookItem"
        fields = [
            *("id", "task", "outcome", "label", "margin", "p_wrong", "explored", "propensity"),
            "state",
        ]


class ItemPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = ItemShape(many=True)

    class Meta:
        ref_name = "SecondLookItemPage"


class SecondLooks(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_second_looks", responses=SecondLookShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The last 100, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = project.second_looks.order_by("-pk")[:100]
        return Response(SecondLookShape(rows, many=True).data)

    @extend_schema(
        operation_id="start_second_look",
        request=SecondLookRequest,
        responses={202: SecondLookShape},
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Sort the labels that a judge gave alone into trusted, turned round, and for people."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("settings", "dry_run"))
        look = start_second_look(
            project=project,
            actor=request.user,
            settings=body.get("settings", {}),
            dry_run=clean_boolean("dry_run", body.get("dry_run", True)),
        )
        return Response(SecondLookShape(look).data, status=202)


def _look(request: Request, look_id: int, roles: frozenset) -> SecondLook:
    rows = SecondLook.objects.select_related("project")
    return access.get_in_project(request.user, rows, look_id, roles)


def _told(look: SecondLook) -> dict[str, Any]:
    return {
        **SecondLookShape(look).data,
        "tasks": counts_by_state(look),
        "held": HeldShape(held(look), many=True).data,
    }


class SecondLookView(APIView):
    @extend_schema(operation_id="get_second_look", responses=SecondLookDetail)
    def get(self, request: Request, look_id: int) -> Response:
        """How far it is, how many it sorted where, and what people then said."""
        return Response(_told(_look(request, look_id, access.REVIEW)))


class SecondLookTasks(APIView):
    @extend_schema(
        operation_id="list_second_look_tasks",
        parameters=[OpenApiParameter("outcome", str, enum=SecondLookItem.Outcome.values)],
        responses=ItemPage,
    )
    def get(self, request: Request, look_id: int) -> Response:
        """What it made of each task; nothing of a dry run."""
        look = _look(request, look_id, access.REVIEW)
        refuse_unknown(request, ("outcome", "cursor", "page_size"))
        rows = look.items.order_by("pk")
        if "outcome" in request.query_params:
            outcome = request.query_params["outcome"]
            rows = rows.filter(
                outcome=clean_choice("outcome", outcome, SecondLookItem.Outcome.values)
            )
        pages = ById()
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response(ItemShape(page, many=True).data)


class CancelSecondLook(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_second_look", request=None, responses=SecondLookShape)
    def post(self, request: Request, look_id: int) -> Response:
        """Stop it; what it has done by then stays, and can be taken back."""
        look = _look(request, look_id, access.MANAGE)
        read_body(request, known=())
        jobs.request_cancel(look)
        look.refresh_from_db()
        return Response(SecondLookShape(look).data)


class TakeBackSecondLook(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="take_back_second_look", request=None, responses=SecondLookShape)
    def post(self, request: Request, look_id: int) -> Response:
        """Turned labels are again the judge's; nobody is asked about what nobody began."""
        look = _look(request, look_id, access.MANAGE)
        read_body(request, known=())
        return Response(SecondLookShape(take_back_look(look=look, actor=request.user)).data)


urlpatterns = [
    path(
        "projects/<int:project_id>/routing/second_looks/",
        SecondLooks.as_view(),
        name="api_second_looks",
    ),
    path("routing/second_looks/<int:look_id>/", SecondLookView.as_view(), name="api_second_look"),
    path(
        "routing/second_looks/<int:look_id>/tasks/",
        SecondLookTasks.as_view(),
        name="api_second_look_tasks",
    ),
    path(
        "routing/second_looks/<int:look_id>/cancel/",
        CancelSecondLook.as_view(),
        name="api_cancel_second_look",
    ),
    path(
        "routing/second_looks/<int:look_id>/take_back/",
        TakeBackSecondLook.as_view(),
        name="api_take_back_second_look",
    ),
]
