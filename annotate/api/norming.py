"""Norming sessions over REST. People are named by their pseudonyms."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples
from annotate.api.bodies import PlainJSONParser, read_body
from annotate.api.paging import answer_page
from annotate.api.repeating import repeatable
from annotate.api.views import APIView
from annotate.kinds import InvalidValue
from annotate.models import NormingSession, User
from annotate.reports.norming import normed
from annotate.services.review import norming


class NormingRequest(s.Serializer):
    name = s.CharField(max_length=200)
    tasks = s.ListField(child=s.IntegerField())
    people = s.ListField(child=s.CharField(), help_text="Pseudonyms or names of members.")

    class Meta:
        ref_name = "NormingRequest"


class NormingBody(s.Serializer):
    id = s.IntegerField()
    name = s.CharField()
    created_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "NormingSession"


class NormingPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = NormingBody(many=True)

    class Meta:
        ref_name = "NormingPage"


class NormingAgreement(s.Serializer):
    question = s.CharField()
    equal = s.FloatField(allow_null=True, help_text="Share of equal pairs of answers.")
    alpha = s.FloatField(allow_null=True, help_text="Krippendorff's, of labels.")

    class Meta:
        ref_name = "NormingAgreement"


class NormingAnswer(s.Serializer):
    task = s.IntegerField()
    annotator = s.CharField()
    judgement = s.IntegerField()
    value = s.JSONField()

    class Meta:
        ref_name = "NormingAnswer"


class NormingDetail(NormingBody):
    wanted = s.IntegerField()
    done = s.IntegerField()
    divided = s.ListField(child=s.IntegerField(), help_text="Tasks whose answers differ.")
    agreement = NormingAgreement(many=True)
    answers = NormingAnswer(many=True)

    class Meta:
        ref_name = "NormingDetail"


class NormingList(APIView):
    parser_classes = [PlainJSONParser]

    @extend_schema(operation_id="list_norming_sessions", responses=NormingPage)
    def get(self, request: Request, project_id: int) -> Response:
        """The project's norming sessions, oldest first."""
        project = access.get_project(request.user, project_id, access.REVIEW)
        return answer_page(request, NormingSession.objects.filter(project=project), session_body)

    @extend_schema(
        operation_id="start_norming_session",
        examples=[
            examples.request({"name": "Week 1", "tasks": [31, 32, 33], "people": ["ada", "ben"]})
        ],
        request=NormingRequest,
        responses={201: NormingBody},
    )
    @repeatable()
    def post(self, request: Request, project_id: int) -> Response:
        """Have chosen people judge the same tasks, before any other work of theirs."""
        project = access.get_project(request.user, project_id, access.MANAGE)
        fields = ("name", "tasks", "people")
        body = read_body(request, known=fields, required=fields)
        people = body["people"]
        if not isinstance(people, list) or not all(isinstance(one, str) for one in people):
            raise InvalidValue("people", "must be a list of names or pseudonyms")
        members = User.objects.filter(memberships__project=project)
        ids = {one.username: one.pk for one in members} | {one.pseudonym: one.pk for one in members}
        for number, one in enumerate(people):
            if one not in ids:
                raise InvalidValue(f"people.{number}", "is no member of this project")
        session = norming.start_session(
            project=project,
            actor=request.user,
            name=body["name"],
            tasks=body["tasks"],
            people=[ids[one] for one in people],
        )
        return Response(session_body(session), 201)


class Norming(APIView):
    @extend_schema(operation_id="get_norming_session", responses=NormingDetail)
    def get(self, request: Request, session_id: int) -> Response:
        """Everybody's answers, and how far they agree."""
        rows = NormingSession.objects.all()
        session = access.get_in_project(request.user, rows, session_id, access.REVIEW)
        found = normed(session)
        answers = [
            {
                "task": task.task.pk,
                "annotator": person.pseudonym,
                "judgement": answer.pk,
                "value": answer.value,
            }
            for task in found.tasks
            for person, answer in zip(found.people, task.answers, strict=True)
            if answer is not None
        ]
        return Response(
            {
                **session_body(session),
                "wanted": found.wanted,
                "done": found.done,
                "divided": [one.task.pk for one in found.tasks if one.is_divided],
                "agreement": [
                    {"question": question, "equal": share, "alpha": alpha}
                    for question, share, alpha in found.agreement
                ],
                "answers": answers,
            }
        )


class NormingEnd(APIView):
    @extend_schema(operation_id="end_norming_session", request=None, responses=NormingBody)
    def post(self, request: Request, session_id: int) -> Response:
        """Ask nobody any more; what was answered stays."""
        rows = NormingSession.objects.all()
        session = access.get_in_project(request.user, rows, session_id, access.MANAGE)
        return Response(session_body(norming.end_session(session=session, actor=request.user)))


def session_body(row: NormingSession) -> dict[str, Any]:
    return {
        "id": row.pk,
        "name": row.name,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


urlpatterns = [
    path("projects/<int:project_id>/norming/", NormingList.as_view(), name="api_norming_sessions"),
    path("norming/<int:session_id>/", Norming.as_view(), name="api_norming_session"),
    path("norming/<int:session_id>/end/", NormingEnd.as_view(), name="api_norming_end"),
]
