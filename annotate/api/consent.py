"""Consent before the first task, and what members tell of themselves."""

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.views import APIView
from annotate.models import Consent, Membership, Project
from annotate.profile_questions import KINDS
from annotate.profile_summary import DECLINED_NAME
from annotate.reports.profiles import summaries
from annotate.services.people import consents, profiles


class ConsentRequest(s.Serializer):
    text = s.CharField(help_text="Markdown; empty: nobody is asked.")
    shows_answers = s.BooleanField(
        required=False, help_text="Managers may see what each person tells of themselves."
    )
    compares_groups = s.BooleanField(
        required=False,
        help_text="Leaderboards may be computed by group of what people told of themselves.",
    )


class ConsentShape(s.Serializer):
    version = s.IntegerField(allow_null=True, help_text="Null: nobody is asked.")
    text = s.CharField()
    shows_answers = s.BooleanField()
    compares_groups = s.BooleanField()
    agreed_at = s.DateTimeField(
        allow_null=True, help_text="When the caller agreed to this version; null: not yet."
    )

    class Meta:
        ref_name = "Consent"


class Agreement(s.Serializer):
    version = s.IntegerField(help_text="Of the text that was read.")

    class Meta:
        ref_name = "ConsentGiven"


class ProfileQuestion(s.Serializer):
    name = s.CharField(max_length=40, help_text="Small letters, digits and _.")
    title = s.CharField(max_length=500)
    kind = s.ChoiceField(KINDS)
    choices = s.ListField(
        child=s.CharField(max_length=200), required=False, help_text="Of choice and multiple."
    )


class ProfileQuestions(s.Serializer):
    questions = ProfileQuestion(many=True)
    until = s.DateField(
        allow_null=True, help_text="The last day on which answers are kept; needed with questions."
    )


class ProfileAnswers(s.Serializer):
    answers = s.DictField(
        child=s.JSONField(allow_null=True),
        help_text="By question's name; null: prefers not to say; left out: not answered.",
    )


class ProfileCount(s.Serializer):
    question = s.CharField()
    total = s.IntegerField(allow_null=True, help_text="Null: held back.")
    counts = s.DictField(
        child=s.IntegerField(allow_null=True),
        help_text="By choice; of texts and numbers `told`. Null: held back.",
    )
    declined = s.IntegerField(allow_null=True)
    quartiles = s.ListField(child=s.FloatField(), allow_null=True, help_text="Of numbers.")


class ProfileSummary(s.Serializer):
    results = ProfileCount(many=True)


