"""Quality over REST: the report, one's own figures, and what tasks came to.

People are named by their pseudonyms, as in every list that leaves here.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import quality_schema as schema
from annotate.api.paging import wrong_cursor
from annotate.api.query_parameters import flag_parameter, read_flag, read_integer, refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import clean_choice
from annotate.models import Consensus, Judge, Project, QualityRun, Task, User, Voices
from annotate.reports.consensus import (
    Filters,
    consensus_of,
    filter_consensus,
    methods_of,
    page_of_consensus,
    read_place,
    write_place,
)
from annotate.reports.quality import own_figures, standing
from annotate.services.people.pseudonyms import imported_pseudonym
from annotate.services.reports import quality_runs

CONSENSUS = {
    "voices": f"Whose labels: {', '.join(Voices.values)} (default human).",
    "method": "One of " + ", ".join(Consensus.Method.values) + "; the one that knows most without.",
    "stratum": "Only tasks of this stratum.",
    "language": "Only tasks whose prompt is in this language.",
}
CHOICES = {"voices": Voices.values, "method": Consensus.Method.values}
FLAGS = {
    "divided": "1: only tasks about which people are of two minds.",
    "double": "1: only tasks with two votes or more.",
}
PAGING = ("cursor", "page_size")  # which the document adds by itself


class Quality(APIView):
    costly = ("post",)

    @extend_schema(operation_id="get_quality", responses=schema.Quality)
    def get(self, request: Request, project_id: int) -> Response:
        """The latest report on agreement and reliability; people, simulated ones, judges apart."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        now = standing(project)
        report = now.report.report if now.report else {}
        return Response(
            {
                "computed_at": now.report.finished_at if now.report else None,
                "version": now.report.version if now.report else None,
                "judgements": now.report.judgements if now.report else 0,
                "new": now.new,
                "run": run_body(now.last) if now.last else None,
                "cut": report.get("cut", False),
                "gold_unreadable": report.get("gold_unreadable", 0),
                "aided": report.get("aided", 0),
                "voices": {
                    name: _voices_body(project, found)
                    for name, found in report.get("voices", {}).items()
                },
            }
        )

    @extend_schema(operation_id="compute_quality", request=None, responses={202: schema.QualityRun})
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Queue a report; answers with the one under way if there is one."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        run = quality_runs.start_run(project=project, actor=request.user)
        return Response(run_body(run), 202)


