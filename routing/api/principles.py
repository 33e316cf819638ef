"""REST for principles of choices: what finding them would cost, and the latest report.

Starting and cancelling is as for other runs of a judge (`purpose` explain).
"""

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.query_parameters import read_integer, refuse_unknown
from annotate.api.views import APIView
from annotate.inputs import InvalidValue, clean_integer
from annotate.models import Judge
from routing.api.judges import RunShape
from routing.judges import openai
from routing.models import JudgeRun
from routing.services.principle_runs import DEFAULT_CHOICES, LEAST, MOST_CHOICES, outlook


class OutlookShape(s.Serializer):
    training = s.IntegerField(help_text="Choices that principles would be proposed from.")
    held_out = s.IntegerField(help_text="Choices of other prompts that they would be tested on.")
    left_out = s.DictField(child=s.IntegerField(), help_text="Tasks that were looked at, by why.")
    is_enough = s.BooleanField(help_text=f"{LEAST} of each part are needed.")
    looked = s.IntegerField(help_text="Tasks that this was reckoned from.")
    tasks = s.IntegerField(help_text="Tasks that people answered; at least `looked`.")
    calls = s.IntegerField()
    about = s.CharField(help_text="Dollars, by the length of the texts.")
    most = s.CharField(help_text="Dollars; more only where calls must be made again.")

    class Meta:
        ref_name = "PrinciplesOutlook"


class PrinciplesShape(s.Serializer):
    run = RunShape(
        allow_null=True,
        help_text="The latest that is done; `report` holds the principles, see docs/factors.md.",
    )
    going = RunShape(allow_null=True, help_text="The one that is queued or running.")

    class Meta:
        ref_name = "Principles"


class Outlook(APIView):
    costly = ("get",)

    @extend_schema(
        operation_id="get_principles_outlook",
        responses=OutlookShape,
        parameters=[
            OpenApiParameter(
                "choices",
                {"type": "integer", "minimum": 2 * LEAST, "maximum": MOST_CHOICES},
                description=f"{DEFAULT_CHOICES} if left out.",
            )
        ],
    )
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """What finding principles with this judge would ask and cost. Nothing is asked yet."""
        rows = Judge.objects.filter(project=project_id).select_related("project")
        judge = access.get_in_project(request.user, rows, judge_id, access.MANAGE)
        refuse_unknown(request, ("choices",))
        if judge.kind != openai.NAME:
            raise InvalidValue("judge", "must be a language model (kind openai) for this")
        choices = read_integer(request, "choices", DEFAULT_CHOICES)
        clean_integer("choices", choices, low=2 * LEAST, high=MOST_CHOICES)
        return Response(OutlookShape(outlook(judge, choices)).data)


class Principles(APIView):
    @extend_schema(operation_id="get_principles", responses=PrinciplesShape)
    def get(self, request: Request, project_id: int) -> Response:
        """The principles that people choose by, as the latest run found them."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ())
        runs = JudgeRun.objects.filter(project=project, purpose=JudgeRun.Purpose.EXPLAIN)
        done = runs.filter(state="done").order_by("-pk").first()
        going = runs.filter(state__in=["queued", "running"]).order_by("-pk").first()
        return Response(
            {
                "run": done and RunShape(done).data,
                "going": going and RunShape(going).data,
            }
        )


urlpatterns = [
    path("projects/<int:project_id>/principles/", Principles.as_view(), name="api_principles"),
    path(
        "projects/<int:project_id>/judges/<int:judge_id>/principles/",
        Outlook.as_view(),
        name="api_principles_outlook",
    ),
]