class ProjectConsent(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_consent", responses=ConsentShape)
    def get(self, request: Request, project_id: int) -> Response:
        """The text in force, and whether the caller agreed to it."""
        return Response(_consent_body(request, access.get_project(request.user, project_id)))

    @extend_schema(
        operation_id="set_consent",
        examples=[
            examples.request(
                {
                    "text": "Answers are published under pseudonyms. You may withdraw at any time.",
                    "shows_answers": False,
                    "compares_groups": False,
                }
            )
        ],
        request=ConsentRequest,
        responses=ConsentShape,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Another text: everybody is asked anew before the next task."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(
            request, known={"text", "shows_answers", "compares_groups"}, required=["text"]
        )
        consents.set_consent(project=project, actor=request.user, **body)
        return Response(_consent_body(request, access.get_project(request.user, project_id)))


class OwnConsent(APIView):
    parser_classes = [PlainJSONParser]
    scope = "annotate"

    @extend_schema(
        operation_id="give_consent",
        examples=[examples.request({"version": 1})],
        request=Agreement,
        responses=ConsentShape,
    )
    def post(self, request: Request, project_id: int) -> Response:
        """Agree to the text in force."""
        member = _member(request, project_id)
        body = read_body(request, known={"version"}, required=["version"])
        consents.give_consent(membership=member, number=body["version"])
        return Response(_consent_body(request, access.get_project(request.user, project_id)))

    @extend_schema(operation_id="withdraw_consent", responses={204: None})
    def delete(self, request: Request, project_id: int) -> Response:
        """Take it back. No more tasks; drafts and answers on oneself go, judgements stay."""
        consents.withdraw_consent(membership=_member(request, project_id))
        return Response(status=204)


class ProjectProfile(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="get_profile_questions", responses=ProfileQuestions)
    def get(self, request: Request, project_id: int) -> Response:
        """What members are asked on themselves."""
        return Response(_questions_body(access.get_project(request.user, project_id)))

    @extend_schema(
        operation_id="set_profile_questions",
        examples=[
            examples.request(
                {
                    "questions": [
                        {
                            "name": "native",
                            "title": "Is English your first language?",
                            "kind": "choice",
                            "choices": ["yes", "no"],
                        }
                    ],
                    "until": None,
                }
            )
        ],
        request=ProfileQuestions,
        responses=ProfileQuestions,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Ask these. A question that is gone, or answered in another way, loses its answers."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        body = read_body(request, known={"questions", "until"}, required=["questions", "until"])
        return Response(
            _questions_body(profiles.set_questions(project=project, actor=request.user, **body))
        )


class OwnProfile(APIView):
    parser_classes = [PlainJSONParser]
    scope = "annotate"

    @extend_schema(operation_id="get_own_profile", responses=ProfileAnswers)
    def get(self, request: Request, project_id: int) -> Response:
        """What the caller told."""
        return Response({"answers": profiles.own_answers(_member(request, project_id))})

    @extend_schema(
        operation_id="save_own_profile",
        examples=[examples.request({"answers": {"native": "yes"}})],
        request=ProfileAnswers,
        responses=ProfileAnswers,
    )
    def put(self, request: Request, project_id: int) -> Response:
        """Put these in the place of all earlier answers; none at all is allowed."""
        member = _member(request, project_id)
        body = read_body(request, known={"answers"}, required=["answers"])
        saved = profiles.save_profile(membership=member, answers=body["answers"])
        return Response({"answers": saved})


class ProfileSummaryView(APIView):
    @extend_schema(operation_id="get_profile_summary", responses=ProfileSummary)
    def get(self, request: Request, project_id: int) -> Response:
        """Counts of what members told, none from 1 to 4."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        return Response({"results": [_summary_body(one) for one in summaries(project)]})


def _member(request: Request, project_id: int) -> Membership:
    member = access.get_project(request.user, project_id).membership
    if member is None:
        raise Http404("Only members are asked; you are none of this project.")
    return member


def _consent_body(request: Request, project: Project) -> dict:
    text = project.consent
    given = None
    if text is not None:
        rows = Consent.objects.filter(text=text, user=request.user, withdrawn_at=None)
        given = rows.values_list("given_at", flat=True).first()
    return {
        "version": text.number if text else None,
        "text": text.text if text else "",
        "shows_answers": bool(text and text.shows_answers),
        "compares_groups": bool(text and text.compares_groups),
        "agreed_at": given,
    }


def _questions_body(project: Project) -> dict:
    return {"questions": project.profile_questions, "until": project.profile_until}


def _summary_body(one) -> dict:
    return {
        "question": one.question.name,
        "total": one.total,
        "counts": {name: count for name, count in one.cells.items() if name != DECLINED_NAME},
        "declined": one.cells[DECLINED_NAME],
        "quartiles": one.quartiles,
    }


urlpatterns = [
    path("projects/<int:project_id>/consent/", ProjectConsent.as_view(), name="api_consent"),
    path("projects/<int:project_id>/consent/mine/", OwnConsent.as_view(), name="api_own_consent"),
    path("projects/<int:project_id>/profile/", ProjectProfile.as_view(), name="api_profile"),
    path("projects/<int:project_id>/profile/mine/", OwnProfile.as_view(), name="api_own_profile"),
    path(
        "projects/<int:project_id>/profile/summary/",
        ProfileSummaryView.as_view(),
        name="api_profile_summary",
    ),
]
