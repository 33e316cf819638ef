"""REST for the alignment of judges: criteria, the sample, grades, and what comes of them."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.query_parameters import refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.inputs import InvalidValue
from annotate.models import Judge
from routing.models import Criterion, Grade, JudgeRun, SampledOutput
from routing.reports.alignment import Line, Moved, Rate, Reworded, alignment_of
from routing.services.criteria import (
    MOST_SAMPLE,
    WHOLE,
    draw_sample,
    save_criterion,
    save_grades,
    set_criterion_state,
)

CRITERION = {"name": "No filler", "text": "A response should come to the point at once."}
GRADES = {"grades": {"whole": False, "12": False}}


class CriterionRequest(s.Serializer):
    name = s.CharField(help_text="A name that is there already gets a new version.")
    text = s.CharField()

    class Meta:
        ref_name = "JudgeCriterionRequest"


class CriterionShape(s.ModelSerializer):
    class Meta:
        model = Criterion
        ref_name = "JudgeCriterion"
        fields = ["id", "name", "text", "version", "state", "drafted_by", "created_at"]


class CriterionState(s.Serializer):
    state = s.ChoiceField(("accepted", "retired"))

    class Meta:
        ref_name = "JudgeCriterionState"


class OutputSampleRequest(s.Serializer):
    count = s.IntegerField(min_value=1, max_value=MOST_SAMPLE, help_text="Outputs to add.")

    class Meta:
        ref_name = "OutputSampleRequest"


class GradeShape(s.ModelSerializer):
    person = s.CharField(source="person.username")

    class Meta:
        model = Grade
        ref_name = "OutputGrade"
        fields = ["criterion", "person", "passes", "graded_at"]


class OutputShape(s.ModelSerializer):
    grades = GradeShape(many=True)

    class Meta:
        model = SampledOutput
        ref_name = "SampledOutput"
        fields = ["id", "number", "task", "response", "grades"]


class OutputPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = OutputShape(many=True)

    class Meta:
        ref_name = "SampledOutputPage"


class GradesRequest(s.Serializer):
    grades = s.DictField(
        child=s.BooleanField(allow_null=True),
        help_text=f'Whether it passes, by a criterion’s id or "{WHOLE}"; null takes it back.',
    )

    class Meta:
        ref_name = "OutputGradesRequest"


class RateShape(s.Serializer):
    hits = s.IntegerField()
    count = s.IntegerField()
    value = s.FloatField(allow_null=True)
    low = s.FloatField(help_text="Wilson, 95 %.")
    high = s.FloatField()

    class Meta:
        ref_name = "Rate"


class MovedShape(s.Serializer):
    judge = s.IntegerField(help_text="The version before.")
    flipped = RateShape(help_text="Outputs on which the two say different things.")
    now = RateShape(help_text="Agreement of this version on the outputs that both read.")
    then = RateShape()
    difference = s.ListField(
        child=s.FloatField(), allow_null=True, help_text="now - then: value, low, high."
    )

    class Meta:
        ref_name = "JudgeDrift"


class RewordedShape(s.Serializer):
    criterion = s.IntegerField(help_text="The version of other words before.")
    version = s.IntegerField()
    judge = RateShape(help_text="What turned of what the judge says of the same outputs.")
    people = RateShape(help_text="What turned of what most people say of the same outputs.")

    class Meta:
        ref_name = "CriterionDrift"


class LineShape(s.Serializer):
    criterion = s.IntegerField(allow_null=True, help_text="null: all of them together.")
    outputs = s.IntegerField(help_text="That people and the judge both graded.")
    coverage = RateShape(help_text="Of what people call bad, what the judge fails.")
    false_failures = RateShape(help_text="Of what people call good, what the judge fails.")
    agreement = RateShape()
    alignment = s.FloatField(
        allow_null=True, help_text="Harmonic mean of coverage and 1 - false failures."
    )
    failed = RateShape(help_text="What the judge fails of all that it read.")
    people = RateShape(help_text="Pairs of people who agree on the same output.")
    undecided = s.IntegerField(help_text="Outputs on which people are split evenly.")
    moved = MovedShape(allow_null=True)
    reworded = RewordedShape(
        allow_null=True, help_text="Against the criterion's version before, where both were used."
    )

    class Meta:
        ref_name = "CriterionAlignment"


class AlignmentShape(s.Serializer):
    judge = s.IntegerField()
    measured = s.DictField(
        allow_null=True,
        help_text="Report of the latest run of purpose measure: agreement with people on pairs, "
        "the order's part, the length's part, earlier versions; see docs/judges.md.",
    )
    criteria = LineShape(many=True)

    class Meta:
        ref_name = "JudgeAlignment"


class Criteria(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_criteria", responses=CriterionShape(many=True))
    def get(self, request: Request, project_id: int) -> Response:
        """All versions, by name, the newest version first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        rows = project.criteria.order_by("name", "-version")
        return Response(CriterionShape(rows, many=True).data)

    @extend_schema(
        operation_id="save_criterion",
        request=CriterionRequest,
        responses={201: CriterionShape},
        examples=[OpenApiExample("Request", value=CRITERION, request_only=True)],
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Write a criterion, or a new version of the one of that name; it is accepted."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("name", "text"), required=("name", "text"))
        made = save_criterion(project=project, actor=request.user, **body)
        return Response(CriterionShape(made).data, status=201)


class CriterionView(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="set_criterion_state",
        examples=[examples.request({"state": "accepted"})],
        request=CriterionState,
        responses=CriterionShape,
    )
    def patch(self, request: Request, criterion_id: int) -> Response:
        """Accept a draft, or retire a criterion."""
        rows = Criterion.objects.select_related("project")
        found = access.get_in_project(request.user, rows, criterion_id, access.MANAGE)
        body = read_body(request, known=("state",), required=("state",))
        moved = set_criterion_state(criterion=found, actor=request.user, state=body["state"])
        return Response(CriterionShape(moved).data)


class Sample(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_sampled_outputs", responses=OutputPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The outputs that people grade, with everybody's grades."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        refuse_unknown(request, ("cursor", "page_size"))
        rows = SampledOutput.objects.filter(project=project)
        return answer_page(
            request,
            rows.prefetch_related("grades__person"),
            lambda output: OutputShape(output).data,
        )

    @extend_schema(
        operation_id="draw_sample",
        examples=[examples.request({"count": 50})],
        request=OutputSampleRequest,
        responses={201: OutputSampleRequest},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Add outputs by chance, each of a task of its own; tells how many there were."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=("count",), required=("count",))
        added = draw_sample(project=project, actor=request.user, count=body["count"])
        return Response({"count": added}, status=201)


class Grades(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="grade_output",
        request=GradesRequest,
        responses=GradeShape(many=True),
        examples=[OpenApiExample("Request", value=GRADES, request_only=True)],
    )
    def put(self, request: Request, output_id: int) -> Response:
        """One's own grades of an output; what is not named stays."""
        rows = SampledOutput.objects.select_related("project")
        output = access.get_in_project(request.user, rows, output_id, access.REVIEW)
        body = read_body(request, known=("grades",), required=("grades",))
        grades = body["grades"]
        if not isinstance(grades, dict):
            raise InvalidValue("grades", "must be a JSON object")
        saved = save_grades(output=output, person=request.user, grades=grades)
        return Response(GradeShape(saved, many=True).data)


class AlignmentView(APIView):
    @extend_schema(operation_id="get_judge_alignment", responses=AlignmentShape)
    def get(self, request: Request, project_id: int, judge_id: int) -> Response:
        """How far the judge is with people: on pairs as last measured, and by criterion."""
        rows = Judge.objects.filter(project=project_id).select_related("project")
        judge = access.get_in_project(request.user, rows, judge_id, access.REVIEW)
        body = {
            "judge": judge.pk,
            "measured": latest_measured(judge),
            "criteria": [_line_body(line) for line in alignment_of(judge)],
        }
        return Response(body)


def latest_measured(judge: Judge) -> dict[str, Any] | None:
    """The report of the newest run that measured it and is done. One query."""
    done = judge.runs.filter(purpose=JudgeRun.Purpose.MEASURE, state="done").order_by("-pk")
    run = done.first()
    return run.report if run is not None else None


def _line_body(line: Line) -> dict[str, Any]:
    found = line.alignment
    return {
        "criterion": line.criterion and line.criterion.pk,
        "outputs": found.outputs,
        "coverage": _rate_body(found.coverage),
        "false_failures": _rate_body(found.false_failures),
        "agreement": _rate_body(found.agreement),
        "alignment": found.alignment,
        "failed": _rate_body(line.read),
        "people": _rate_body(line.people),
        "undecided": line.undecided,
        "moved": _moved_body(line.moved),
        "reworded": _reworded_body(line.reworded),
    }


def _rate_body(rate: Rate) -> dict[str, Any]:
    return dict(RateShape(rate).data)


def _moved_body(moved: Moved | None) -> dict[str, Any] | None:
    if moved is None:
        return None
    return {
        "judge": moved.judge.pk,
        **{name: _rate_body(getattr(moved, name)) for name in ("flipped", "now", "then")},
        "difference": moved.difference,
    }


def _reworded_body(found: Reworded | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "criterion": found.criterion.pk,
        "version": found.criterion.version,
        "judge": _rate_body(found.judge),
        "people": _rate_body(found.people),
    }


BASE = "projects/<int:project_id>/"
urlpatterns = [
    path(f"{BASE}criteria/", Criteria.as_view(), name="api_criteria"),
    path("criteria/<int:criterion_id>/", CriterionView.as_view(), name="api_criterion"),
    path(f"{BASE}sample/", Sample.as_view(), name="api_sample"),
    path("sample/<int:output_id>/grades/", Grades.as_view(), name="api_grades"),
    path(
        f"{BASE}judges/<int:judge_id>/alignment/",
        AlignmentView.as_view(),
        name="api_judge_alignment",
    ),
]
