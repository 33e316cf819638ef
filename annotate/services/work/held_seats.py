"""Seats that somebody holds and does not come back to: managers give them to others at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection, transaction

from annotate.inputs import InvalidValue
from annotate.models import Membership, Project, Seat, User
from annotate.services import audit

# Their holders may still submit what they are at, as after a lease that ran out.
GIVE_BACK = """
UPDATE annotate_seat
SET state = 'open', leased_at = NULL, leased_until = NULL,
    reopened_key = nextval('annotate_seat_reopened_key'),
    former_holders = array_append(array_remove(former_holders, annotator_id::bigint),
                                  annotator_id::bigint),
    annotator_id = NULL
WHERE id = ANY(%(seats)s) AND project_id = %(project)s AND state = 'leased' AND NOT is_gold
  AND number < %(norming)s
RETURNING id
"""


@dataclass(frozen=True)
class Released:
    """`released` is false for a seat that nobody held, a hidden check, or one of norming."""

    seat: Seat
    released: bool


@transaction.atomic
def release_seats(
    *, project: Project, seat_ids: Sequence[int], actor: User, address: str | None = None
) -> list[Released]:
    """In the order of the ids. What is not held any more is no error, so twice is as once.

    Raises InvalidValue for ids that are of no seat in the project: then none is released.
    """
    seats = Seat.objects.filter(project=project, pk__in=seat_ids)
    holders = set(seats.filter(state=Seat.State.LEASED).values_list("annotator_id", flat=True))
    members = Membership.objects.filter(project=project, user__in=holders).order_by("user")
    list(members.select_for_update(no_key=True))  # people before seats, as whoever hands out
    rows = {row.pk: row for row in seats.order_by("pk").select_for_update()}
    unknown = [place for place, pk in enumerate(seat_ids) if pk not in rows]
    if unknown:
        raise InvalidValue(f"items.{unknown[0]}.id", "is of nothing in this project")
    with connection.cursor() as cursor:
        values = {"seats": list(rows), "project": project.pk, "norming": Seat.NORMING}
        cursor.execute(GIVE_BACK, values)
        given = {row[0] for row in cursor.fetchall()}
    if given:
        audit.record(
            action="seats.released",
            target=project,
            actor=actor,
            project=project,
            address=address,
            rows=len(given),
            people=len({rows[pk].annotator_id for pk in given}),
        )
    after = {row.pk: row for row in Seat.objects.filter(pk__in=rows).select_related("annotator")}
    return [Released(after[pk], pk in given) for pk in seat_ids]
