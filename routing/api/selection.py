"""REST for what is labelled next: the strategy, its rankings, the tasks in their places."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import ById
from annotate.api.problems import Conflict
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import Project, TaskPlace
from annotate.services import jobs
from routing.models import SelectionRun
from routing.reports.selection import open_places, standing
from routing.services.selections import choose_strategy, start_ranking
from routing.settings.selection import IN_ORDER, NAMES
from routing.words.reasons import in_english

EXAMPLE = {
    "strategy": "uncertainty",
    "settings": {"judge": 3, "most": 1000, "pool": 5000, "every_hours": 6},
}


class SelectionRequest(s.Serializer):
    strategy = s.ChoiceField(NAMES)
    settings = s.DictField(required=False, help_text="See docs/routing.md.")


class RankingShape(s.ModelSerializer):
    class Meta:
        model = SelectionRun
        ref_name = "Ranking"
        fields = [
            *("id", "strategy", "settings", "judge", "state", "progress", "total", "message"),
            *("report", "created_at", "finished_at"),
        ]


class SelectionShape(s.Serializer):
    strategy = s.ChoiceField(NAMES)
    settings = s.DictField()
    chosen_at = s.DateTimeField(allow_null=True)
    ranked = s.IntegerField(help_text="Tasks with a place that people may still be given.")
    ranking = RankingShape(allow_null=True, help_text="What the tasks stand by now.")
    latest = RankingShape(allow_null=True, help_text="The latest, whatever became of it.")

    class Meta:
        ref_name = "Selection"


class PlaceShape(s.ModelSerializer):
    reasons = s.SerializerMethodField()

    def get_reasons(self, place: TaskPlace) -> list[str]:
        return in_english(place.reasons)

    class Meta:
        model = TaskPlace
        ref_name = "TaskPlace"
        fields = ["task", "place", "score", "reasons"]


class PlacePage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = PlaceShape(many=True)


class ByPlace(ById):
    ordering = "place"


def _told(project: Project) -> dict:
    found = standing(project)
    now = found.selection
    return {
        "strategy": now.strategy,
        "settings": now.settings,
        "chosen_at": now.chosen_at,
        "ranked": found.ranked,
        "ranking": found.ranking and RankingShape(found.ranking).data,
        "latest": found.run and RankingShape(found.run).data,
    }


class SelectionView(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_selection", responses=SelectionShape)
    def get(self, request: Request, project_id: int) -> Response:
        """Which strategy is in force, how many tasks it ranked, and when."""
        return Response(_told(access.get_project(request.user, project_id, access.REVIEW)))

    @extend_schema(
        operation_id="choose_selection",
        request=SelectionRequest,
        responses=SelectionShape,
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Choose a strategy; the open tasks are ranked by a worker. `in_order` is the way back."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("strategy", "settings"), required=("strategy",))
        choose_strategy(
            project=project,
            actor=request.user,
            strategy=body["strategy"],
            settings=body.get("settings", {}),
        )
        return Response(_told(project))

    @extend_schema(operation_id="stop_selection", request=None, responses={204: None})
    def delete(self, request: Request, project_id: int) -> Response:
        """Back to the project's own order."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        choose_strategy(project=project, actor=request.user, strategy=IN_ORDER, settings={})
        return Response(status=204)


class Rankings(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_rankings", responses=RankingShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The last 100, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        runs = project.selection_runs.order_by("-pk")[:100]
        return Response(RankingShape(runs, many=True).data)

    @extend_schema(operation_id="start_ranking", request=None, responses={202: RankingShape})
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Rank the open tasks now, or return the ranking under way."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        read_body(request, known=())
        run = start_ranking(project=project, actor=request.user)
        if run is None:
            raise Conflict("No strategy is in force; PUT one to routing/selection/ first.")
        return Response(RankingShape(run).data, status=202)


class CancelRanking(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_ranking", request=None, responses=RankingShape)
    def post(self, request: Request, run_id: int) -> Response:
        """Stop it; the order stays as it was before."""
        read_body(request, known=())
        rows = SelectionRun.objects.all()
        run = access.get_in_project(request.user, rows, run_id, access.MANAGE)
        jobs.request_cancel(run)
        run.refresh_from_db()
        return Response(RankingShape(run).data)


class Places(APIView):
    @extend_schema(operation_id="list_ranked_tasks", responses=PlacePage)
    def get(self, request: Request, project_id: int) -> Response:
        """The tasks that come first, in their order, with scores and reasons."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        pages = ByPlace()
        page = pages.paginate_queryset(open_places(project), request, view=self)
        return pages.get_paginated_response(PlaceShape(page, many=True).data)


BASE = "projects/<int:project_id>/routing/selection/"
urlpatterns = [
    path(BASE, SelectionView.as_view(), name="api_selection"),
    path(f"{BASE}rankings/", Rankings.as_view(), name="api_rankings"),
    path(f"{BASE}tasks/", Places.as_view(), name="api_ranked_tasks"),
    path(
        "routing/rankings/<int:run_id>/cancel/", CancelRanking.as_view(), name="api_cancel_ranking"
    ),
]
