"""Answering: submit, revise, skip, renew, hand back, save a draft.

A submit costs two statements: one looks, one writes everything (the seat, the judgement, the
person's count, the draft). The judgement's own row is the audit of it. Whoever comes after the
lease ran out still gets the seat while it is free; else the judgement is kept as an extra one,
marked late. Nothing that was answered is thrown away.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from psycopg.types.json import Jsonb

from annotate import access, handout, kinds
from annotate.inputs import BIGINT_MAX, clean_choice, clean_json, clean_number, clean_text
from annotate.kinds import InvalidValue
from annotate.models import Draft, Judgement, Membership, Seat, Skip, User
from annotate.services import audit
from annotate.statements import fetch_one

MAX_RATIONALE = 20_000
MAX_FLAG = 5_000
MAX_DRAFT_BYTES = 100_000
MAX_SECONDS = 86_400
EARLIEST_START = datetime(2000, 1, 1, tzinfo=UTC)

# See annotate/sql/judgements.sql.
LOOK = """
SELECT project_id, task_id, state, is_mine, was_mine, shown_order, kind, kind_settings,
       held_seat_id, judgement_id, same_key_id
FROM tandem_look_at_seat(%(seat)s::bigint, %(user)s::bigint, %(key)s)
"""
ANSWER = """
SELECT judgement_id, submitted_at, simulated
FROM tandem_answer_seat(
    %(seat)s::bigint, %(user)s::bigint, %(late)s, %(kind)s, %(schema)s::int, %(value)s,
    %(rationale)s, %(flag)s, %(seconds)s::float8, %(started)s::timestamptz, %(key)s)
"""


class SeatGone(Exception):
    """The page is stale: the seat is no longer (or never was) this person's to answer."""


@dataclass(frozen=True)
class Submitted:
    """`created` is false when the same answer had been taken before; `late` as the model says."""

    judgement: Judgement
    created: bool
    late: bool


@dataclass(frozen=True)
class _Seen:
    """A row of LOOK."""

    project_id: int
    task_id: int
    state: str
    is_mine: bool | None
    was_mine: bool
    shown_order: list[int]
    kind: str
    kind_settings: str
    held_seat_id: int | None
    judgement_id: int | None
    same_key_id: int | None


def submit_judgement(
    *,
    seat_id: int,
    user: User,
    value: object,
    rationale: str = "",
    flag: str = "",
    seconds_active: float | None = None,
    started_at: datetime | None = None,
    idempotency_key: str = "",
) -> Submitted:
    """Answer the seat. The same idempotency key, or the same answer again, gives the first row.

    Raises InvalidValue, SeatGone, and Http404 for a seat that the user has no business with.
    """
    texts = _clean_texts(rationale, flag, idempotency_key)
    seconds = _clean_seconds(seconds_active)
    while True:
        seen = _look(seat_id, user, idempotency_key)
        if seen.same_key_id is not None:
            return _repeated(seen.same_key_id, seen.task_id)
        answer = _clean_value(seen.kind, seen.kind_settings, seen.shown_order, value, rationale)
        if seen.judgement_id is not None:
            return _answered_before(seen.judgement_id, answer)
        parameters = {
            "seat": seat_id,
            "user": user.pk,
            "kind": seen.kind,
            "schema": kinds.get(seen.kind).SCHEMA_VERSION,
            "value": Jsonb(answer),
            "seconds": seconds,
            "started": _clean_started(started_at),
            **texts,
        }
        done = _write(seen, parameters)
        if done is not None:
            return done


def _look(seat_id: int, user: User, key: str) -> _Seen:
    row = None
    if 0 < seat_id <= BIGINT_MAX:
        row = fetch_one(LOOK, {"seat": seat_id, "user": user.pk, "key": key})
    if row is None:
        raise Http404("No such seat, or you are not a member of its project.")
    return _Seen(*row)


def _write(seen: _Seen, parameters: dict) -> Submitted | None:
    """One attempt; None when something changed since the look. Raises SeatGone."""
    if not (seen.is_mine or seen.was_mine):
        raise SeatGone(
            "This task was handed back or was never yours, so nothing was saved. "
            "Open the next task and go on there."
        )
    late = not seen.is_mine and seen.state != Seat.State.OPEN
    if not seen.is_mine and seen.held_seat_id is not None:
        # The page is of an earlier lease; meanwhile this person sits at the task again.
        late, parameters = False, {**parameters, "seat": seen.held_seat_id}
    try:
        row = fetch_one(ANSWER, {**parameters, "late": late})
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name != "judgement_idempotency":
            raise
        return None  # the key went to another task meanwhile; the next look says so
    if row is None:
        return None
    judgement = Judgement(
        id=row[0],
        submitted_at=row[1],
        simulated=row[2],
        project_id=seen.project_id,
        task_id=seen.task_id,
        seat_id=parameters["seat"],
        annotator_id=parameters["user"],
        source=Judgement.Source.PERSON,
        kind=seen.kind,
        schema_version=parameters["schema"],
        value=parameters["value"].obj,
        rationale=parameters["rationale"],
        flag=parameters["flag"],
        shown_order=seen.shown_order,
        late=late,
        seconds_active=parameters["seconds"],
        started_at=parameters["started"],
        idempotency_key=parameters["key"],
    )
    judgement._state.adding = False
    return Submitted(judgement, created=True, late=late)


