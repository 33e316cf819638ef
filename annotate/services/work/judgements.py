"""Answering: submit and revise.

A submit costs two statements: one looks, one writes everything (the seat, the judgement, the
person's count, the draft). The judgement's own row is the audit of it. Whoever comes after the
lease ran out still gets the seat while it is free; else the judgement is kept as an extra one,
marked late. Nothing that was answered is thrown away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from annotate import access, handout
from annotate.forms import Form, no_form
from annotate.inputs import BIGINT_MAX, clean_integer, clean_number, clean_text
from annotate.kinds import InvalidValue
from annotate.kinds.span_suggestions import told_of
from annotate.models import Judgement, Review, Seat, Task, User
from annotate.services import audit
from annotate.services.reports.arena import is_arena
from annotate.services.work.gold_checks import check_answer
from annotate.services.work.overlaps import fit_overlaps
from annotate.services.work.seats import SeatGone, known_id
from annotate.statements import fetch_one

MAX_RATIONALE = 20_000
MAX_FLAG = 5_000
MAX_SECONDS = 86_400
EARLIEST_START = datetime(2000, 1, 1, tzinfo=UTC)

# See annotate/sql/judgements.sql.
LOOK = """
SELECT seen.project_id, task_id, state, is_mine, was_mine, shown_order, seen.kind,
       seen.kind_settings, seen.form_version_id, held_seat_id, judgement_id, same_key_id, is_gold,
       (SELECT p.overlap_most IS NOT NULL FROM annotate_project p WHERE p.id = seen.project_id)
FROM tandem_look_at_seat(%(seat)s::bigint, %(user)s::bigint, %(key)s, %(form)s::bigint) AS seen
"""
ANSWER = """
SELECT judgement_id, submitted_at, simulated, wants_pause
FROM tandem_answer_seat(
    %(seat)s::bigint, %(user)s::bigint, %(late)s, %(kind)s, %(schema)s::int, %(form)s::bigint,
    %(value)s, %(rationale)s, %(flag)s, %(seconds)s::float8, %(started)s::timestamptz, %(key)s)
