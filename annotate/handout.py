"""Who gets which seat next: exact, in the project's order, at the same cost at any size.

A hand-out is one call of a database function (annotate/sql/handout.sql). It gives the caller
the lease they already have, else takes an open seat with FOR UPDATE SKIP LOCKED from three lanes:
first the seats that came back (by `reopened_key`), then by priority those that a strategy ranked
(by `ranked_key`; see annotate/services/work/places.py) and the queue (by `queue_key`). A seat is no
good to a person who sits, sat, answered late or skipped at its task. Such seats pile up in front
of whoever works much: with an overlap of 2, each task done leaves an open seat behind. So a
membership keeps a cursor for each lane; what lies before it is passed over once for each person.
A new ranking sets back the cursor of its own lane alone: who has done 100,000 tasks passes over
the ranked ones anew, not over all that they did.

Cursors only save time. A row may appear behind one (a transaction that commits late or rolls
back), therefore nobody hears "nothing left" before a scan without cursors.

The membership row is the lock that keeps one person's requests apart; it is always taken before
any seat. Its `held_seats` tell where to look for leases, without an index that every hand-out
would have to keep.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from annotate import access
from annotate.inputs import BIGINT_MAX
from annotate.models import Membership, Project, Seat, User
from annotate.statements import fetch_one

# A search that found nothing is not repeated for a person within this many times its length.
SEARCH_REST = 20
_searched_until: dict[tuple[int, int], float] = {}

LEASE_SEAT = """
SELECT outcome, seat_id, task_id, leased_until, kind, kind_settings, form_version, prompt,
       context, responses, draft
FROM tandem_lease_seat(%(project)s::bigint, %(user)s::bigint, %(beside)s::bigint, %(everywhere)s)
"""
REOPEN = """
UPDATE annotate_seat
SET state = CASE WHEN is_gold OR number >= 1000 THEN 'void' ELSE 'open' END, annotator_id = NULL,
    leased_at = NULL, leased_until = NULL,
    reopened_key = CASE WHEN NOT is_gold AND number < 1000
                        THEN nextval('annotate_seat_reopened_key') END
"""
RELEASE_ONE = REOPEN + "WHERE id = %(seat)s AND state = 'leased' AND annotator_id = %(user)s"
RELEASE_ALL = (
    REOPEN + "WHERE project_id = %(project)s AND state = 'leased' AND annotator_id = %(user)s"
)
# Materialized: as a plain sub-select the planner may run it once a row, and then the limit
# holds for each run alone.
REOPEN_EXPIRED = """
WITH expired AS MATERIALIZED (
    SELECT id FROM annotate_seat
    WHERE state = 'leased' AND leased_until < statement_timestamp() AND NOT is_gold
      AND (%(project)s::bigint IS NULL OR project_id = %(project)s)
    ORDER BY leased_until LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED)
UPDATE annotate_seat
SET state = 'open', leased_at = NULL, leased_until = NULL,
    reopened_key = nextval('annotate_seat_reopened_key'),
    former_holders = array_append(array_remove(former_holders, annotator_id::bigint),
                                  annotator_id::bigint),
    annotator_id = NULL
FROM expired WHERE annotate_seat.id = expired.id
"""


class Unasked(PermissionDenied):
    """The person has yet to agree to the project's text, or to pass its questions."""


@dataclass(frozen=True)
class Lease:
    """A seat in somebody's hands, with all that the work page shows. No generator names.

    `responses` are {"id", "content"} in the order they are to be shown; `prompt` is
    {"system", "conversation", "language", "passages"}; `context` is what the task says beside
    it; `draft` is what the person saved, or None. `form_version` is the id of the version that
    kind and settings are of; None where a project was made without one.
    """

    seat_id: int
    task_id: int
    project_id: int
    leased_until: datetime
    kind: str
    kind_settings: dict
    form_version: int | None
    prompt: dict
    context: dict
    responses: list[dict]
    draft: object | None


