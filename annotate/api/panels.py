"""Studies at panels over REST: for managers, and for what a panel's own events call."""

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.entity_tags import Tagged, if_match
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.models import PanelStudy, Participation
from annotate.reports.panels import as_row, participants
from annotate.services.people import panels
from annotate.services.people.participations import TAKEN_OUT, release


class PanelRequest(s.Serializer):
    name = s.CharField(max_length=200)
    participant_parameter = s.CharField(required=False, help_text="PROLIFIC_PID if left out.")
    study_parameter = s.CharField(required=False, help_text="STUDY_ID if left out.")
    session_parameter = s.CharField(required=False, help_text="SESSION_ID if left out.")
    signed = s.BooleanField(required=False, help_text="Let in signed links only.")
    tasks_each = s.IntegerField(required=False, min_value=0, max_value=panels.MOST)
    places = s.IntegerField(required=False, min_value=0, max_value=panels.MOST)
    return_url = s.CharField(
        required=False, allow_blank=True, max_length=500, help_text="With {code} in it."
    )
    code_completed = s.CharField(required=False, help_text="Drawn if left out; so are the others.")
    code_screened_out = s.CharField(required=False)
    code_no_consent = s.CharField(required=False)
    code_nothing_left = s.CharField(required=False)

    class Meta:
        ref_name = "PanelRequest"


class PanelChange(PanelRequest):
    name = s.CharField(max_length=200, required=False)
    open = s.BooleanField(required=False, help_text="false: nobody new is let in.")

    class Meta:
        ref_name = "PanelChange"


class PanelShape(PanelRequest):
    id = s.IntegerField()
    project = s.IntegerField()
    code = s.CharField(help_text="What the link's path ends in.")
    link = s.CharField(help_text="With the places that Prolific fills in.")
    signing_key = s.CharField(allow_null=True, help_text="Of signed studies.")
    taken = s.IntegerField(help_text="Participants so far.")
    open = s.BooleanField()
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "PanelStudy"


class PanelPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = PanelShape(many=True)

    class Meta:
        ref_name = "PanelStudyPage"


class ParticipantShape(s.Serializer):
    id = s.IntegerField()
    participant = s.CharField(
        help_text="The panel's id; of who ended their account `ended:` and a hash of it."
    )
    session = s.CharField(allow_blank=True)
    pseudonym = s.CharField()
    state = s.ChoiceField(Participation.State.choices)
    code = s.CharField(allow_blank=True, help_text="What they were given at the end.")
    done = s.IntegerField(help_text="Tasks.")
    started_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "PanelParticipant"


class ParticipantPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = ParticipantShape(many=True)

    class Meta:
        ref_name = "PanelParticipantPage"


class ReleaseRequest(s.Serializer):
    participant = s.CharField(help_text="The panel's id.")
    reason = s.ChoiceField([(one, one) for one in TAKEN_OUT])

    class Meta:
        ref_name = "PanelRelease"


class PanelList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_panel_studies", responses=PanelPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's studies at panels, oldest first."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return answer_page(request, project.panel_studies.all(), lambda one: _body(request, one))

    @extend_schema(
        operation_id="create_panel_study",
        examples=[
            examples.request(
                {
                    "name": "Pairs, wave 2",
                    "tasks_each": 20,
                    "places": 100,
                    "return_url": "https://app.prolific.com/submissions/complete",
                    "code_completed": "C1X2Y3Z4",
                    "code_screened_out": "S9A8B7C6",
                    "code_no_consent": "N5D4E3F2",
                    "code_nothing_left": "L1K2J3H4",
                }
            )
        ],
        request=PanelRequest,
        responses={201: PanelShape},
    )
    @repeatable(remedy="Its key is not kept; `list_panel_studies` has the study.")
    def post(self, request: Request, project_id: int) -> Response:
        """Make a study that lets participants of a panel in by a link."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known=panels.FIELDS, required=["name"])
        made = panels.create_study(project=project, actor=request.user, **body)
        return Response(_body(request, made), 201)


class PanelDetail(Tagged, APIView):
    parser_classes = [PlainJSONParser]
    row = "study_id"
    locked = PanelStudy.objects.select_for_update()
    counted = ("taken",)

    @extend_schema(operation_id="get_panel_study", responses=PanelShape)
    def get(self, request: Request, study_id: int) -> Response:
        """One study: its link, its limits, its codes."""
        return Response(_body(request, _study(request, study_id)))

    @extend_schema(
        operation_id="change_panel_study",
        examples=[examples.request({"open": True, "places": 150})],
        request=PanelChange,
        responses=PanelShape,
    )
    @if_match
    def patch(self, request: Request, study_id: int) -> Response:
        """Change it for whoever comes from now on, close it, or open it again."""
        study = _study(request, study_id)
        body = read_body(request, known=(*panels.FIELDS, "open"))
        if "open" in body:
            body["is_open"] = body.pop("open")
        changed = panels.change_study(study=study, actor=request.user, **body)
        return Response(_body(request, changed))


class Participants(APIView):
    @extend_schema(operation_id="list_panel_participants", responses=ParticipantPage)
    def get(self, request: Request, study_id: int) -> Response:
        """Who took part, how far they are and which code they were given; oldest first."""
        rows = participants(_study(request, study_id))
        return answer_page(request, rows, _participant)


class Release(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(
        operation_id="release_participant",
        examples=[
            examples.request({"participant": "5f1e0c2a9b3d4e7f8a6b5c4d", "reason": "timed_out"})
        ],
        request=ReleaseRequest,
        responses=ParticipantShape,
    )
    def post(self, request: Request, study_id: int) -> Response:
        """A participant returned or timed out: what they hold goes to others at once.

        What they judged stays. The first outcome stays too; doing it twice changes nothing.
        """
        study = _study(request, study_id)
        fields = ("participant", "reason")
        body = read_body(request, known=fields, required=fields)
        ended = release(study=study, actor=request.user, **body)
        return Response(_participant(participants(study).get(pk=ended.pk)))


def _study(request: Request, study_id: int) -> PanelStudy:
    rows = PanelStudy.objects.select_related("project")
    return access.get_in_project(request.user, rows, study_id, access.MANAGE)


def _body(request: Request, study: PanelStudy) -> dict:
    return {
        "id": study.pk,
        "project": study.project_id,
        "code": study.code,
        "link": panels.entry_link(study, request.build_absolute_uri("/")),
        "signing_key": panels.signing_key(study) if study.signed else None,
        "taken": study.taken,
        "open": study.closed_at is None,
        "created_at": study.created_at,
        **{name: getattr(study, name) for name in panels.FIELDS},
    }


def _participant(one: Participation) -> dict:
    row = as_row(one)
    fields = ParticipantShape().fields
    return {name: getattr(row, name) for name in fields}


urlpatterns = [
    path("projects/<int:project_id>/panels/", PanelList.as_view(), name="api_panels"),
    path("panels/<int:study_id>/", PanelDetail.as_view(), name="api_panel"),
    path(
        "panels/<int:study_id>/participants/",
        Participants.as_view(),
        name="api_panel_participants",
    ),
    path("panels/<int:study_id>/release/", Release.as_view(), name="api_panel_release"),
]
