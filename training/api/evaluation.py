"""REST for evaluation sets and the runs on them."""

from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import UnreadParser
from annotate.api.imports import uploaded_file
from annotate.api.problems import problem
from annotate.api.query_parameters import read_flag, refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from training.api.evaluation_serializers import (
    EvaluationRunSerializer,
    EvaluationSetSerializer,
    EvaluationWishSerializer,
    SetComparisonSerializer,
)
from training.api.runs import IN_PROJECT, NewestFirst
from training.api.serializers import checked, page_of
from training.models import EvaluationRun, EvaluationSet
from training.services import evaluations, runs
from training.services.evaluation_sets import (
    BadRows,
    add_evaluation_set,
    delete_evaluation_set,
)
from training.services.set_comparison import newest_runs, paired_tests

PARAMETERS = {
    "name": "Of the set, its own within the project.",
    "kind": "pairs (default) or prompts.",
    "leave_out": "1: keep the other rows where some are refused; the set counts those.",
    "filename": "Kept with the set; .csv and .tsv tell a table of prompts from plain lines.",
}


class EvaluationSets(APIView):
    parser_classes = [MultiPartParser, UnreadParser]

    @extend_schema(operation_id="list_evaluation_sets", responses=page_of(EvaluationSetSerializer))
    def get(self, request, project_id: int) -> Response:
        """A project's evaluation sets, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        found = EvaluationSet.objects.filter(project=project)
        return _page(self, found, EvaluationSetSerializer)

    @extend_schema(
        operation_id="add_evaluation_set",
        examples=[
            OpenApiExample(
                "Request",
                value='{"prompt": "2 + 2?", "chosen": "4", "rejected": "5", "subset": "math"}\n',
                request_only=True,
                media_type="application/octet-stream",
            )
        ],
        parameters=[OpenApiParameter(name, str, description=d) for name, d in PARAMETERS.items()],
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={201: EvaluationSetSerializer},
    )
    def post(self, request, project_id: int) -> Response:
        """Add a set from a file: JSONL, a JSON array, CSV or TSV, plain or gzip; or Parquet.

        The file is the body, or the form field `file`. If any row is refused nothing is kept,
        unless `leave_out` says so, and the answer names line, field and remedy of the first
        hundred.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        refuse_unknown(request, PARAMETERS)
        with uploaded_file(request) as (stream, file_name):
            try:
                found = add_evaluation_set(
                    project=project,
                    actor=request.user,
                    name=request.query_params.get("name", ""),
                    kind=request.query_params.get("kind", EvaluationSet.Kind.PAIRS),
                    stream=stream,
                    file_name=file_name,
                    leave_out=read_flag(request, "leave_out"),
                )
            except BadRows as error:
                errors = [row.as_json() for row in error.errors]
                return problem(422, "Rows were refused", f"{error}", errors)
        return Response(EvaluationSetSerializer(found).data, status=201)


class OneEvaluationSet(APIView):
    @extend_schema(operation_id="get_evaluation_set", responses=EvaluationSetSerializer)
    def get(self, request, set_id: int) -> Response:
        """One set."""
        found = _set(request, set_id, access.REVIEW)
        return Response(EvaluationSetSerializer(found).data)

    @extend_schema(operation_id="delete_evaluation_set", responses={204: None})
    def delete(self, request, set_id: int) -> Response:
        """Remove a set that no run has looked at."""
        found = _set(request, set_id, access.MANAGE)
        delete_evaluation_set(evaluation_set=found, actor=request.user)
        return Response(status=204)


class SetComparison(APIView):
    @extend_schema(operation_id="compare_on_evaluation_set", responses=SetComparisonSerializer)
    def get(self, request, set_id: int) -> Response:
        """The versions on a set of pairs side by side, and tests of every two of the newest six."""
        found = _set(request, set_id, access.REVIEW)
        newest = newest_runs(found)
        pairs = found.kind == EvaluationSet.Kind.PAIRS
        body = {"runs": newest, "tests": paired_tests(found, newest) if pairs else []}
        return Response(SetComparisonSerializer(body).data)


class Evaluations(APIView):
    costly = ("post",)

    @extend_schema(operation_id="list_evaluations", responses=page_of(EvaluationRunSerializer))
    def get(self, request, project_id: int) -> Response:
        """A project's evaluation runs, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        found = EvaluationRun.objects.filter(project=project)
        return _page(self, found, EvaluationRunSerializer)

    @extend_schema(
        operation_id="start_evaluation",
        examples=[
            OpenApiExample(
                "Request",
                value={
                    "evaluation_set": 3,
                    "model_version": 12,
                    "config": {"proxy": 7, "gold": "hidden", "samples": 32},
                },
                request_only=True,
            )
        ],
        request=EvaluationWishSerializer,
        responses={201: EvaluationRunSerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Evaluate a version: on pairs its accuracy by subset, on prompts best-of-n.

        `config` stays empty for pairs.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = checked(EvaluationWishSerializer, request, context={"project": project})
        run = evaluations.queue_evaluation(
            evaluation_set=wanted["evaluation_set"],
            version=wanted["model_version"],
            actor=request.user,
            config=wanted["config"],
        )
        return Response(EvaluationRunSerializer(run).data, status=201)


class OneEvaluation(APIView):
    @extend_schema(operation_id="get_evaluation", responses=EvaluationRunSerializer)
    def get(self, request, run_id: int) -> Response:
        """How far an evaluation is, and its figures at the end."""
        run = access.get_in_project(
            request.user, EvaluationRun.objects.all(), run_id, access.REVIEW
        )
        return Response(EvaluationRunSerializer(run).data)


class CancelEvaluation(APIView):
    @extend_schema(
        operation_id="cancel_evaluation", request=None, responses=EvaluationRunSerializer
    )
    def post(self, request, run_id: int) -> Response:
        """Ask an evaluation to stop; without effect on one that is over."""
        run = access.get_in_project(
            request.user, EvaluationRun.objects.all(), run_id, access.MANAGE
        )
        runs.cancel_run(run=run, actor=request.user)
        return Response(EvaluationRunSerializer(run).data)


def _page(view: APIView, queryset, serializer) -> Response:
    pages = NewestFirst()
    page = pages.paginate_queryset(queryset, view.request, view=view)
    return pages.get_paginated_response(serializer(page, many=True).data)


def _set(request, set_id: int, roles: frozenset) -> EvaluationSet:
    return access.get_in_project(request.user, EvaluationSet.objects.all(), set_id, roles)


urlpatterns = [
    path(f"{IN_PROJECT}/evaluation-sets/", EvaluationSets.as_view(), name="api_evaluation_sets"),
    path("evaluation-sets/<int:set_id>/", OneEvaluationSet.as_view(), name="api_evaluation_set"),
    path(
        "evaluation-sets/<int:set_id>/comparison/",
        SetComparison.as_view(),
        name="api_set_comparison",
    ),
    path(f"{IN_PROJECT}/evaluations/", Evaluations.as_view(), name="api_evaluations"),
    path("evaluations/<int:run_id>/", OneEvaluation.as_view(), name="api_evaluation"),
    path(
        "evaluations/<int:run_id>/cancel/",
        CancelEvaluation.as_view(),
        name="api_cancel_evaluation",
    ),
]