def lease_seat(*, project: Project, user: User, beside: int | None = None) -> Lease | None:
    """The seat this person works at next, leased to them; None when there is none for them.

    Asking again gives the same seat, its lease renewed if it was half over. `beside` is the id
    of the seat being worked at: then a second one is leased ahead (two at most).
    Raises Http404 for strangers, PermissionDenied for a superuser who is no member, Unasked.
    """
    return lease_by_ids(project_id=project.pk, user=user, beside=beside)


def lease_by_ids(*, project_id: int, user: User, beside: int | None = None) -> Lease | None:
    """`lease_seat` for a caller that has not read the project."""
    if not 0 < project_id <= BIGINT_MAX:
        access.get_project(user, 0)
    lease, searched = _lease(project_id, user, beside, everywhere=False)
    if lease is None and searched:
        return _search_everywhere(project_id, user, beside)
    return lease


def _lease(
    project_id: int, user: User, beside: int | None, *, everywhere: bool
) -> tuple[Lease | None, bool]:
    """One call: the lease, and whether a seat was looked for in vain."""
    outcome, *columns = fetch_one(
        LEASE_SEAT,
        {
            "project": project_id,
            "user": user.pk,
            "beside": beside,
            "everywhere": everywhere,
        },
    )
    if outcome == "stranger":
        _refuse(user, project_id)
    if outcome == "unasked":
        raise Unasked(
            _("Before your first task you are asked to read and answer what this project asks you.")
        )
    lease = _as_lease(project_id, columns) if outcome == "leased" else None
    return lease, outcome == "none"


def _as_lease(project_id: int, columns: list) -> Lease:
    seat_id, task_id, until, kind, kind_settings, version, prompt, context, responses, draft = (
        columns
    )
    return Lease(
        seat_id=seat_id,
        task_id=task_id,
        project_id=project_id,
        leased_until=until,
        kind=kind,
        kind_settings=json.loads(kind_settings),
        form_version=version,
        prompt=json.loads(prompt),
        context=json.loads(context),
        responses=json.loads(responses or "[]"),
        draft=None if draft is None else json.loads(draft),
    )


def _refuse(user: User, project_id: int) -> NoReturn:
    access.get_project(user, project_id)
    raise PermissionDenied("Only members get tasks; add yourself to the project first.")


def _search_everywhere(project_id: int, user: User, beside: int | None) -> Lease | None:
    """Reopen what has run out, then search without cursors.

    Somebody who asks again and again when all is done would repeat the search of all that is
    not for them, so a search that found nothing counts for a while, in this process. What is
    added or comes back meanwhile is found by the cursors.
    """
    person = (project_id, user.pk)
    if time.monotonic() < _searched_until.get(person, 0):
        return None
    reopen_expired(limit=1000, project_id=project_id)
    began = time.monotonic()
    lease, searched = _lease(project_id, user, beside, everywhere=True)
    ended = time.monotonic()
    if searched:
        if len(_searched_until) > 10_000:
            _searched_until.clear()
        _searched_until[person] = ended + SEARCH_REST * (ended - began)
    return lease


def reopen_expired(limit: int, project_id: int | None = None) -> int:
    """Give back the seats whose lease ran out, oldest first; returns how many.

    Their holders may still submit (`former_holders`). Passes over rows that are locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(REOPEN_EXPIRED, {"limit": limit, "project": project_id})
        return cursor.rowcount


@transaction.atomic
def release_all(*, project: Project, user: User) -> int:
    """Give back every seat this person holds in the project; returns how many."""
    lock_person(project_id=project.pk, user_id=user.pk)
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_ALL, {"project": project.pk, "user": user.pk})
        return cursor.rowcount


def release(seat: Seat) -> None:
    """Give back one seat. The caller holds the person's lock."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE_ONE, {"seat": seat.pk, "user": seat.annotator_id})


def lock_person(*, project_id: int, user_id: int) -> Membership | None:
    """Lock the membership until the transaction ends, before any seat is touched."""
    memberships = Membership.objects.filter(project=project_id, user=user_id)
    return memberships.select_for_update(no_key=True).first()
