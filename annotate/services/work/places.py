"""Putting chosen tasks first: a place for each, and the keys of their open seats.

Seats are written a few at a time and only where nobody holds them, so that a hand-out never waits:
it passes over what is being written, and looks again once all is there.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from annotate.models import Project, TaskPlace
from annotate.services.work.cursors import forget_ranks_seen
from annotate.services.work.tasks import PLACE_BITS, RANKS, ROUND_BITS

AT_ONCE = 200  # tasks whose seats are held at a time
TRIES = 5  # at seats that somebody held
PAUSE = 0.1  # seconds


@dataclass(frozen=True)
class Place:
    """One chosen task; `score` is the strategy's, None where the task was drawn by chance.
    `reasons` are the strategy's too, as JSON can hold them.
    """

    task_id: int
    score: float | None = None
    reasons: Sequence[Any] = ()


def put_first(
    *,
    project: Project,
    places: Sequence[Place],
    provided: Callable[[], bool] = lambda: True,
    between: Callable[[], object] = lambda: None,
) -> int | None:
    """Put these tasks, in this order, before all others of their priority; every other task of the
    project loses its place. Returns how many seats changed theirs; the same places again: 0. None,
    and nothing is changed, unless `provided()` holds once the project is locked. `between()` is
    called after each AT_ONCE tasks, so that a job can say that it is alive.

    Seats in somebody's hands keep what they have and stay out of it when they come back, for they
    are then handed out before all others. Not to be called within a transaction.
    """
    touched = _write_places(project, places, provided)
    if touched is None:
        return None
    task_ids = sorted(touched)
    changed = 0
    for start in range(0, len(task_ids), AT_ONCE):
        changed += _write_keys(task_ids[start : start + AT_ONCE])
        between()
    for _ in range(TRIES):
        left = _outdated(task_ids)
        if not left:
            break
        time.sleep(PAUSE)
        changed += _write_keys(left)
    forget_ranks_seen(project_id=project.pk)
    return changed


def clear_places(*, project: Project) -> int:
    """Back to the project's own order. Returns how many seats changed theirs."""
    return put_first(project=project, places=[]) or 0


@transaction.atomic
def _write_places(
    project: Project, places: Sequence[Place], provided: Callable[[], bool]
) -> set[int] | None:
    """The tasks that had a place or have one now. Waits for whoever opens seats at such a task."""
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    if not provided():
        return None
    there = TaskPlace.objects.select_for_update(of=("self",)).filter(project=project)
    old = set(there.order_by("task_id").values_list("task_id", flat=True))
    new = {one.task_id for one in places}
    there.filter(task__in=old - new).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE_PLACES,
            [
                project.pk,
                [one.task_id for one in places],
                [one.score for one in places],
                [json.dumps(one.reasons) for one in places],
            ],
        )
    return old | new


WRITE_PLACES = """
INSERT INTO annotate_taskplace AS there (task_id, project_id, place, score, reasons)
SELECT wanted.task_id, %s, wanted.place - 1, wanted.score, wanted.reasons::jsonb
FROM unnest(%s::bigint[], %s::float8[], %s::text[])
    WITH ORDINALITY AS wanted (task_id, score, reasons, place)
ON CONFLICT (task_id) DO UPDATE
SET place = excluded.place, score = excluded.score, reasons = excluded.reasons
WHERE (there.place, there.score, there.reasons)
    IS DISTINCT FROM (excluded.place, excluded.score, excluded.reasons)
"""
WANTED = f"""
    SELECT seat.id,
           ((1000 - task.priority)::bigint << {PLACE_BITS + ROUND_BITS}) - {RANKS} + chosen.place
               AS ranked_key
    FROM annotate_seat seat
    JOIN annotate_task task ON task.id = seat.task_id
    LEFT JOIN annotate_taskplace chosen ON chosen.task_id = seat.task_id
    WHERE seat.task_id = ANY(%s) AND seat.state IN ('open', 'void')
"""
WRITE_KEYS = f"""
WITH wanted AS MATERIALIZED ({WANTED} ORDER BY seat.id FOR NO KEY UPDATE OF seat SKIP LOCKED)
UPDATE annotate_seat SET ranked_key = wanted.ranked_key
FROM wanted
WHERE annotate_seat.id = wanted.id
  AND annotate_seat.ranked_key IS DISTINCT FROM wanted.ranked_key
"""
OUTDATED = f"""
SELECT DISTINCT seat.task_id FROM ({WANTED}) wanted JOIN annotate_seat seat ON seat.id = wanted.id
WHERE seat.ranked_key IS DISTINCT FROM wanted.ranked_key
"""


def _write_keys(task_ids: Sequence[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(WRITE_KEYS, [list(task_ids)])
        return cursor.rowcount


def _outdated(task_ids: Sequence[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(OUTDATED, [list(task_ids)])
        return [task_id for (task_id,) in cursor.fetchall()]
