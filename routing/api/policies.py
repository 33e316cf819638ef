"""REST for fitted policies: fitting, shadow, promotion; features."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.failures import FailureShape
from annotate.api.problems import Conflict
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.api.waiting import WaitingShape
from annotate.inputs import InvalidValue
from annotate.models import Project
from annotate.services import jobs
from routing.models import FeatureRun, FeatureSpecification, PolicyFit, RoutingPolicy
from routing.reports.policy import upkeep_failure_of
from routing.services.features import start_features
from routing.services.policies import promote_policy, put_in_shadow, start_fit
from routing.settings.policy import FITTED

FIT_EXAMPLE = {
    "kind": "error",
    "judges": [3],
    "settings": {
        "share": 0.3,
        "rules": [{"name": "safety", "tags": ["safety: moderate", "safety: high"]}],
    },
}


class FitRequest(s.Serializer):
    kind = s.ChoiceField(FITTED)
    judges = s.ListField(child=s.IntegerField(), help_text="Ids, from cheap to strong.")
    settings = s.DictField(required=False, help_text="See docs/routing.md.")

    class Meta:
        ref_name = "PolicyFitRequest"


class FitShape(WaitingShape):
    """Fitting a policy to what judges and people both labelled; makes a draft."""

    class Meta:
        model = PolicyFit
        ref_name = "PolicyFit"
        fields = [
            *("id", "kind", "judges", "settings", "state", "progress", "total", "message"),
            *("policy", "created_at", "finished_at", "waits_because"),
        ]


class FittedShape(s.ModelSerializer):
    judges = s.SerializerMethodField()
    upkeep_failure = s.SerializerMethodField(
        help_text="Null while a policy at work is looked after."
    )

    class Meta:
        model = RoutingPolicy
        ref_name = "FittedPolicy"
        fields = [
            *("id", "version", "kind", "judges", "threshold", "audit_share", "settings"),
            *("metrics", "state", "created_at", "in_force_since"),
            "upkeep_failure",
        ]

    @extend_schema_field(FailureShape(allow_null=True))
    def get_upkeep_failure(self, policy: RoutingPolicy) -> dict | None:
        found = upkeep_failure_of(policy)
        return None if found is None else FailureShape(found).data

    def get_judges(self, policy: RoutingPolicy) -> list[int]:
        there = [place.judge_id for place in policy.places.order_by("position")]
        return there or [policy.judge_id]


class Reason(s.Serializer):
    reason = s.CharField(required=False, help_text="Needed where it was not measured better.")

    class Meta:
        ref_name = "PromotionReason"


class SpecificationShape(s.ModelSerializer):
    encoder = s.CharField(source="encoder.name", default="", help_text="Empty: no embeddings.")
    edges = s.SerializerMethodField(help_text="By score: where the middle begins and ends.")

    class Meta:
        model = FeatureSpecification
        ref_name = "FeatureSpecification"
        fields = ["id", "version", "encoder", "pool", "edges", "created_at"]

    def get_edges(self, spec: FeatureSpecification) -> dict[str, list[float]]:
        return dict(zip(spec.body["scores"], spec.body["edges"], strict=True))


class FeatureRunShape(WaitingShape):
    """Features of all tasks that have none under the specification yet."""

    class Meta:
        model = FeatureRun
        ref_name = "FeatureRun"
        fields = [
            *("id", "spec", "state", "progress", "total", "message", "rows_per_second"),
            *("created_at", "finished_at", "waits_because"),
        ]


class Fits(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_policy_fits", responses=FitShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The last 100, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return Response(FitShape(project.policy_fits.order_by("-pk")[:100], many=True).data)

    @extend_schema(
        operation_id="fit_policy",
        request=FitRequest,
        responses={202: FitShape},
        examples=[OpenApiExample("Request", value=FIT_EXAMPLE, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Fit a policy to what judges and people both labelled; it becomes a draft."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("kind", "judges", "settings"), required=("kind", "judges"))
        run = start_fit(
            project=project,
            actor=request.user,
            kind=_text(body["kind"], "kind"),
            judges=clean_ids(body["judges"]),
            settings=body.get("settings", {}),
        )
        return Response(FitShape(run).data, status=202)


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise InvalidValue(name, "must be a text")
    return value


def clean_ids(value: object) -> list[int]:
    good = isinstance(value, list) and all(type(one) is int and 0 < one < 2**63 for one in value)
    if not good or not isinstance(value, list):
        raise InvalidValue("judges", "must be a list of ids of judges, such as [3]")
    return value


class Fit(APIView):
    @extend_schema(operation_id="get_policy_fit", responses=FitShape)
    def get(self, request: Request, fit_id: int) -> Response:
        """How far it is; `policy` is the draft that it made."""
        rows = PolicyFit.objects.all()
        return Response(
            FitShape(access.get_in_project(request.user, rows, fit_id, access.REVIEW)).data
        )


class CancelFit(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_policy_fit", request=None, responses=FitShape)
    def post(self, request: Request, fit_id: int) -> Response:
        """Stop it; no draft is made."""
        read_body(request, known=())
        run = access.get_in_project(request.user, PolicyFit.objects.all(), fit_id, access.MANAGE)
        jobs.request_cancel(run)
        run.refresh_from_db()
        return Response(FitShape(run).data)


def _policy(request: Request, policy_id: int, roles: frozenset) -> RoutingPolicy:
    rows = RoutingPolicy.objects.select_related("project", "judge")
    return access.get_in_project(request.user, rows, policy_id, roles)


class TaggedPolicy(Tagged, APIView):
    def read(self, request: Request, *, policy_id: int) -> Response:
        """The policy, to whoever may see it."""
        return Response(FittedShape(_policy(request, policy_id, access.REVIEW)).data)

    def lock(self, *, policy_id: int) -> None:
        """Whatever puts policies in force and out of it locks the project first."""
        mine = RoutingPolicy.objects.filter(pk=policy_id).values("project")
        list(Project.objects.select_for_update(no_key=True).filter(pk__in=mine).values_list("pk"))


class Policy(TaggedPolicy):
    @extend_schema(operation_id="get_routing_policy", responses=FittedShape)
    def get(self, request: Request, policy_id: int) -> Response:
        """One version with its settings and what was measured of it."""
        return self.read(request, policy_id=policy_id)


class ShadowPolicy(TaggedPolicy):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="shadow_routing_policy", request=None, responses=FittedShape)
    @if_match
    def post(self, request: Request, policy_id: int) -> Response:
        """Let a fitted policy decide without effect, beside the one in force."""
        read_body(request, known=())
        policy = _policy(request, policy_id, access.MANAGE)
        return Response(FittedShape(put_in_shadow(policy=policy, actor=request.user)).data)


class PromotePolicy(TaggedPolicy):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="promote_routing_policy",
        examples=[examples.request({"reason": "Fewer wrong labels at the same cost in shadow."})],
        request=Reason,
        responses=FittedShape,
    )
    @if_match
    def post(self, request: Request, policy_id: int) -> Response:
        """Put a fitted policy in force, also an earlier one again. Without a measured advantage
        over the one in force a reason is needed.
        """
        body = read_body(request, known=("reason",))
        reason = _text(body.get("reason", ""), "reason")
        if len(reason) > 2000:
            raise InvalidValue("reason", "must have at most 2000 characters")
        policy = promote_policy(
            policy=_policy(request, policy_id, access.MANAGE), actor=request.user, reason=reason
        )
        return Response(FittedShape(policy).data)


class Features(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_feature_runs", responses=FeatureRunShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """The last 100 runs that computed features, newest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        runs = project.feature_runs.order_by("-pk")[:100]
        return Response(FeatureRunShape(runs, many=True).data)

    @extend_schema(operation_id="start_features", request=None, responses={202: FeatureRunShape})
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Compute the features of every task that has none yet, or return the run under way."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        read_body(request, known=())
        run = start_features(project=project, actor=request.user)
        if run is None:
            raise Conflict("No features are specified yet; fit a policy first.")
        return Response(FeatureRunShape(run).data, status=202)