def _repeated(judgement_id: int, task_id: int) -> Submitted:
    judgement = Judgement.objects.get(pk=judgement_id)
    if judgement.task_id != task_id:
        raise _key_taken()
    return Submitted(judgement, created=False, late=judgement.late)


def _key_taken() -> InvalidValue:
    return InvalidValue(
        "idempotency_key", "was used for another answer; give each one a key of its own"
    )


def _answered_before(judgement_id: int, answer: dict) -> Submitted:
    judgement = Judgement.objects.get(pk=judgement_id)
    if judgement.value != answer:
        raise SeatGone(
            "You already answered this task, and differently. To change your answer use undo "
            "(or revise the judgement)."
        )
    return Submitted(judgement, created=False, late=judgement.late)


@transaction.atomic
def revise_judgement(
    *,
    judgement_id: int,
    user: User,
    value: object,
    rationale: str = "",
    flag: str = "",
    reason: str = "",
    seconds_active: float | None = None,
    idempotency_key: str = "",
) -> Submitted:
    """Supersede one's own judgement by a new one; the old row stays, the reason is audited.

    The same idempotency key gives the first row. Raises InvalidValue, SeatGone (already
    revised), and Http404 for other people's.
    """
    texts = _clean_texts(rationale, flag, idempotency_key)
    clean_text("reason", reason, max_chars=MAX_FLAG)
    own = Judgement.objects.filter(annotator=user).select_related("project")
    old = access.get_in_project(user, own, _known_id(judgement_id))
    handout.lock_person(project_id=old.project_id, user_id=user.pk)
    repeated = own.filter(idempotency_key=idempotency_key).first() if idempotency_key else None
    if repeated is not None and repeated.supersedes_id == old.pk:
        return Submitted(repeated, created=False, late=repeated.late)
    if repeated is not None:
        raise _key_taken()
    if Judgement.objects.filter(supersedes=old).exists():
        raise SeatGone("This judgement was revised already; revise the newest one.")
    answer = _clean_value(
        old.kind, json.dumps(old.project.kind_settings), old.shown_order, value, rationale
    )
    new = Judgement.objects.create(
        project_id=old.project_id,
        task_id=old.task_id,
        seat_id=old.seat_id,
        kind=old.kind,
        schema_version=kinds.get(old.kind).SCHEMA_VERSION,
        value=answer,
        rationale=texts["rationale"],
        flag=texts["flag"],
        idempotency_key=texts["key"],
        source=old.source,
        simulated=user.is_simulated,
        annotator=user,
        shown_order=old.shown_order,
        late=old.late,
        seconds_active=_clean_seconds(seconds_active),
        supersedes=old,
    )
    audit.record(
        action="judgement.revised",
        target=new,
        actor=user,
        project=old.project,
        supersedes=old.pk,
        reason=reason,
    )
    return Submitted(new, created=True, late=new.late)


@transaction.atomic
def skip_seat(*, seat_id: int, user: User, reason: str, note: str = "") -> Skip:
    """Decline the task for good: the seat goes to somebody else, first of all.

    Skipping again gives the first row. Raises InvalidValue, SeatGone, Http404.
    """
    reason = clean_choice("reason", reason, Skip.Reason.values)
    clean_text("note", note, max_chars=MAX_FLAG)
    seat = _get_seat(seat_id, user)
    skip = Skip.objects.filter(task_id=seat.task_id, annotator=user).first()
    if skip is not None:
        return skip
    if Judgement.objects.filter(task_id=seat.task_id, annotator=user).exists():
        raise SeatGone("You already answered this task. To change your answer use undo.")
    _require_held(seat, user)
    skip = Skip.objects.create(
        task_id=seat.task_id, seat=seat, annotator=user, reason=reason, note=note
    )
    Draft.objects.filter(seat=seat, annotator=user).delete()
    if seat.annotator_id == user.pk:
        handout.release(seat)
    return skip


