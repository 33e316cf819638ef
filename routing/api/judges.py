"""REST for judges: set up, limits, runs and dry runs, calls with their failures, suggestions."""

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.query_parameters import read_integer, refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import InvalidValue, clean_boolean, clean_choice
from annotate.models import Judge
from routing.api.judges_schema import (
    CallPage,
    CallShape,
    DecisionsShape,
    DomainShape,
    JudgeLimits,
    JudgeRequest,
    JudgeShape,
    PassedShape,
    RunRequest,
    RunShape,
    SuggestionPage,
    SuggestionShape,
    TestRequest,
    TestRunShape,
    TestShape,
)
from routing.models import JudgeAccount, JudgeCall, JudgeRun, Suggestion
from routing.reports.gold import judge_passed
from routing.reports.judge import Standing, standings
from routing.reports.suggestion import decisions
from routing.services.judge_runs import cancel_judging, start_judging
from routing.services.judge_tests import EPSILON, start_test
from routing.services.judges import LIMITS, save_judge, set_limits
from routing.services.ledger import account_of

EXAMPLE = {
    "name": "Big model",
    "kind": "openai",
    "config": {
        "base_url": "https://api.example.com/v1",
        "model": "big-1",
        "key_name": "BIG",
        "principles": "Prefer the response that is correct and says so plainly.",
    },
    "limits": {"input_price": "2.50", "output_price": "10", "spending_limit": "20"},
}

OF_CALLS = ("calls", "cost", "seconds_per_call")  # told from all calls of a judge


def _judge(request: Request, project_id: int, judge_id: int, roles: frozenset) -> Judge:
    rows = Judge.objects.filter(project=project_id).select_related("project")
    return access.get_in_project(request.user, rows, judge_id, roles)


