"""REST for routing: policies, passes, decisions and the figures of a project."""

from dataclasses import asdict

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import read_body
from annotate.api.paging import ById
from annotate.api.problems import Conflict
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.api.waiting import WaitingShape
from annotate.inputs import clean_boolean
from annotate.models import Project
from routing.models import Decision, RoutingPolicy, RoutingRun
from routing.reports.decisions import for_experts, labels_of_people, route_figures
from routing.services.experts import open_to_everybody
from routing.services.passes import start_routing, stop_pass
from routing.services.people import count_simulated
from routing.services.policies import retire_policy, save_policy
from routing.settings.policy import DOMAINS
from routing.words.reasons import in_english


class PolicySerializer(serializers.ModelSerializer):
    judge = serializers.StringRelatedField(read_only=True)
    domains = serializers.ChoiceField(
        DOMAINS,
        required=False,
        allow_blank=True,
        source="settings.domains",
        help_text="In each of which the judge must have passed the alternative annotator test.",
    )

    class Meta:
        model = RoutingPolicy
        fields = [
            "id",
            "version",
            "kind",
            "judge",
            "threshold",
            "audit_share",
            "domains",
            "state",
            "created_at",
        ]
        read_only_fields = ["version", "kind", "state", "created_at"]
        # Null only in answers: fitted policies have none.
        extra_kwargs = {"threshold": {"required": True, "allow_null": True}}


class RunSerializer(WaitingShape):
    """One pass of the policy in force over the tasks that it has not decided yet."""

    class Meta:
        model = RoutingRun
        fields = [
            *("id", "policy", "state", "progress", "total", "message", "created_at"),
            "waits_because",
        ]


class DecisionSerializer(serializers.ModelSerializer):
    reasons = serializers.SerializerMethodField()

    def get_reasons(self, decision: Decision) -> list[str]:
        return in_english(decision.reasons)

    class Meta:
        model = Decision
        fields = [
            "id",
            "task",
            "policy",
            "score",
            "threshold",
            "route",
            "explored",
            "propensity",
            "reasons",
            "created_at",
        ]


DECISION_PAGE = inline_serializer(
    "DecisionPage",
    {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": DecisionSerializer(many=True),
    },
)


class DecisionPagination(ById):
    ordering = "-id"
    page_size = 100
    max_page_size = 1000


class Policies(APIView):
    @extend_schema(
        operation_id="list_routing_policies",
        responses=PolicySerializer(many=True),
    )
    def get(self, request, project_id: int) -> Response:
        """All versions of the policy, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        policies = project.routing_policies.select_related("judge").order_by("-version")
        return Response(PolicySerializer(policies, many=True).data)

    @extend_schema(
        operation_id="save_routing_policy",
        examples=[
            OpenApiExample(
                "Request", value={"threshold": 0.8, "audit_share": 0.1}, request_only=True
            )
        ],
        request=PolicySerializer,
        responses={201: PolicySerializer},
    )
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Put a new version in force."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        wanted = PolicySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        fields = wanted.validated_data
        domains = fields.pop("settings", {}).get("domains", "")
        policy = save_policy(project=project, actor=request.user, domains=domains, **fields)
        return Response(PolicySerializer(policy).data, status=201)

    @extend_schema(operation_id="retire_routing_policy", request=None, responses={204: None})
    def delete(self, request, project_id: int) -> Response:
        """Stop routing; every task goes to people."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        retire_policy(project=project, actor=request.user)
        return Response(status=204)


class Runs(APIView):
    costly = ("post",)

    @extend_schema(
        operation_id="list_routing_runs",
        responses=RunSerializer(many=True),
    )
    def get(self, request, project_id: int) -> Response:
        """The last 100 passes, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(RunSerializer(project.routing_runs.order_by("-pk")[:100], many=True).data)

    @extend_schema(operation_id="start_routing", request=None, responses={202: RunSerializer})
    @repeatable()
    def post(self, request, project_id: int) -> Response:
        """Start a pass over the tasks that nobody has begun, or return the one under way."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        run = start_routing(project=project, actor=request.user)
        if run is None:
            raise Conflict("No policy is active; POST one to routing/policies/ first.")
        return Response(RunSerializer(run).data, status=202)


class CancelRun(APIView):
    @extend_schema(operation_id="cancel_routing", request=None, responses=RunSerializer)
    def post(self, request, run_id: int) -> Response:
        """Stop a pass; what it decided stays decided."""
        read_body(request, known=())
        run = access.get_in_project(
            request.user, RoutingRun.objects.select_related("project"), run_id, access.MANAGE
        )
        stop_pass(run=run, actor=request.user)
        run.refresh_from_db()
        return Response(RunSerializer(run).data)


