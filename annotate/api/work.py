"""Working: lease the next seat, answer it, skip it, keep it, hand it back."""

import math
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotate import access
from annotate.api import examples, schema
from annotate.api.bodies import PlainJSONParser, read_body, read_id
from annotate.api.problems import Conflict, problem
from annotate.api.query_parameters import integer_parameter
from annotate.api.views import APIView
from annotate.forms import Form
from annotate.handout import Lease
from annotate.inputs import clean_time
from annotate.kinds.contract import Shown, ShownResponse
from annotate.kinds.span_suggestions import as_told
from annotate.models import Judgement, Project, User
from annotate.reports.held import Held, held_back
from annotate.reports.left import Left, left_for
from annotate.seat_numbers import id_of, number_of
from annotate.services.reports.arena import next_seat
from annotate.services.review import norming
from annotate.services.work import drafts, judgements, returned, seats

ANSWER = frozenset({"value", "rationale", "flag", "seconds_active", "idempotency_key"})
BESIDE = integer_parameter("beside", "The seat being worked at: lease a second one ahead of time.")


class WorkView(APIView):
    """Everything here asks for the scope `annotate`, GET too: it changes who has what."""

    scope = read_scope = "annotate"
    parser_classes = [PlainJSONParser]


class SeatView(WorkView):
    """Of one seat: its number in the address is its id within."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().dispatch(request, *args, **{**kwargs, "seat_id": id_of(kwargs["seat_id"])})


class NextSeat(WorkView):
    @extend_schema(
        operation_id="lease_next_seat",
        examples=examples.NEXT,
        parameters=[BESIDE],
        responses={
            200: schema.Lease,
            204: None,
            (403, "application/problem+json"): schema.Problem,
            (429, "application/problem+json"): schema.Problem,
        },
    )
    def get(self, request: Request, project_id: int) -> Response:
        """Lease a seat for the caller; the same one until it is answered. 204: nothing to do.

        Seats of a norming session come first. `returned` is an answer that a reviewer sent back and
        that is to be revised before (`returned/` has the notes, also where this gives 204).

        403 for whoever is paused or has to pass the training or quiz first (`practice/`), 429 with
        Retry-After for whoever has done as many tasks as the project allows for now.
        """
        given = read_id(request, "beside") if request.GET else None
        beside = None if given is None else id_of(given)
        before = returned.waiting(project_id=project_id, user=request.user)
        lease = None
        if before.seat is not None and before.seat != beside:
            lease = _norming_lease(project_id, request.user, before.seat)
        if lease is None:
            lease = next_seat(project_id=project_id, user=request.user, beside=beside)
        if lease is None:
            held = held_back(project_id, request.user)
            return Response(status=204) if held is None else _held(held)
        return Response({**lease_body(lease, request.user.pk), "returned": before.judgement})


def _norming_lease(project_id: int, user: User, seat_id: int) -> Lease | None:
    """None where the hand-out would give nothing either, which then says why."""
    project = access.get_project(user, project_id)
    if project.state != Project.State.ACTIVE or not norming.is_asked_nothing(project):
        return None
    return norming.lease_of(seat_id=seat_id, user=user)


class TasksLeft(WorkView):
    @extend_schema(operation_id="why_no_seat", responses=schema.Left)
    def get(self, request: Request, project_id: int) -> Response:
        """Why `next` gives nothing: open tasks that are not for the caller, by what they require.

        Tasks that the caller did, or that others hold, are not told.
        """
        project = access.get_project(request.user, project_id)
        left = left_for(project.membership) if project.membership else Left()
        return Response(
            {
                "languages": left.languages,
                "skills": left.skills,
                "experts": left.experts,
                "own_texts": left.own,
            }
        )


class SeatJudgement(SeatView):
    @extend_schema(
        operation_id="submit_judgement",
        examples=examples.SUBMIT,
        request=schema.Answer,
        responses={201: schema.Judgement, 200: schema.Judgement},
    )
    def post(self, request: Request, seat_id: int) -> Response:
        """Answer the seat. 201, or 200 and the first row when the same answer comes again.

        409 when its idempotency key came before with another answer: the first one stays.
        """
        body = read_body(request, known=ANSWER | {"form", "started_at"}, required=["value"])
        if body.get("started_at") is not None:
            body = {**body, "started_at": clean_time("started_at", body["started_at"])}
        done = judgements.submit_judgement(seat_id=seat_id, user=request.user, **body)
        return _taken(done)


class SeatSkip(SeatView):
    @extend_schema(
        operation_id="skip_seat",
        examples=examples.SKIP,
        request=schema.SkipRequest,
        responses={200: schema.Skip},
    )
    def post(self, request: Request, seat_id: int) -> Response:
        """Decline the task, with a reason; the caller never gets it again."""
        body = read_body(request, known={"reason", "note"}, required=["reason"])
        skip = seats.skip_seat(seat_id=seat_id, user=request.user, **body)
        seat = number_of(skip.seat_id)
        return Response({"task": skip.task_id, "seat": seat, "reason": skip.reason})


class SeatRenew(SeatView):
    @extend_schema(operation_id="renew_seat", request=None, responses={200: schema.Renewed})
    def post(self, request: Request, seat_id: int) -> Response:
        """Keep the seat for another lease time."""
        until = seats.renew_lease(seat_id=seat_id, user=request.user)
        return Response({"seat": number_of(seat_id), "lease_until": until})


class SeatRelease(SeatView):
    @extend_schema(operation_id="release_seat", request=None, responses={204: None})
    def post(self, request: Request, seat_id: int) -> Response:
        """Hand the seat back unanswered."""
        seats.release_seat(seat_id=seat_id, user=request.user)
        return Response(status=204)


class SeatDraft(SeatView):
    @extend_schema(
        operation_id="save_draft",
        examples=examples.DRAFT,
        request=schema.DraftRequest,
        responses={204: None},
    )
    def put(self, request: Request, seat_id: int) -> Response:
        """Keep an unfinished answer; `next` gives it back as `draft`."""
        body = read_body(request, known={"value"}, required=["value"])
        drafts.save_draft(seat_id=seat_id, user=request.user, value=body["value"])
        return Response(status=204)


class JudgementRevise(WorkView):
    @extend_schema(
        operation_id="revise_judgement",
        examples=examples.REVISE,
        request=schema.Revision,
        responses={201: schema.Judgement, 200: schema.Judgement},
    )
    def post(self, request: Request, judgement_id: int) -> Response:
        """Supersede one's own judgement by a new one; the old one stays on record.

        200 and 409 as for a first answer.
        """
        body = read_body(request, known=ANSWER | {"reason"}, required=["value"])
        done = judgements.revise_judgement(judgement_id=judgement_id, user=request.user, **body)
        return _taken(done)


HELD = {
    "paused": "A manager paused your work here; what you hold you may still submit.",
    "practice": "Go through the training and the quiz first: GET practice/ of the project.",
    "hour": "You have done as many tasks as this project allows in an hour.",
    "day": "You have done as many tasks as this project allows in 24 hours.",
    "total": "You have done as many tasks as this project allows one person.",
}


def _held(held: Held) -> Response:
    if held.why in ("paused", "practice", "total"):
        return problem(403, "Forbidden", HELD[held.why])
    seconds = max(1, math.ceil((held.until - timezone.now()).total_seconds()))
    return problem(429, "Too many tasks", HELD[held.why], Retry_After=str(seconds))


def _taken(done: judgements.Submitted) -> Response:
    """Raises Conflict where the key's first answer says something else than this one."""
    if done.differs:
        raise Conflict(
            f"The idempotency key came before with another answer, judgement {done.judgement.pk}, "
            "which stays. Give each answer its own key; to change an answer, revise it."
        )
    return Response(judgement_body(done.judgement), 201 if done.created else 200)


