"""REST for simulations: policies replayed on past labels, what a budget costs and gives, prices."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.problems import Conflict
from annotate.api.query_parameters import integer_parameter, read_integer, refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.api.waiting import WaitingShape
from annotate.inputs import InvalidValue, clean_choice, clean_number
from annotate.models import Judge, Project
from annotate.services import jobs
from routing.api.policies import clean_ids
from routing.models import PolicySimulation
from routing.reports.simulation import stored
from routing.services.simulations import prices_of, set_prices, start_simulation

EXAMPLE = {"judges": [3], "settings": {"folds": 5, "repeats": 3}}
MOST_TASKS = 1_000_000_000


class SimulationRequest(s.Serializer):
    judges = s.ListField(child=s.IntegerField(), help_text="Ids, from cheap to strong.")
    settings = s.DictField(
        required=False, help_text="folds, repeats; explore, risk, rules and domains as a policy's."
    )

    class Meta:
        ref_name = "PolicySimulationRequest"


class SimulationShape(WaitingShape):
    """A replay of the kinds of policy on what judges and people both labelled."""

    result = s.SerializerMethodField()

    def get_result(self, run: PolicySimulation) -> dict[str, Any]:
        return {name: value for name, value in run.result.items() if name != "told"}

    class Meta:
        model = PolicySimulation
        ref_name = "PolicySimulation"
        fields = [
            *("id", "judges", "settings", "state", "progress", "total", "message", "result"),
            *("created_at", "finished_at", "waits_because"),
        ]


class EstimateShape(s.Serializer):
    kind = s.CharField(help_text="A kind of policy, people (all by people) or ai (all by a judge).")
    name = s.CharField()
    share = s.FloatField(help_text="The budget: people's share of the tasks, 0..1.")
    people = s.FloatField(help_text="The share that people would be asked about.")
    cost = s.FloatField(help_text="Dollars for all tasks.")
    error = s.FloatField(help_text="Expected share of wrong labels.")
    low = s.FloatField(help_text="Of the error, 95 %.")
    high = s.FloatField()
    quality = s.FloatField(help_text="1 - error.")
    against_chance = s.ListField(
        child=s.FloatField(),
        allow_null=True,
        help_text="The error less that of a random policy: value, low, high.",
    )

    class Meta:
        ref_name = "BudgetEstimate"


class EstimateAnswer(s.Serializer):
    tasks = s.IntegerField()
    chosen = EstimateShape()
    beside = EstimateShape(many=True, help_text="The other kinds at that share, and the extremes.")

    class Meta:
        ref_name = "BudgetEstimates"


class PricesRequest(s.Serializer):
    people = s.CharField(help_text="Dollars for 1,000 labels of people.")
    judges = s.DictField(
        child=s.CharField(),
        required=False,
        help_text="Dollars for 1,000 labels by judge id. Left out: what its calls on record cost.",
    )

    class Meta:
        ref_name = "LabelPricesRequest"


class PricesShape(PricesRequest):
    set_by_hand = s.ListField(child=s.IntegerField(), help_text="Judges whose price is not theirs.")

    class Meta:
        ref_name = "LabelPrices"


class Simulations(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_simulations", responses=SimulationShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The last 20 with their results, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = project.simulations.order_by("-pk")[:20]
        return Response(SimulationShape(rows, many=True).data)

    @extend_schema(
        operation_id="start_simulation",
        request=SimulationRequest,
        responses={202: SimulationShape},
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Replay every kind of policy on what judges and people both labelled; spends nothing."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("judges", "settings"), required=("judges",))
        run = start_simulation(
            project=project,
            actor=request.user,
            judges=clean_ids(body["judges"]),
            settings=body.get("settings", {}),
        )
        return Response(SimulationShape(run).data, status=202)


def _simulation(request: Request, simulation_id: int, roles: frozenset) -> PolicySimulation:
    rows = PolicySimulation.objects.select_related("project")
    return access.get_in_project(request.user, rows, simulation_id, roles)


class Simulation(APIView):
    @extend_schema(operation_id="get_simulation", responses=SimulationShape)
    def get(self, request: Request, simulation_id: int) -> Response:
        """How far it is, and what it found by kind and share."""
        return Response(SimulationShape(_simulation(request, simulation_id, access.REVIEW)).data)


class CancelSimulation(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_simulation", request=None, responses=SimulationShape)
    def post(self, request: Request, simulation_id: int) -> Response:
        """Stop it; nothing is kept of it."""
        run = _simulation(request, simulation_id, access.MANAGE)
        read_body(request, known=())
        jobs.request_cancel(run)
        run.refresh_from_db()
        return Response(SimulationShape(run).data)


class BudgetEstimate(APIView):
    @extend_schema(
        operation_id="estimate_budget",
        parameters=[
            OpenApiParameter("kind", str, description="error by default."),
            OpenApiParameter(
                "share",
                {"type": "number", "minimum": 0, "maximum": 1},
                description="People's share; 0.3 by default.",
            ),
            integer_parameter("tasks", "1000 by default.", low=1, high=MOST_TASKS),
        ],
        responses=EstimateAnswer,
    )
    def get(self, request: Request, simulation_id: int) -> Response:
        """What a budget would cost and give, by a simulation that is done and today's prices."""
        run = _simulation(request, simulation_id, access.REVIEW)
        refuse_unknown(request, ("kind", "share", "tasks"))
        if run.state != "done":
            raise Conflict("The simulation is not done, so it tells nothing yet.")
        found = stored(run)
        kind = request.query_params.get("kind", "error")
        clean_choice("kind", kind, found.kinds)
        share = _share(request.query_params.get("share", "0.3"))
        tasks = read_integer(request, "tasks", 1000) or 0
        if not 1 <= tasks <= MOST_TASKS:
            raise InvalidValue("tasks", "must be from 1 to {most}", most=MOST_TASKS)
        others = [found.estimate(one, share, tasks) for one in found.kinds if one != kind]
        beside = [*others, *found.extremes(tasks)]
        chosen = found.estimate(kind, share, tasks)
        body = {"tasks": tasks, "chosen": chosen, "beside": beside}
        return Response(EstimateAnswer(body).data)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise InvalidValue("share", "must be a number from 0 to 1") from error
    return clean_number("share", value, low=0, high=1)