"""


# An answer as JSON, or what reads one once its form is known.
Answer = object | Callable[[Form], object]


@dataclass(frozen=True)
class Submitted:
    """`created` is false when an answer had been taken before; `late` as the model says.

    `differs`: that earlier answer stays, though this one said something else. `wants_pause`: its
    author has worked for so long that a pause is to be suggested.
    """

    judgement: Judgement
    created: bool
    late: bool
    differs: bool = False
    wants_pause: bool = False


@dataclass(frozen=True)
class _Seen:
    """The seat that was asked for, and its row of LOOK."""

    seat_id: int
    project_id: int
    task_id: int
    state: str
    is_mine: bool | None
    was_mine: bool
    shown_order: list[int]
    kind: str
    kind_settings: str
    form_version_id: int | None
    held_seat_id: int | None
    judgement_id: int | None
    same_key_id: int | None
    is_gold: bool
    overlap_adapts: bool

    @property
    def form(self) -> Form:
        return Form.read(self.kind, self.kind_settings, self.form_version_id)


def submit_judgement(
    *,
    seat_id: int,
    user: User,
    value: Answer,
    form: int | None = None,
    rationale: str = "",
    flag: str = "",
    seconds_active: float | None = None,
    started_at: datetime | None = None,
    idempotency_key: str = "",
) -> Submitted:
    """Answer the seat. The same idempotency key, or the same answer again, gives the first row.

    `form` is the version that was shown, by default the project's present one: the answer is
    checked under it. Raises InvalidValue, SeatGone, and Http404 for a seat that the user has no
    business with.
    """
    texts = _clean_texts(rationale, flag, idempotency_key)
    seconds = clean_seconds(seconds_active)
    if form is not None:
        form = clean_integer("form", form, low=1, high=BIGINT_MAX)
    while True:
        seen = _look(seat_id, user, idempotency_key, form)
        if seen.same_key_id is not None:
            return _repeated(seen, user, value, texts)
        answer = _clean_value(seen, user, value, rationale)
        if seen.judgement_id is not None:
            return _answered_before(seen.judgement_id, answer, texts)
        parameters = {
            "seat": seat_id,
            "user": user.pk,
            "kind": seen.kind,
            "schema": seen.form.module.SCHEMA_VERSION,
            "form": seen.form_version_id,
            "value": Jsonb(answer),
            "seconds": seconds,
            "started": _clean_started(started_at),
            **texts,
        }
        done = _write(seen, parameters)
        if done is not None:
            if seen.overlap_adapts and not seen.is_gold:
                fit_overlaps(project_id=seen.project_id, task_ids=[seen.task_id])
            return done


def _look(seat_id: int, user: User, key: str, form: int | None) -> _Seen:
    row = None
    if 0 < seat_id <= BIGINT_MAX:
        row = fetch_one(LOOK, {"seat": seat_id, "user": user.pk, "key": key, "form": form})
    if row is None:
        raise Http404("No such seat, or you are not a member of its project.")
    seen = _Seen(seat_id, *row)
    if form is not None and form != seen.form_version_id:
        raise no_form()
    return seen


def _write(seen: _Seen, parameters: dict) -> Submitted | None:
    """One attempt; None when something changed since the look. Raises SeatGone.

    An answer to a hidden item is graded in the same transaction.
    """
    if not (seen.is_mine or seen.was_mine):
        raise SeatGone(
            _(
                "This task was handed back or was never yours, so nothing was saved. "
                "Open the next task and go on there."
            )
        )
    late = not seen.is_mine and seen.state != Seat.State.OPEN
    if not seen.is_mine and seen.held_seat_id is not None:
        # The page is of an earlier lease; meanwhile this person sits at the task again.
        late, parameters = False, {**parameters, "seat": seen.held_seat_id}
    parameters = {**parameters, "late": late}
    try:
        if not seen.is_gold:
            row = fetch_one(ANSWER, parameters)
            return _as_submitted(seen, parameters, row) if row else None
        with transaction.atomic():
            row = fetch_one(ANSWER, parameters)
            done = _as_submitted(seen, parameters, row) if row else None
            if done is not None:
                check_answer(done.judgement)
            return done
    except IntegrityError as error:
        if error.__cause__.diag.constraint_name != "judgement_idempotency":
            raise
        return None  # the key went to another task meanwhile; the next look says so


def _as_submitted(seen: _Seen, parameters: dict, row: tuple) -> Submitted:
    """What a row of ANSWER says was written."""
    late = parameters["late"]
    judgement = Judgement(
        id=row[0],
        submitted_at=row[1],
        simulated=row[2],
        project_id=seen.project_id,
        task_id=seen.task_id,
        seat_id=parameters["seat"],
        annotator_id=parameters["user"],
        source=Judgement.Source.PERSON,
        form_version_id=parameters["form"],
        kind=seen.kind,
        schema_version=parameters["schema"],
        value=parameters["value"].obj,
        rationale=parameters["rationale"],
        flag=parameters["flag"],
        shown_order=seen.shown_order,
        is_gold=seen.is_gold,
        late=late,
        seconds_active=parameters["seconds"],
        started_at=parameters["started"],
        idempotency_key=parameters["key"],
    )
    judgement._state.adding = False
    return Submitted(judgement, created=True, late=late, wants_pause=bool(row[3]))


def _repeated(seen: _Seen, user: User, value: Answer, texts: dict[str, str]) -> Submitted:
    judgement = Judgement.objects.get(pk=seen.same_key_id)
    if judgement.task_id != seen.task_id:
        raise _key_taken()
    clean = partial(_clean_value, seen, user, value, texts["rationale"])
    differs = _differs(clean, texts, judgement)
    return Submitted(judgement, created=False, late=judgement.late, differs=differs)


def _differs(clean: Callable[[], dict], texts: dict[str, str], first: Judgement) -> bool:
    """Whether an answer says something else than the first one, which stays in any case."""
    if (texts["rationale"], texts["flag"]) != (first.rationale, first.flag):
        return True
    try:
        return clean() != first.value
    except InvalidValue:
        return True  # What is wrong with it matters no more.


def _key_taken() -> InvalidValue:
    return InvalidValue(
        "idempotency_key", "was used for another answer; give each one a key of its own"
    )


def _answered_before(judgement_id: int, answer: dict, texts: dict[str, str]) -> Submitted:
    """The first answer, unless this one says something that it does not."""
    judgement = Judgement.objects.get(pk=judgement_id)
    added = {texts["rationale"], texts["flag"]} - {"", judgement.rationale, judgement.flag}
    if judgement.value != answer or added:
        raise SeatGone(
            _(
                "You already answered this task, and differently. To change your answer use undo "
                "(or revise the judgement)."
            )
        )
    return Submitted(judgement, created=False, late=judgement.late)


@transaction.atomic
def revise_judgement(
    *,
    judgement_id: int,
    user: User,
    value: Answer,
    rationale: str = "",
    flag: str = "",
    reason: str = "",
    seconds_active: float | None = None,
    idempotency_key: str = "",
) -> Submitted:
    """Supersede one's own judgement by a new one; the old row stays, the reason is audited.

    The answer is checked under the form that the old one was given under. The same idempotency
    key gives the first row, `differs` if this one said something else. Raises InvalidValue,
    SeatGone (already revised), and Http404 for other people's.
    """
    texts = _clean_texts(rationale, flag, idempotency_key)
    clean_text("reason", reason, max_chars=MAX_FLAG)
    own = Judgement.objects.filter(annotator=user).select_related("project", "form_version")
    old = access.get_in_project(user, own, known_id(judgement_id))
    if old.project.overlap_most is not None:
        # Its seats are fitted below; whoever reviews locks the task before the person, too.
        Task.objects.select_for_update(no_key=True).get(pk=old.task_id)
    handout.lock_person(project_id=old.project_id, user_id=user.pk)
    repeated = own.filter(idempotency_key=idempotency_key).first() if idempotency_key else None
    if repeated is not None and repeated.supersedes_id != old.pk:
        raise _key_taken()
    if repeated is None and Judgement.objects.filter(supersedes=old).exists():
        raise SeatGone(_("This judgement was revised already; revise the newest one."))
    if repeated is None and Review.objects.filter(amended=old).exists():
        raise SeatGone(_("This is an amendment made in review; amend it there."))
    if repeated is None and Review.objects.dismissing().filter(judgement=old).exists():
        raise SeatGone(dismissed())
    form = Form.of_judgement(old)
    if is_arena(form):
        raise SeatGone(stays())

    def clean() -> dict:
        return form.clean_value(
            _raw(value, form),
            task_id=old.task_id,
            response_ids=old.shown_order,
            annotator_id=user.pk,
            rationale=rationale,
            told=told_of(old.value),
        )

    if repeated is not None:
        differs = _differs(clean, texts, repeated)
        return Submitted(repeated, created=False, late=repeated.late, differs=differs)
    answer = clean()
    new = Judgement.objects.create(
        project_id=old.project_id,
        task_id=old.task_id,
        seat_id=old.seat_id,
        form_version=old.form_version,
        kind=old.kind,
        schema_version=form.module.SCHEMA_VERSION,
        value=answer,
        rationale=texts["rationale"],
        flag=texts["flag"],
        idempotency_key=texts["key"],
        source=old.source,
        simulated=user.is_simulated,
        annotator=user,
        shown_order=old.shown_order,
        is_gold=old.is_gold,
        late=old.late,
        seconds_active=clean_seconds(seconds_active),
        supersedes=old,
    )
    if new.is_gold:
        check_answer(new)
    elif old.project.overlap_most is not None:
        fit_overlaps(project_id=old.project_id, task_ids=[old.task_id])
    audit.record(
        action="judgement.revised",
        target=new,
        actor=user,
        project=old.project,
        supersedes=old.pk,
        reason=reason,
    )
    return Submitted(new, created=True, late=new.late)


def stays() -> str:
    """Why a vote of an arena is not changed."""
    return _("After your vote you were told who the models are, so it stays as it is.")


def dismissed() -> str:
    """Why an answer that counts no more is not changed: the new one would count again."""
    return _("A reviewer decided that this answer counts no more, so it stays as it is.")


def _clean_texts(rationale: object, flag: object, key: object) -> dict[str, str]:
    return {
        "rationale": clean_text("rationale", rationale, max_chars=MAX_RATIONALE),
        "flag": clean_text("flag", flag, max_chars=MAX_FLAG),
        "key": clean_text("idempotency_key", key, max_chars=100, lines=False),
    }


def clean_seconds(seconds: object) -> float | None:
    """Seconds of work as they are stored. Raises InvalidValue."""
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


def _clean_value(seen: _Seen, user: User, value: Answer, rationale: str) -> dict:
    form = seen.form
    return form.clean_value(
        _raw(value, form),
        task_id=seen.task_id,
        response_ids=seen.shown_order,
        annotator_id=user.pk,
        rationale=rationale,
        seat_id=seen.seat_id,
    )


def _raw(value: Answer, form: Form) -> object:
    return value(form) if callable(value) else value
