"""Reports on what people choose by, over REST. People are named by their pseudonyms."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api import factors_schema as schema
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import FactorRun, Judge, User
from annotate.services.outgoing.selection import imported_pseudonym
from annotate.services.reports import factors
from annotate.services.reports.factor_votes import RULES, clean_rules
from annotate.services.workers import why_waiting


class FactorRunList(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_factor_reports", responses=schema.FactorRunPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The latest reports, oldest first, without their results."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = FactorRun.objects.filter(project=project).defer("result")
        return answer_page(request, rows, run_body)

    @extend_schema(
        operation_id="compute_factors",
        examples=examples.FACTOR_RUN,
        request=schema.FactorRules,
        responses={202: schema.FactorRunBody},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Reckon a report. The one under way by the same rules is answered, if there is one."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        rules = clean_rules(read_body(request, known=frozenset(RULES)))
        run = factors.start_factors(project=project, actor=request.user, rules=rules)
        return Response({**run_body(run), "result": None}, 202)


class FactorRunDetail(APIView):
    @extend_schema(operation_id="get_factor_report", responses=schema.FactorRunBody)
    def get(self, request: Request, run_id: int) -> Response:
        """A report: how far it is, or what came of it."""
        run = access.get_in_project(request.user, FactorRun.objects.all(), run_id, access.REVIEW)
        return Response(whole_body(run))

    @extend_schema(operation_id="cancel_factor_report", responses={200: schema.FactorRunBody})
    def delete(self, request: Request, run_id: int) -> Response:
        """Ask it to stop; one that is over stays as it is."""
        run = access.get_in_project(request.user, FactorRun.objects.all(), run_id, access.MANAGE)
        factors.cancel_factors(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(whole_body(run))


def run_body(run: FactorRun) -> dict:
    return {
        "id": run.pk,
        "project": run.project_id,
        "rules": run.rules,
        "state": run.state,
        "judgements_read": run.progress,
        "message": run.message,
        "waits_because": why.message if (why := why_waiting(run)) is not None else "",
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def whole_body(run: FactorRun) -> dict:
    result = run.result
    if result is not None:
        names = _names(run.project_id, [one["author"] for one in result["people"]])
        people = [
            {**one, "author": name} for one, name in zip(result["people"], names, strict=True)
        ]
        result = {**result, "people": people}
    return {**run_body(run), "result": result}


def _names(project_id: int, authors: list[list[Any]]) -> list[str]:
    """Two queries."""
    ids = {sort: [who for one, who in authors if one == sort] for sort in ("person", "judge")}
    people = User.objects.filter(pk__in=ids["person"]).values_list("pk", "pseudonym")
    judges = {one.pk: str(one) for one in Judge.objects.filter(pk__in=ids["judge"])}
    known: dict[str, dict[Any, str]] = {"person": dict(people), "judge": judges}
    return [
        known[sort].get(who, "")
        if sort in known
        else imported_pseudonym(project_id, str(who)) or ""
        for sort, who in authors
    ]


urlpatterns = [
    path(
        "projects/<int:project_id>/factor-reports/",
        FactorRunList.as_view(),
        name="api_factor_reports",
    ),
    path("factor-reports/<int:run_id>/", FactorRunDetail.as_view(), name="api_factor_report"),
]