class CancelQuality(APIView):
    @extend_schema(operation_id="cancel_quality", request=None, responses=schema.QualityRun)
    def post(self, request: Request, run_id: int) -> Response:
        """Stop the report that is on its way; the last one stays."""
        rows = QualityRun.objects.select_related("project").defer("report")
        run = access.get_in_project(request.user, rows, run_id, access.MANAGE)
        quality_runs.cancel_run(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(run_body(run))


class OwnQuality(APIView):
    @extend_schema(operation_id="get_own_quality", responses=schema.OwnQuality)
    def get(self, request: Request, project_id: int) -> Response:
        """The caller's own figures; for annotators where the project shows them (own_figures)."""
        project = access.get_project(request.user, project_id)
        role = project.membership.role if project.membership else None
        if not (project.own_figures or request.user.is_superuser or role in access.REVIEW):
            raise PermissionDenied(_("This project does not show people their own figures."))
        now = standing(project)
        figures = own_figures(now.report.report, request.user) if now.report else None
        computed_at = now.report.finished_at if now.report else None
        return Response({"computed_at": computed_at, "figures": figures})


class ConsensusList(APIView):
    @extend_schema(
        operation_id="list_consensus",
        parameters=[
            *(
                OpenApiParameter(name, str, description=text, enum=CHOICES.get(name))
                for name, text in CONSENSUS.items()
            ),
            *(flag_parameter(name, text) for name, text in FLAGS.items()),
        ],
        responses=schema.ConsensusPage,
    )
    def get(self, request: Request, project_id: int) -> Response:
        """What tasks came to, the most divided first, then the least sure."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, (*CONSENSUS, *FLAGS, *PAGING))
        given = request.query_params
        voices = clean_choice("voices", given.get("voices", Voices.HUMAN.value), Voices.values)
        if "method" in given:
            method = clean_choice("method", given["method"], Consensus.Method.values)
        else:
            method = (methods_of(project, voices) or [Consensus.Method.MAJORITY.value])[0]
        place = read_place(given["cursor"]) if "cursor" in given else None
        if "cursor" in given and place is None:
            raise wrong_cursor()
        filters = Filters(
            voices=voices,
            method=method,
            divided=read_flag(request, "divided"),
            double=read_flag(request, "double"),
            stratum=given.get("stratum"),
            language=given.get("language"),
        )
        size = read_integer(request, "page_size", 50, low=1, high=500)
        rows, after = page_of_consensus(filter_consensus(project, filters), place, size)
        place = None if after is None else write_place(after)
        return Response(
            {"next": next_page(request, place), "results": [consensus_body(row) for row in rows]}
        )


class TaskConsensus(APIView):
    @extend_schema(operation_id="get_task_consensus", responses=schema.Consensus(many=True))
    def get(self, request: Request, task_id: int) -> Response:
        """What one task came to, by every method, people's labels first."""
        task = access.get_in_project(request.user, Task.objects.all(), task_id, access.REVIEW)
        return Response([consensus_body(row) for row in consensus_of(task)])


def next_page(request: Request, after: object | None) -> str | None:
    """The address of what comes after; None at the end."""
    if after is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = str(after)
    return request.build_absolute_uri(f"?{query.urlencode()}")


def run_body(run: QualityRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "state": run.state,
        "percent": run.percent,
        "message": run.message,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def consensus_body(row: Consensus) -> dict[str, Any]:
    return {
        "task": row.task_id,
        "voices": row.voices,
        "method": row.method,
        "version": row.version,
        "votes": row.votes,
        "answers": [_answer_body(one) for one in row.answers],
        "entropy": row.entropy,
        "divided": row.divided,
        "computed_at": row.computed_at,
    }


def _answer_body(answer: dict[str, Any]) -> dict[str, Any]:
    """With the id of the preferred response, where the label is one."""
    if answer.get("label") not in ("first", "second") or "," not in answer["about"]:
        return answer
    low, high = answer["about"].split(",")
    return {**answer, "preferred": int(low if answer["label"] == "first" else high)}


def _voices_body(project: Project, found: dict[str, Any]) -> dict[str, Any]:
    """The report's part with names that may leave for the numbers of raters."""
    names = rater_names(project, found["who"])

    def named(rows: list[dict[str, Any]], *fields: str) -> list[dict[str, Any]]:
        return [{**row, **{name: names[row[name]] for name in fields}} for row in rows]

    body = {name: said for name, said in found.items() if name != "who"}
    body["people"] = named(found["people"], "rater")
    body["questions"] = [
        {**one, "pairs": named(one["pairs"], "first", "second")} for one in found["questions"]
    ]
    if "against_people" in found:
        body["against_people"] = named(found["against_people"], "rater")
    return body


def rater_names(project: Project, who: list[dict[str, Any]]) -> list[str]:
    """How those that a report tells of may be named outside. Two queries."""
    ids = [one["user"] for one in who if "user" in one]
    users = dict(User.objects.filter(pk__in=ids).values_list("pk", "pseudonym"))
    judge_ids = [one["judge"] for one in who if "judge" in one]
    judges = {one.pk: str(one) for one in Judge.objects.filter(pk__in=judge_ids)}
    found = []
    for one in who:
        if "user" in one:
            found.append(users.get(one["user"], ""))
        elif "judge" in one:
            found.append(judges.get(one["judge"], ""))
        else:
            found.append(imported_pseudonym(project.pk, one["imported"]) or "")
    return found


urlpatterns = [
    path("projects/<int:project_id>/quality/", Quality.as_view(), name="api_quality"),
    path("quality/<int:run_id>/cancel/", CancelQuality.as_view(), name="api_cancel_quality"),
    path("projects/<int:project_id>/quality/me/", OwnQuality.as_view(), name="api_own_quality"),
    path("projects/<int:project_id>/consensus/", ConsensusList.as_view(), name="api_consensus"),
    path("tasks/<int:task_id>/consensus/", TaskConsensus.as_view(), name="api_task_consensus"),
]