class Decisions(APIView):
    most_on_a_page = DecisionPagination.max_page_size

    @extend_schema(
        operation_id="list_routing_decisions",
        responses=DECISION_PAGE,
    )
    def get(self, request, project_id: int) -> Response:
        """Who was to judge each task and why, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        pages = DecisionPagination()
        page = pages.paginate_queryset(
            Decision.objects.filter(policy__project=project), request, view=self
        )
        return pages.get_paginated_response(DecisionSerializer(page, many=True).data)


FIGURES = inline_serializer(
    "RouteFigures",
    {
        "policy": PolicySerializer(allow_null=True),
        "routes": serializers.DictField(child=serializers.IntegerField()),
        "agreement": inline_serializer(
            "AuditAgreement",
            {
                "tasks": serializers.IntegerField(),
                "agreeing": serializers.IntegerField(),
                "undecided": serializers.IntegerField(),
                "low": serializers.FloatField(),
                "high": serializers.FloatField(),
                "rate": serializers.FloatField(allow_null=True),
            },
        ),
        "people": inline_serializer(
            "LabelsOfPeople",
            {
                "labels": serializers.IntegerField(help_text="Current ones, imported ones too."),
                "simulated": serializers.IntegerField(help_text="Of them by simulated people."),
                "counts_simulated": serializers.BooleanField(
                    help_text="Whether those count as people's in figures, fits and tests."
                ),
            },
        ),
    },
)


COUNTED = inline_serializer("PeopleCounted", {"counts_simulated": serializers.BooleanField()})


class Figures(APIView):
    @extend_schema(operation_id="get_routing_figures", responses=FIGURES)
    def get(self, request, project_id: int) -> Response:
        """Shares by route, and how often judge and people agree on the audited share.

        `people` tells how many labels of the project count as people's, here and in tests of
        judges, fits and simulations, and how many of them simulated people gave.
        """
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(self.body(project))

    @extend_schema(
        operation_id="set_people_counted",
        examples=[examples.request({"counts_simulated": False})],
        request=COUNTED,
        responses=FIGURES,
    )
    def put(self, request, project_id: int) -> Response:
        """Whether simulated people count as people in the project's figures, fits and tests of
        judges. What was fitted or tested before stays as it is.
        """
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("counts_simulated",), required=("counts_simulated",))
        wanted = clean_boolean("counts_simulated", body["counts_simulated"])
        count_simulated(project=project, actor=request.user, simulated=wanted)
        return Response(self.body(project))

    def body(self, project: Project) -> dict:
        figures = route_figures(project)
        return {
            "policy": figures.policy and PolicySerializer(figures.policy).data,
            "routes": figures.routes,
            "agreement": {**asdict(figures.agreement), "rate": figures.agreement.rate},
            "people": asdict(labels_of_people(project)),
        }


FOR_EXPERTS = inline_serializer(
    "ForExperts",
    {
        "tasks": serializers.IntegerField(help_text="With open seats that experts alone get."),
        "experts": serializers.IntegerField(
            help_text="Members of that tier; not counted where no task waits for them."
        ),
    },
)


class Experts(APIView):
    @extend_schema(operation_id="get_tasks_of_experts", responses=FOR_EXPERTS)
    def get(self, request, project_id: int) -> Response:
        """What waits for experts alone, because a policy sent it to them."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(asdict(for_experts(project)))

    @extend_schema(operation_id="open_tasks_of_experts", request=None, responses={200: FOR_EXPERTS})
    def delete(self, request, project_id: int) -> Response:
        """Give all of them to everybody. Decisions stay as they were made."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        open_to_everybody(project=project, actor=request.user)
        return Response(asdict(for_experts(project)))


urlpatterns = [
    path("projects/<int:project_id>/routing/policies/", Policies.as_view(), name="api_policies"),
    path("projects/<int:project_id>/routing/runs/", Runs.as_view(), name="api_routing_runs"),
    path("routing/runs/<int:run_id>/cancel/", CancelRun.as_view(), name="api_cancel_routing"),
    path("projects/<int:project_id>/routing/decisions/", Decisions.as_view(), name="api_decisions"),
    path("projects/<int:project_id>/routing/experts/", Experts.as_view(), name="api_experts"),
    path("projects/<int:project_id>/routing/figures/", Figures.as_view(), name="api_figures"),
]