@transaction.atomic
def renew_lease(*, seat_id: int, user: User) -> datetime:
    """The new end of the lease. One that ran out begins anew while the seat is free.

    Raises SeatGone, Http404.
    """
    seat = _get_seat(seat_id, user)
    sits_here = seat.annotator_id == user.pk and seat.state == Seat.State.LEASED
    was_here = seat.state == Seat.State.OPEN and user.pk in seat.former_holders
    sits_elsewhere = Seat.objects.filter(task_id=seat.task_id, annotator=user).exclude(pk=seat.pk)
    declined = Skip.objects.filter(task_id=seat.task_id, annotator=user)
    answered = Judgement.objects.filter(task_id=seat.task_id, annotator=user)
    ended = sits_elsewhere.exists() or declined.exists() or answered.exists()
    if not sits_here and (not was_here or ended):
        raise SeatGone(
            "Your lease of this task is over and it cannot be renewed. What you submit is still "
            "kept if the task was yours; else open the next task."
        )
    now = timezone.now()
    if not sits_here:
        seat.state, seat.annotator, seat.leased_at, seat.reopened_key = "leased", user, now, None
        person = Membership.objects.get(project=seat.project_id, user=user)
        person.held_seats = [*person.held_seats, seat.pk]
        person.save(update_fields=["held_seats"])
    seat.leased_until = now + timedelta(seconds=seat.project.lease_seconds)
    seat.save(update_fields=["state", "annotator", "leased_at", "leased_until", "reopened_key"])
    return seat.leased_until


@transaction.atomic
def release_seat(*, seat_id: int, user: User) -> None:
    """Hand the seat back unanswered; a draft stays. What is not held any more is no error.

    Raises Http404.
    """
    seat = _get_seat(seat_id, user)
    if seat.annotator_id == user.pk and seat.state == Seat.State.LEASED:
        handout.release(seat)


def save_draft(*, seat_id: int, user: User, value: object) -> None:
    """Keep an unfinished answer (any JSON). Raises InvalidValue, SeatGone, Http404."""
    if value is None:
        raise InvalidValue("value", "is null; send what there is of the answer, such as {}")
    clean_json("value", value, max_bytes=MAX_DRAFT_BYTES)
    with transaction.atomic():
        seat = _get_seat(seat_id, user)
        _require_held(seat, user)
        Draft.objects.update_or_create(seat=seat, annotator=user, defaults={"value": value})


def _get_seat(seat_id: int, user: User) -> Seat:
    """The seat, locked after the person. Raises Http404 for strangers and archived projects."""
    seats = Seat.objects.filter(pk=_known_id(seat_id), project__archived_at=None)
    project_id = seats.values_list("project_id", flat=True).first()
    if project_id is None or not handout.lock_person(project_id=project_id, user_id=user.pk):
        raise Http404("No such seat, or you are not a member of its project.")
    return seats.select_related("project").select_for_update(of=["self"]).get()


def _require_held(seat: Seat, user: User) -> None:
    holds = seat.annotator_id == user.pk and seat.state == Seat.State.LEASED
    if not holds and user.pk not in seat.former_holders:
        raise SeatGone(
            "This task is not in your hands: it was answered, handed back or never yours. "
            "Open the next task and go on there."
        )


def _known_id(pk: int) -> int:
    return pk if 0 < pk <= BIGINT_MAX else 0


def _clean_texts(rationale: object, flag: object, key: object) -> dict[str, str]:
    return {
        "rationale": clean_text("rationale", rationale, max_chars=MAX_RATIONALE),
        "flag": clean_text("flag", flag, max_chars=MAX_FLAG),
        "key": clean_text("idempotency_key", key, max_chars=100, lines=False),
    }


def _clean_seconds(seconds: object) -> float | None:
    if seconds is None:
        return None
    return clean_number("seconds_active", seconds, low=0, high=MAX_SECONDS)


def _clean_started(started_at: datetime | None) -> datetime | None:
    """Times at the calendar's ends could be written but not be read again in UTC."""
    if started_at is None:
        return None
    if timezone.is_naive(started_at):
        raise InvalidValue("started_at", "needs a time zone, such as 2030-01-31T12:00:00Z")
    if not EARLIEST_START <= started_at <= timezone.now() + timedelta(days=1):
        raise InvalidValue("started_at", "must lie between the year 2000 and now")
    return started_at


def _clean_value(
    kind: str, kind_settings: str, shown: list[int], value: object, rationale: str
) -> dict:
    module = kinds.get(kind)
    settings = module.clean_settings(json.loads(kind_settings))
    return module.clean_value(value, response_ids=shown, settings=settings, rationale=rationale)