def lease_body(lease: Lease, annotator_id: int) -> dict:
    """Up to two queries where the form shows suggestions, else none."""
    return {
        "seat": number_of(lease.seat_id),
        "task": lease.task_id,
        "project": lease.project_id,
        "lease_until": lease.leased_until,
        "prompt": lease.prompt,
        "responses": lease.responses,
        "context": lease.context,
        "form": {"id": lease.form_version, "kind": lease.kind, "settings": lease.kind_settings},
        "suggestions": _suggestions(lease, annotator_id),
        "draft": lease.draft,
    }


def _suggestions(lease: Lease, annotator_id: int) -> list[dict]:
    form = Form.read(lease.kind, lease.kind_settings, lease.form_version)
    settings = form.suggesting
    if settings is None:
        return []
    proposed = form.suggested(
        task_id=lease.task_id, seat_id=lease.seat_id, annotator_id=annotator_id
    )
    responses = (ShownResponse(one["id"], tuple(one["content"])) for one in lease.responses)
    return as_told(Shown(tuple(responses), suggestions=proposed), settings)


def judgement_body(judgement: Judgement) -> dict:
    return {
        "id": judgement.pk,
        "task": judgement.task_id,
        "seat": judgement.seat_id and number_of(judgement.seat_id),
        "form": judgement.form_version_id,
        "value": judgement.value,
        "rationale": judgement.rationale,
        "flag": judgement.flag,
        "late": judgement.late,
        "supersedes": judgement.supersedes_id,
        "submitted_at": judgement.submitted_at,
    }


urlpatterns = [
    path("projects/<int:project_id>/next/", NextSeat.as_view(), name="api_next_seat"),
    path("projects/<int:project_id>/next/left/", TasksLeft.as_view(), name="api_tasks_left"),
    path("seats/<int:seat_id>/judgement/", SeatJudgement.as_view(), name="api_seat_judgement"),
    path("seats/<int:seat_id>/skip/", SeatSkip.as_view(), name="api_seat_skip"),
    path("seats/<int:seat_id>/renew/", SeatRenew.as_view(), name="api_seat_renew"),
    path("seats/<int:seat_id>/release/", SeatRelease.as_view(), name="api_seat_release"),
    path("seats/<int:seat_id>/draft/", SeatDraft.as_view(), name="api_seat_draft"),
    path(
        "judgements/<int:judgement_id>/revise/",
        JudgementRevise.as_view(),
        name="api_judgement_revise",
    ),
]
