"""Discussions over REST: notes on tasks and answers, and where one is mentioned.

Everything here asks for the scope `annotate`: annotators take part where they answered. People are
named by their pseudonyms.
"""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from annotate.api import examples
from annotate.api.bodies import read_body
from annotate.api.paging import answer_page
from annotate.api.query_parameters import flag_parameter, read_flag, refuse_unknown
from annotate.api.repeating import repeatable
from annotate.api.work import WorkView
from annotate.inputs import BIGINT_MAX, clean_integer
from annotate.kinds import InvalidValue
from annotate.models import Mention, Note
from annotate.services.review import discussions

MOST_IDS = 1000


class NoteRequest(s.Serializer):
    text = s.CharField(required=False, help_text="@name or @pseudonym calls a member.")
    judgement = s.IntegerField(
        required=False, allow_null=True, help_text="The answer that it is about; else the task."
    )
    deed = s.ChoiceField(
        Note.Deed.choices, required=False, help_text="resolved and reopened need no text."
    )

    class Meta:
        ref_name = "NoteRequest"


class NoteBody(s.Serializer):
    id = s.IntegerField()
    task = s.IntegerField()
    judgement = s.IntegerField(allow_null=True, help_text="The answer as it was first given.")
    author = s.CharField(help_text="A pseudonym.")
    deed = s.ChoiceField(Note.Deed.choices)
    text = s.CharField()
    created_at = s.DateTimeField()

    class Meta:
        ref_name = "Note"


class MentionBody(s.Serializer):
    id = s.IntegerField()
    note = NoteBody()
    read_at = s.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "Mention"


class MentionPage(s.Serializer):
    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = MentionBody(many=True)

    class Meta:
        ref_name = "MentionPage"


class ReadRequest(s.Serializer):
    ids = s.ListField(child=s.IntegerField(), required=False, help_text="All of them without.")

    class Meta:
        ref_name = "ReadMentionsRequest"


class ReadCount(s.Serializer):
    read = s.IntegerField(help_text="How many were unread.")

    class Meta:
        ref_name = "ReadMentions"


class Discussion(WorkView):
    @extend_schema(operation_id="list_notes", responses=NoteBody(many=True))
    def get(self, request: Request, task_id: int) -> Response:
        """What the caller may read of a task's discussions, oldest first. Nothing becomes read."""
        task = discussions.get_task(request.user, task_id)
        return Response([note_body(one) for one in discussions.notes_for(task, request.user)])

    @extend_schema(
        operation_id="add_note",
        examples=[examples.request({"text": "@ada the source says 1889.", "deed": "said"})],
        request=NoteRequest,
        responses={201: NoteBody},
    )
    @repeatable()
    def post(self, request: Request, task_id: int) -> Response:
        """Say something about the task or an answer, or resolve or reopen the discussion."""
        body = read_body(request, known={"text", "judgement", "deed"})
        judgement = body.pop("judgement", None)
        if judgement is not None:
            clean_integer("judgement", judgement, low=1, high=BIGINT_MAX)
        note = discussions.add_note(
            task_id=task_id, author=request.user, judgement_id=judgement, **body
        )
        return Response(note_body(note), 201)


class MentionList(WorkView):
    @extend_schema(
        operation_id="list_mentions",
        parameters=[flag_parameter("unread", "1: only unread ones.")],
        responses=MentionPage,
    )
    def get(self, request: Request) -> Response:
        """Where the caller is mentioned, oldest first."""
        refuse_unknown(request, ("unread", "cursor", "page_size"))
        rows = discussions.mentions_of(request.user)
        if read_flag(request, "unread"):
            rows = rows.filter(read_at=None)
        return answer_page(request, rows, mention_body)


class MentionsRead(WorkView):
    @extend_schema(
        operation_id="read_mentions",
        examples=[examples.request({"ids": [12, 14]})],
        request=ReadRequest,
        responses=ReadCount,
    )
    def post(self, request: Request) -> Response:
        """Mark mentions of the caller as read."""
        ids = None
        body = read_body(request, known={"ids"})
        if "ids" in body:
            ids = body["ids"]
            if not isinstance(ids, list) or len(ids) > MOST_IDS:
                raise InvalidValue("ids", f"must be a list of at most {MOST_IDS} ids")
            for number, one in enumerate(ids):
                clean_integer(f"ids.{number}", one, low=1, high=BIGINT_MAX)
        return Response({"read": discussions.mark_read(user=request.user, ids=ids)})


def note_body(note: Note) -> dict[str, Any]:
    return {
        "id": note.pk,
        "task": note.task_id,
        "judgement": note.judgement_id,
        "author": note.author.pseudonym,
        "deed": note.deed,
        "text": note.text,
        "created_at": note.created_at,
    }


def mention_body(mention: Mention) -> dict[str, Any]:
    return {"id": mention.pk, "note": note_body(mention.note), "read_at": mention.read_at}


urlpatterns = [
    path("tasks/<int:task_id>/discussion/", Discussion.as_view(), name="api_discussion"),
    path("mentions/", MentionList.as_view(), name="api_mentions"),
    path("mentions/read/", MentionsRead.as_view(), name="api_mentions_read"),
]
