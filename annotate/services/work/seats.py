"""What else one does with a seat: skip, renew, hand back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext as _

from annotate import handout
from annotate.inputs import BIGINT_MAX, clean_choice, clean_text
from annotate.models import Draft, Judgement, Membership, Seat, Skip, User
from annotate.reports.held import held_back

MAX_NOTE = 5_000


class SeatGone(Exception):
    """The page is stale: the seat is no longer (or never was) this person's to answer."""


@transaction.atomic
def skip_seat(*, seat_id: int, user: User, reason: str, note: str = "") -> Skip:
    """Decline the task for good: the seat goes to somebody else, first of all.

    Skipping again gives the first row. Raises InvalidValue, SeatGone, Http404.
    """
    reason = clean_choice("reason", reason, Skip.Reason.values)
    clean_text("note", note, max_chars=MAX_NOTE)
    seat = _get_seat(seat_id, user)
    skip = Skip.objects.filter(task_id=seat.task_id, annotator=user).first()
    if skip is not None:
        return skip
    if Judgement.objects.filter(task_id=seat.task_id, annotator=user).exists():
        raise SeatGone(_("You already answered this task. To change your answer use undo."))
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
            _(
                "Your lease of this task is over and it cannot be renewed. What you submit is "
                "still kept if the task was yours; else open the next task."
            )
        )
    now = timezone.now()
    if not sits_here and held_back(seat.project_id, user) is not None:
        raise SeatGone(
            _("You get no further task in this project just now, so this one is not yours again.")
        )
    if not sits_here:
        seat.state, seat.annotator, seat.leased_at, seat.reopened_key = "leased", user, now, None
        person = Membership.objects.get(project=seat.project_id, user=user)
        person.held_seats = [*person.held_seats, seat.pk]
        person.save(update_fields=["held_seats"])
    until = now + timedelta(seconds=seat.project.lease_seconds)
    # A seat of norming is leased for good.
    seat.leased_until = max(until, seat.leased_until or until) if sits_here else until
    seat.save(update_fields=["state", "annotator", "leased_at", "leased_until", "reopened_key"])
    return seat.leased_until


@transaction.atomic
def release_seat(*, seat_id: int, user: User) -> None:
    """Hand the seat back unanswered; a draft stays. What is not held any more is no error.

    Raises Http404.
    """
    seat = _get_seat(seat_id, user)
    if seat.number >= Seat.NORMING:
        return  # it is nobody else's: its person does it, skips it, or the session ends
    if seat.annotator_id == user.pk and seat.state == Seat.State.LEASED:
        handout.release(seat)


def held_seat(*, seat_id: int, user: User) -> Seat:
    """The seat of somebody who is at it (or was, and may still answer), locked after the person.

    Call it inside a transaction. Raises SeatGone, Http404.
    """
    seat = _get_seat(seat_id, user)
    _require_held(seat, user)
    return seat


def _get_seat(seat_id: int, user: User) -> Seat:
    """The seat, locked after the person. Raises Http404 for strangers and archived projects."""
    seats = Seat.objects.filter(pk=known_id(seat_id), project__archived_at=None)
    project_id = seats.values_list("project_id", flat=True).first()
    if project_id is None or not handout.lock_person(project_id=project_id, user_id=user.pk):
        raise Http404("No such seat, or you are not a member of its project.")
    return seats.select_related("project").select_for_update(of=["self"]).get()


def _require_held(seat: Seat, user: User) -> None:
    holds = seat.annotator_id == user.pk and seat.state == Seat.State.LEASED
    if not holds and user.pk not in seat.former_holders:
        raise SeatGone(
            _(
                "This task is not in your hands: it was answered, handed back or never yours. "
                "Open the next task and go on there."
            )
        )


def known_id(pk: int) -> int:
    """The id, or 0 for what can be none."""
    return pk if 0 < pk <= BIGINT_MAX else 0