class JudgeList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_judges", responses=JudgeShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """All judges in all versions, with limits, spending and calls."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        with_calls = any(self.asks_for(name) for name in OF_CALLS)
        return Response([judge_body(one) for one in standings(project, with_calls=with_calls)])

    @extend_schema(
        operation_id="save_judge",
        request=JudgeRequest,
        responses={201: JudgeShape},
        examples=[OpenApiExample("Request", value=EXAMPLE, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Set up a judge, or a new version of the one of that name."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(
            request,
            known=("name", "kind", "config", "limits"),
            required=("name", "kind", "config"),
        )
        for name in ("config", "limits"):
            if not isinstance(body.get(name, {}), dict):
                raise InvalidValue(name, "must be a JSON object")
        judge = save_judge(project=project, actor=request.user, **body)
        return Response(judge_body(_standing(judge)), 201)


class JudgeDetail(Tagged, APIView):
    row = "judge_id"
    counted = (*OF_CALLS, "limits.spent", "limits.reserved")

    @extend_schema(operation_id="get_judge", responses=JudgeShape)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """One version, with limits, spending and calls."""
        judge = _judge(request, project_id, judge_id, access.REVIEW)
        return Response(judge_body(_standing(judge)))


class JudgeLimitsView(Tagged, APIView):
    parser_classes = [PlainJSONParser]
    counted = JudgeDetail.counted

    def read(self, request: Request, **named: int) -> Response:
        """Limits are told with the judge."""
        return JudgeDetail().get(request, **named)

    def lock(self, *, project_id: int, judge_id: int) -> None:
        """All versions of a judge share the row of its limits."""
        account = account_of(Judge.objects.get(pk=judge_id, project=project_id))
        JudgeAccount.objects.select_for_update().get(pk=account.pk)

    @extend_schema(
        operation_id="set_judge_limits",
        examples=[
            examples.request(
                {
                    "input_price": "0.15",
                    "output_price": "0.60",
                    "spending_limit": "20.00",
                    "requests_per_minute": 300,
                    "concurrency": 8,
                }
            )
        ],
        request=JudgeLimits,
        responses={200: JudgeShape},
    )
    @if_match
    def patch(self, request: Request, project_id: int, judge_id: int) -> Response:
        """Change prices, spending limit and pace of all versions of the judge."""
        judge = _judge(request, project_id, judge_id, access.MANAGE)
        body = read_body(request, known=LIMITS, required=())
        set_limits(judge=judge, actor=request.user, limits=body)
        return Response(judge_body(_standing(judge)))


class JudgeRuns(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_judge_runs", responses=RunShape(many=True))
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """The last 100 runs of the judge, newest first; a dry run has a report."""
        judge = _judge(request, project_id, judge_id, access.REVIEW)
        return Response(RunShape(judge.runs.order_by("-pk")[:100], many=True).data)

    @extend_schema(
        operation_id="start_judge_run",
        examples=[examples.request({"purpose": "dry_run", "most_tasks": 50})],
        request=RunRequest,
        responses={202: RunShape},
    )
    @repeatable()
    def post(self, request: Request, project_id: int, judge_id: int) -> Response:
        """Let the judge label, or try it on ten tasks; the run under way if it is for the same."""
        judge = _judge(request, project_id, judge_id, access.MANAGE)
        body = read_body(request, known=("purpose", "most_tasks", "retry_failed"), required=())
        clean_boolean("retry_failed", body.get("retry_failed", False))
        run = start_judging(judge=judge, actor=request.user, **body)
        return Response(RunShape(run).data, 202)


class JudgeRunCancel(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_judge_run", request=None, responses=RunShape)
    def post(self, request: Request, project_id: int, run_id: int) -> Response:
        """Stop a run at its next call; what it labelled stays."""
        rows = JudgeRun.objects.filter(project=project_id)
        run = access.get_in_project(request.user, rows, run_id, access.MANAGE)
        cancel_judging(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(RunShape(run).data)


class JudgeCalls(APIView):
    @extend_schema(operation_id="list_judge_calls", responses=CallPage)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """Every call with tokens, cost, time and failure; ?state= and ?task= narrow it."""
        judge = _judge(request, project_id, judge_id, access.REVIEW)
        refuse_unknown(request, ("cursor", "page_size", "state", "task"))
        calls = JudgeCall.objects.filter(judge=judge)
        state = request.query_params.get("state")
        if state is not None:
            calls = calls.filter(state=clean_choice("state", state, JudgeCall.State.values))
        task = read_integer(request, "task", None)
        if task is not None:
            calls = calls.filter(task=task)
        return answer_page(request, calls, lambda call: CallShape(call).data)


class Suggestions(APIView):
    @extend_schema(operation_id="list_suggestions", responses=SuggestionPage)
    def get(self, request: Request, project_id: int) -> Response:
        """What judges propose and people have yet to confirm; ?task= narrows it."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ("cursor", "page_size", "task"))
        rows = Suggestion.objects.filter(judge__project=project)
        task = read_integer(request, "task", None)
        if task is not None:
            rows = rows.filter(task=task)
        return answer_page(request, rows, lambda row: SuggestionShape(row).data)


class JudgeDecisions(APIView):
    @extend_schema(operation_id="get_judge_decisions", responses=DecisionsShape)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """What people made of the marks that this version suggested."""
        judge = _judge(request, project_id, judge_id, access.REVIEW)
        return Response(asdict(decisions(judge)))


class JudgeKnownAnswers(APIView):
    @extend_schema(operation_id="get_judge_known_answers", responses=PassedShape)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """How many of its labels, or suggestions, are right where the answer is known.

        Of tasks in use with one, the latest 2,000.
        """
        passed = judge_passed(_judge(request, project_id, judge_id, access.REVIEW))
        low, high = passed.interval or (None, None)
        return Response(
            {
                "right": passed.right,
                "count": passed.count,
                "share": passed.share,
                "low": low,
                "high": high,
            }
        )


class JudgeTests(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_judge_test", responses=TestShape)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """In which domains the judge may take a person's place (alternative annotator test)."""
        judge = _judge(request, project_id, judge_id, access.REVIEW)
        run = judge.test_runs.order_by("-pk").first()
        rows = judge.domain_tests.order_by("grouping", "domain")
        domains = DomainShape(rows, many=True).data
        return Response({"run": run and TestRunShape(run).data, "domains": domains})

    @extend_schema(
        operation_id="test_judge",
        request=TestRequest,
        responses={202: TestRunShape},
        examples=[OpenApiExample("Request", value={"epsilon": 0.15}, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int, judge_id: int) -> Response:
        """Test the judge against the people who labelled what it labelled, in every domain."""
        judge = _judge(request, project_id, judge_id, access.MANAGE)
        body = read_body(request, known=("epsilon",))
        run = start_test(judge=judge, actor=request.user, epsilon=body.get("epsilon", EPSILON))
        return Response(TestRunShape(run).data, status=202)


def _standing(judge: Judge) -> Standing:
    [found] = [one for one in standings(judge.project) if one.judge.pk == judge.pk]
    return found


def _money(account: JudgeAccount, name: str) -> str:
    """As the database has it, also of an account that it does not have yet."""
    return f"{getattr(account, name):.{JudgeAccount._meta.get_field(name).decimal_places}f}"


def judge_body(standing: Standing) -> dict[str, Any]:
    judge, account = standing.judge, standing.account
    money = ("input_price", "output_price", "spending_limit", "spent", "reserved")
    return {
        "id": judge.pk,
        "name": judge.name,
        "version": judge.version,
        "kind": judge.kind,
        "config": judge.config,
        "limits": {
            name: _money(account, name) if name in money else getattr(account, name)
            for name in (*LIMITS, "spent", "reserved")
        },
        "calls": standing.calls,
        "cost": str(standing.cost),
        "seconds_per_call": standing.seconds,
        "created_at": judge.created_at,
    }


BASE = "projects/<int:project_id>/judges/"
urlpatterns = [
    path(BASE, JudgeList.as_view(), name="api_judges"),
    path(f"{BASE}suggestions/", Suggestions.as_view(), name="api_suggestions"),
    path(f"{BASE}runs/<int:run_id>/cancel/", JudgeRunCancel.as_view(), name="api_cancel_judge_run"),
    path(f"{BASE}<int:judge_id>/", JudgeDetail.as_view(), name="api_judge"),
    path(f"{BASE}<int:judge_id>/limits/", JudgeLimitsView.as_view(), name="api_judge_limits"),
    path(f"{BASE}<int:judge_id>/runs/", JudgeRuns.as_view(), name="api_judge_runs"),
    path(f"{BASE}<int:judge_id>/test/", JudgeTests.as_view(), name="api_judge_test"),
    path(f"{BASE}<int:judge_id>/decisions/", JudgeDecisions.as_view(), name="api_judge_decisions"),
    path(
        f"{BASE}<int:judge_id>/known-answers/",
        JudgeKnownAnswers.as_view(),
        name="api_judge_known_answers",
    ),
    path(f"{BASE}<int:judge_id>/calls/", JudgeCalls.as_view(), name="api_judge_calls"),
]
