"""Features that an autoencoder finds in people's choices, over REST."""

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.factors_schema import FactorEffect, FactorShare, Foretold
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import InvalidValue
from annotate.models import JobState, Judge, Project
from annotate.services.reports.board_rules import CHOICES
from annotate.services.workers import why_waiting
from training.models import PreferenceFeatureRun
from training.services import preference_features as services


def _number(name: str) -> s.IntegerField:
    low, high, usual = services.NUMBERS[name]
    return s.IntegerField(
        required=False, min_value=low, max_value=high, help_text=f"{usual} when left out."
    )


def _rule(name: str, usual: str) -> s.CharField:
    told = f"{usual} when left out; one of: {', '.join(CHOICES[name])}."
    return s.CharField(required=False, help_text=told)


class PreferenceFeatureWish(s.Serializer):
    source = _rule("source", "people")
    simulated = _rule("simulated", "exclude")
    group = _rule("group", "all")
    features = _number("features")
    active = _number("active")
    pairs = _number("pairs")
    encoder = s.CharField(required=False, help_text="The local one when left out.")
    seed = s.IntegerField(required=False, min_value=0, help_text="0 when left out.")
    judge = s.IntegerField(
        required=False, allow_null=True, help_text="A language model that describes the features."
    )


class PreferenceExample(s.Serializer):
    task = s.IntegerField()
    more = s.IntegerField(help_text="The response with more of it.")
    less = s.IntegerField()
    value = s.FloatField(help_text="By how much they differ, in units of the autoencoder.")


class PreferenceFeature(s.Serializer):
    feature = s.IntegerField(help_text="Its number in the autoencoder.")
    active = s.FloatField(help_text="Share of the pairs that differ in it.")
    apart = s.IntegerField(help_text="Held-out votes whose responses differ in it.")
    share = FactorShare()
    alone = FactorEffect()
    beside_length = FactorEffect()
    q = s.FloatField(
        help_text="The false discovery rate at which `beside_length` is told from none."
    )
    examples = PreferenceExample(many=True, help_text="It was learned from them, among others.")
    tests = PreferenceExample(many=True, help_text="Held-out pairs that its words are tested on.")
    words = s.CharField(required=False, allow_blank=True, help_text="By the judge; empty: none.")
    tested = s.IntegerField(required=False, help_text="Held-out pairs that the judge voted on.")
    fidelity = s.FloatField(
        required=False, allow_null=True, help_text="Correlation of those votes with the feature."
    )


class PreferencePart(s.Serializer):
    training = s.FloatField()
    held_out = s.FloatField()


class PreferenceDescribed(s.Serializer):
    judge = s.CharField()
    calls = s.IntegerField()
    failed = s.IntegerField()
    stopped = s.BooleanField(help_text="Somebody stopped it while the judge was asked.")
    why = s.JSONField(allow_null=True, help_text="Why the judge could not go on: reason, values.")


class PreferenceResult(s.Serializer):
    features = PreferenceFeature(many=True, help_text="The clearest first.")
    rare = s.IntegerField(help_text="Features in which too few held-out votes differ.")
    ballots = s.IntegerField(help_text="Held-out votes.")
    clusters = s.IntegerField(help_text="Authors, or prompts, that intervals are over.")
    clusters_of = s.CharField(help_text="people, or prompts where fewer than five people voted.")
    foretold = Foretold(allow_null=True)
    pairs = PreferencePart(help_text="How many.")
    explained = PreferencePart(help_text="Share of the differences' squared length.")
    left_out = s.DictField(child=s.IntegerField())
    encoder = s.CharField()
    described = PreferenceDescribed(allow_null=True)


class PreferenceFeatureSummary(s.Serializer):
    id = s.IntegerField()
    project = s.IntegerField()
    judge = s.IntegerField(allow_null=True)
    config = PreferenceFeatureWish()
    state = s.ChoiceField(JobState.choices)
    pairs_read = s.IntegerField()
    message = s.CharField(allow_blank=True)
    waits_because = s.CharField(allow_blank=True, help_text="Why it is queued still, else empty.")
    created_at = s.DateTimeField()
    finished_at = s.DateTimeField(allow_null=True)


class PreferenceFeatureBody(PreferenceFeatureSummary):
    result = PreferenceResult(allow_null=True)


class PreferenceFeaturePage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = PreferenceFeatureSummary(many=True)


class PreferenceFeatureList(APIView):
    costly = ("post",)
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_preference_features", responses=PreferenceFeaturePage)
    def get(self, request: Request, project_id: int) -> Response:
        """The latest reports on features of preferences, oldest first, without their results."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = PreferenceFeatureRun.objects.filter(project=project).defer("result")
        return answer_page(request, rows, run_body)

    @extend_schema(
        operation_id="find_preference_features",
        examples=[
            OpenApiExample("Request", value={"pairs": 2000, "features": 32}, request_only=True)
        ],
        request=PreferenceFeatureWish,
        responses={202: PreferenceFeatureBody},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Find features of responses' embeddings that people choose by."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        given = read_body(request, known=frozenset(services.FIELDS))
        judge = _judge(project, given.pop("judge", None))
        run = services.start_features(
            project=project, actor=request.user, config=given, judge=judge
        )
        return Response({**run_body(run), "result": None}, 202)


class PreferenceFeatureDetail(APIView):
    @extend_schema(operation_id="get_preference_features", responses=PreferenceFeatureBody)
    def get(self, request: Request, run_id: int) -> Response:
        """A report: how far it is, or what came of it."""
        rows = PreferenceFeatureRun.objects.all()
        run = access.get_in_project(request.user, rows, run_id, access.REVIEW)
        return Response({**run_body(run), "result": run.result})

    @extend_schema(
        operation_id="cancel_preference_features", responses={200: PreferenceFeatureBody}
    )
    def delete(self, request: Request, run_id: int) -> Response:
        """Ask it to stop; one that is over stays as it is."""
        rows = PreferenceFeatureRun.objects.all()
        run = access.get_in_project(request.user, rows, run_id, access.MANAGE)
        services.cancel_features(run=run, actor=request.user)
        run.refresh_from_db()
        return Response({**run_body(run), "result": run.result})


def _judge(project: Project, number: object) -> Judge | None:
    if number is None:
        return None
    known = type(number) is int and 0 < number < 2**63
    judge = Judge.objects.filter(project=project, pk=number).first() if known else None
    if judge is None:
        raise InvalidValue("judge", "There is no judge {judge} in this project.", judge=number)
    return judge


def run_body(run: PreferenceFeatureRun) -> dict:
    return {
        "id": run.pk,
        "project": run.project_id,
        "judge": run.judge_id,
        "config": run.config,
        "state": run.state,
        "pairs_read": run.progress,
        "message": run.message,
        "waits_because": why.message if (why := why_waiting(run)) is not None else "",
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


urlpatterns = [
    path(
        "projects/<int:project_id>/preference-features/",
        PreferenceFeatureList.as_view(),
        name="api_preference_features",
    ),
    path(
        "preference-features/<int:run_id>/",
        PreferenceFeatureDetail.as_view(),
        name="api_preference_feature_run",
    ),
]