class CancelFeatures(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="cancel_features", request=None, responses=FeatureRunShape)
    def post(self, request: Request, run_id: int) -> Response:
        """Stop it; what was computed is kept."""
        read_body(request, known=())
        run = access.get_in_project(request.user, FeatureRun.objects.all(), run_id, access.MANAGE)
        jobs.request_cancel(run)
        run.refresh_from_db()
        return Response(FeatureRunShape(run).data)


class Specifications(APIView):
    @extend_schema(
        operation_id="list_feature_specifications", responses=SpecificationShape(many=True)
    )
    def get(self, request: Request, project_id: int) -> Response:
        """Versions of the features, newest first; a fit that names another encoder freezes one."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = project.feature_specs.select_related("encoder").order_by("-version")[:100]
        return Response(SpecificationShape(rows, many=True).data)


urlpatterns = [
    path("projects/<int:project_id>/routing/fits/", Fits.as_view(), name="api_policy_fits"),
    path("routing/fits/<int:fit_id>/", Fit.as_view(), name="api_policy_fit"),
    path("routing/fits/<int:fit_id>/cancel/", CancelFit.as_view(), name="api_cancel_fit"),
    path("routing/policies/<int:policy_id>/", Policy.as_view(), name="api_policy"),
    path(
        "routing/policies/<int:policy_id>/shadow/", ShadowPolicy.as_view(), name="api_shadow_policy"
    ),
    path(
        "routing/policies/<int:policy_id>/promote/",
        PromotePolicy.as_view(),
        name="api_promote_policy",
    ),
    path("projects/<int:project_id>/routing/features/", Features.as_view(), name="api_features"),
    path(
        "routing/features/<int:run_id>/cancel/",
        CancelFeatures.as_view(),
        name="api_cancel_features",
    ),
    path(
        "projects/<int:project_id>/routing/specifications/",
        Specifications.as_view(),
        name="api_feature_specifications",
    ),
]
