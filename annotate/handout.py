"""Who gets which seat next: exact, in the project's order, at the same cost at any size.

A hand-out is one statement (`TAKE`). It gives the caller the lease they already have, else
takes an open seat with FOR UPDATE SKIP LOCKED from two lanes: first the seats that came back
(by `reopened_key`), then the queue (by `queue_key`). A seat is no good to a person who sits,
sat, answered late or skipped at its task. Such seats pile up in front of whoever works much:
with an overlap of 2, each task done leaves an open seat behind. So a membership keeps two
cursors; what lies before them has been looked at and is passed over once for each person.

Cursors only save time. A row may appear behind one (a transaction that commits late or rolls
back), therefore nobody hears "nothing left" before a scan without cursors (`TAKE_ANY`).

The membership row is the lock that keeps one person's requests apart. A statement that had to
wait for it sees old data elsewhere; it notices by the row's xmin, does nothing, and is run again.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from typing import NamedTuple, NoReturn

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import F

from annotate import access, handout_sql
from annotate.inputs import BIGINT_MAX
from annotate.models import Membership, Project, Seat, User
from annotate.statements import fetch_one

LEASES_PER_PERSON = 2
# A scan that found nothing is not repeated for the same person within this many times its length.
SCAN_REST = 20
_scanned: dict[tuple[int, int], float] = {}


@dataclass(frozen=True)
class Lease:
    """A seat in somebody's hands, with all that the work page shows. No generator names.

    `responses` are {"id", "content"} in the order they are to be shown; `prompt` is
    {"system", "conversation", "language"}; `draft` is what the person saved, or None.
    """

    seat_id: int
    task_id: int
    project_id: int
    leased_until: datetime
    kind: str
    kind_settings: dict
    prompt: dict
    responses: list[dict]
    draft: object | None


def lease_seat(*, project: Project, user: User, beside: int | None = None) -> Lease | None:
    """The seat this person works at next, leased to them; None when there is none for them.

    Asking again gives the same seat, its lease renewed if it was half over. `beside` is the id
    of the seat being worked at: then a second one is leased ahead (two at most).
    Raises Http404 for strangers, PermissionDenied for a superuser who is no member.
    """
    return lease_by_ids(project_id=project.pk, user=user, beside=beside)


def lease_by_ids(*, project_id: int, user: User, beside: int | None = None) -> Lease | None:
    """`lease_seat` for a caller that has not read the project."""
    if not 0 < project_id <= BIGINT_MAX:
        access.get_project(user, 0)
    ids = {"project": project_id, "user": user.pk, "beside": beside}
    widths = chain(handout_sql.TAKES, repeat(handout_sql.TAKES[-1]))
    found = Found(None, searched=True, more=True)
    while found.lease is None and found.more:
        found = _take(next(widths), ids, user)
    if found.lease is None and found.searched:
        return _take_any(ids, user)
    return found.lease


class Found(NamedTuple):
    """What a statement found; `searched` is false where the person may not have another seat."""

    lease: Lease | None
    searched: bool
    more: bool


def _take(statement: str, ids: dict, user: User) -> Found:
    """Run a statement, again if another request of the same person came between."""
    while True:
        row = fetch_one(statement, ids)
        if row is None:
            _refuse(user, ids["project"])
        interfered, searched, more, *columns = row
        if not interfered:
            lease = None if columns[0] is None else _as_lease(ids["project"], columns)
            return Found(lease, searched, more)


def _as_lease(project_id: int, columns: list) -> Lease:
    seat_id, task_id, until, kind, kind_settings, prompt, responses, draft = columns
    return Lease(
        seat_id=seat_id,
        task_id=task_id,
        project_id=project_id,
        leased_until=until,
        kind=kind,
        kind_settings=json.loads(kind_settings),
        prompt=json.loads(prompt),
        responses=json.loads(responses),
        draft=None if draft is None else json.loads(draft),
    )


def _refuse(user: User, project_id: int) -> NoReturn:
    access.get_project(user, project_id)
    raise PermissionDenied("Only members get tasks; add yourself to the project first.")


def _take_any(ids: dict, user: User) -> Lease | None:
    """Reopen what has run out, then scan without cursors.

    Somebody who asks again and again when all is done would repeat the scan of all that is not
    for them, so a scan that found nothing counts for a while, in this process. What is added or
    comes back meanwhile is found by the cursors.
    """
    person = (ids["project"], ids["user"])
    if time.monotonic() < _scanned.get(person, 0):
        return None
    reopen_expired(limit=1000, project_id=ids["project"])
    began = time.monotonic()
    found = _take(handout_sql.TAKE_ANY, ids, user)
    ended = time.monotonic()
    if found.lease is None and found.searched:
        if len(_scanned) > 10_000:
            _scanned.clear()
        _scanned[person] = ended + SCAN_REST * (ended - began)
    else:
        _scanned.pop(person, None)
    return found.lease


def reopen_expired(limit: int, project_id: int | None = None) -> int:
    """Give back the seats whose lease ran out, oldest first; returns how many.

    Their holders may still submit (`former_holders`). Passes over rows that are locked.
    """
    with connection.cursor() as cursor:
        cursor.execute(handout_sql.REOPEN_EXPIRED, {"limit": limit, "project": project_id})
        return cursor.rowcount


@transaction.atomic
def release_all(*, project: Project, user: User) -> int:
    """Give back every seat this person holds in the project; returns how many."""
    lock_person(project_id=project.pk, user_id=user.pk)
    with connection.cursor() as cursor:
        cursor.execute(handout_sql.RELEASE_ALL, {"project": project.pk, "user": user.pk})
        return cursor.rowcount


def release(seat: Seat) -> None:
    """Give back one seat. The caller holds the person's lock."""
    with connection.cursor() as cursor:
        cursor.execute(handout_sql.RELEASE_ONE, {"seat": seat.pk, "user": seat.annotator_id})


def lock_person(*, project_id: int, user_id: int) -> Membership | None:
    """Lock the membership until the transaction ends, before any seat is touched.

    Writes to it, so that hand-outs of the same person that wait for the lock look again.
    """
    memberships = Membership.objects.filter(project=project_id, user=user_id)
    memberships.update(reopened_cursor=F("reopened_cursor"))
    return memberships.first()
