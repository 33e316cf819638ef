"""The comparison plan over REST: who meets whom next, and the order as it stands. Managers only."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.views import APIView
from annotate.models import ComparisonPlan, Project
from annotate.services.reports.comparison_plans import FIELDS, RANGES, open_tasks, plan_of, set_plan
from annotate.wording import Told

EXAMPLE = {"is_on": True, "size": 4, "ahead": 20, "per_prompt": 1}


class PlanRequest(s.Serializer):
    is_on = s.BooleanField(required=False)
    size = s.IntegerField(
        required=False,
        min_value=RANGES["size"][0],
        max_value=RANGES["size"][1],
        help_text="Models that meet in one task.",
    )
    ahead = s.IntegerField(
        required=False,
        min_value=RANGES["ahead"][0],
        max_value=RANGES["ahead"][1],
        help_text="Open tasks to keep.",
    )
    per_prompt = s.IntegerField(
        required=False,
        min_value=RANGES["per_prompt"][0],
        max_value=RANGES["per_prompt"][1],
        help_text="Tasks that a prompt is used for at most.",
    )


class StandingShape(s.Serializer):
    model = s.CharField()
    rank = s.IntegerField(help_text="1 and how many intervals lie wholly above this one.")
    strength = s.FloatField(help_text="Above the mean of all, in standard deviations beforehand.")
    low = s.FloatField()
    high = s.FloatField()
    votes = s.IntegerField()

    class Meta:
        ref_name = "PlanStanding"


class PlanShape(PlanRequest):
    open_tasks = s.IntegerField(help_text="Of those that the plan made.")
    votes = s.IntegerField()
    advanced_at = s.DateTimeField(allow_null=True)
    message = s.CharField(help_text="What stands in its way; empty without.")
    standings = StandingShape(many=True)

    class Meta:
        ref_name = "ComparisonPlan"


class ComparisonPlanView(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_comparison_plan", responses=PlanShape)
    def get(self, request: Request, project_id: int) -> Response:
        """The plan, and the order with 95 % intervals as of the latest pass."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return Response(_told(project, plan_of(project)))

    @extend_schema(
        operation_id="set_comparison_plan",
        request=PlanRequest,
        responses=PlanShape,
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
    )
    def patch(self, request: Request, project_id: int) -> Response:
        """Change what is given. A worker reads the votes and makes the tasks every few seconds."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=FIELDS)
        address = request.META.get("REMOTE_ADDR") or None
        plan = set_plan(project=project, actor=request.user, fields=body, address=address)
        return Response(_told(project, plan))


def _told(project: Project, plan: ComparisonPlan) -> dict:
    return {
        **{name: getattr(plan, name) for name in FIELDS},
        "open_tasks": len(open_tasks(project)),
        "votes": plan.votes,
        "advanced_at": plan.advanced_at,
        "message": Told.from_dict(plan.told).message if plan.told else "",
        "standings": plan.standings,
    }


urlpatterns = [
    path(
        "projects/<int:project_id>/comparison-plan/",
        ComparisonPlanView.as_view(),
        name="api_comparison_plan",
    ),
]