class PricesView(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_label_prices", responses=PricesShape)
    def get(self, request: Request, project_id: int) -> Response:
        """Dollars for 1,000 labels: of people, and of each judge."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(_prices_body(project))

    @extend_schema(
        operation_id="set_label_prices",
        examples=[examples.request({"people": "250.00", "judges": {"3": "8.00"}})],
        request=PricesRequest,
        responses=PricesShape,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Set them; nothing is charged by them, they are what simulations reckon with."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("people", "judges"), required=("people",))
        set_prices(
            project=project,
            actor=request.user,
            people=body["people"],
            judges=body.get("judges", {}),
        )
        return Response(_prices_body(project))


def _prices_body(project: Project) -> dict[str, Any]:
    ids = list(Judge.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))
    found = prices_of(project, ids)
    return {
        "people": str(found.people),
        "judges": {str(pk): str(price) for pk, price in found.judges.items()},
        "set_by_hand": sorted(found.set_by_hand),
    }


BASE = "projects/<int:project_id>/routing/"
urlpatterns = [
    path(f"{BASE}simulations/", Simulations.as_view(), name="api_simulations"),
    path(f"{BASE}prices/", PricesView.as_view(), name="api_label_prices"),
    path("routing/simulations/<int:simulation_id>/", Simulation.as_view(), name="api_simulation"),
    path(
        "routing/simulations/<int:simulation_id>/cancel/",
        CancelSimulation.as_view(),
        name="api_cancel_simulation",
    ),
    path(
        "routing/simulations/<int:simulation_id>/estimate/",
        BudgetEstimate.as_view(),
        name="api_estimate_budget",
    ),
]
