"""Making tasks and the seats at them."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from annotate.models import Project, Seat, Task, TaskPlace
from annotate.services.work.cursors import forget_ranks_seen, lower_cursors
from annotate.services.work.requirements import requirements_of

# queue_key = (1000 - priority) | round | place, so that one index holds the project's order.
# Rounds are below 128, so the upper half of the block before a priority's is free for its ranks.
PLACE_BITS = 44
ROUND_BITS = 8
RANKS = 1 << (PLACE_BITS + ROUND_BITS - 1)
DRAWN_BYTES = 64  # for the order of a seat's responses, shared out among them

BATCH = 2000


def queue_key(*, project: Project, priority: int, number: int, task_id: int) -> int:
    """A seat's place in its project's order; smaller is handed out earlier. Pure.

    `in_order` by task id, `random` by a hash of seed and task id, `least_covered` by seat
    number before task id; a higher priority always wins.
    """
    place = task_id
    if project.order == Project.Order.RANDOM:
        drawn = int.from_bytes(_drawn(project.seed, task_id, size=8), "big")
        place = drawn >> (64 - PLACE_BITS)
    covered = number if project.order == Project.Order.LEAST_COVERED else 0
    return ((1000 - priority) << (PLACE_BITS + ROUND_BITS)) | (covered << PLACE_BITS) | place


def ranked_key(*, priority: int, place: int) -> int:
    """The key, on the same scale, of a task that a strategy put at `place` (0, 1 …): behind all of
    higher priority, before the queue of its own. Pure.
    """
    return ((1000 - priority) << (PLACE_BITS + ROUND_BITS)) - RANKS + place


def shown_order(*, project: Project, task_id: int, number: int, responses: list[int]) -> list[int]:
    """The order in which a seat shows its responses: drawn once, from the project's seed."""
    by_id = sorted(responses)
    drawn = _drawn(project.seed, task_id, number, size=DRAWN_BYTES)
    if len(by_id) == 2:  # as below, for what nearly every task is
        half = DRAWN_BYTES // 2
        return by_id if drawn[:half] <= drawn[half:] else by_id[::-1]
    width = DRAWN_BYTES // max(1, len(by_id))
    places = [drawn[width * n : width * (n + 1)] for n in range(len(by_id))]
    return [pk for _, pk in sorted(zip(places, by_id, strict=True))]


def _drawn(*parts: int, size: int) -> bytes:
    """Random-looking bytes that the parts alone decide; far cheaper than seeding a Random."""
    return hashlib.blake2b(":".join(map(str, parts)).encode(), digest_size=size).digest()


@transaction.atomic
def open_seats(*, tasks: Iterable[Task]) -> int:
    """Bring the tasks up to the seats that their overlap asks for; returns how many it added.

    Voided seats are opened again first. Tasks whose route is `ai` get none. After the commit
    everybody's hand-out looks again from the first new seat on (see annotate/handout.py).
    """
    wanted = [task for task in tasks if task.route != Task.Route.AI]
    task_ids = [task.pk for task in wanted]
    reopened = _reopen_void(task_ids)
    there = set(Seat.objects.filter(task__in=task_ids).values_list("task_id", "number"))
    missing = [
        (task, number)
        for task in wanted
        for number in range(task.overlap)
        if (task.pk, number) not in there
    ]
    seats = new_seats(missing)
    _make_due(task_ids)
    for project_id in {seat.project_id for seat in seats}:
        mine = [seat for seat in seats if seat.project_id == project_id]
        lowest = min(seat.queue_key for seat in mine)
        transaction.on_commit(partial(lower_cursors, project_id=project_id, queue_key=lowest))
        if any(seat.ranked_key is not None for seat in mine):
            transaction.on_commit(partial(forget_ranks_seen, project_id=project_id))
    return reopened + len(seats)


def new_seats(missing: Sequence[tuple[Task, int]], *, ranked: bool = True) -> list[Seat]:
    """Make these seats, each a task and a number of its own; nobody is told to look again.

    Not `ranked`: without the places that a strategy gave the tasks, for which this else waits.
    """
    task_ids = list({task.pk for task, _ in missing})
    if not task_ids:
        return []
    responses = _responses_by_task(task_ids)
    places = _places_by_task(task_ids) if ranked else {}
    requirements = requirements_of(task_ids)
    return Seat.objects.bulk_create(
        [
            _new_seat(
                task, number, responses[task.pk], places.get(task.pk), requirements.get(task.pk)
            )
            for task, number in missing
        ],
        batch_size=2000,
    )


def _new_seat(
    task: Task, number: int, responses: list[int], place: int | None, requirement: int | None
) -> Seat:
    project = task.project
    return Seat(
        task=task,
        project=project,
        number=number,
        requirement_id=requirement,
        queue_key=queue_key(
            project=project, priority=task.priority, number=number, task_id=task.pk
        ),
        ranked_key=None if place is None else ranked_key(priority=task.priority, place=place),
        shown_order=shown_order(
            project=project, task_id=task.pk, number=number, responses=responses
        ),
    )


@transaction.atomic
def change_overlap(*, project: Project, old: int, new: int) -> None:
    """Give the tasks that had the old overlap the new one, and fit their seats to it.

    Fewer: open seats are voided, those in somebody's hands stay. More: seats are opened.
    """
    Task.objects.filter(project=project, overlap=old).update(overlap=new)
    if new < old:
        void_surplus(project=project)
        return
    _open_missing(project)


@transaction.atomic
def fix_overlap(*, project: Project) -> None:
    """Give every task that asks people the project's overlap, whatever its answers asked for."""
    seats = Seat.objects.filter(task=OuterRef("pk"))
    Task.objects.filter(Exists(seats), project=project).update(overlap=project.overlap)
    void_surplus(project=project)
    _open_missing(project)


def _open_missing(project: Project) -> None:
    people = Task.objects.filter(project=project, overlap=project.overlap)
    people = people.exclude(route=Task.Route.AI)
    last = 0
    while batch := list(people.filter(pk__gt=last).order_by("pk")[:BATCH]):
        for task in batch:
            task.project = project
        open_seats(tasks=batch)
        last = batch[-1].pk


def void_surplus(*, project: Project) -> int:
    """Void the open seats that the project's tasks do not ask for; returns how many.

    A task whose route is `ai` asks for none. The highest numbers go first.
    """
    with connection.cursor() as cursor:
        cursor.execute(VOID_SURPLUS, [project.pk])
        return cursor.rowcount


@transaction.atomic
def reorder_seats(*, project: Project) -> None:
    """Put the seats that are still to be done in the project's present order.

    Holds their rows until the commit; a hand-out waits for it.
    """
    seats = Seat.objects.filter(project=project, state__in=[Seat.State.OPEN, Seat.State.LEASED])
    last = 0
    while batch := list(
        seats.filter(pk__gt=last)
        .order_by("pk")
        .select_related("task")
        .only("pk", "number", "task__priority")[:BATCH]
    ):
        keys = [
            queue_key(
                project=project,
                priority=seat.task.priority,
                number=seat.number,
                task_id=seat.task_id,
            )
            for seat in batch
        ]
        with connection.cursor() as cursor:
            cursor.execute(SET_QUEUE_KEYS, [[seat.pk for seat in batch], keys])
        last = batch[-1].pk
    transaction.on_commit(partial(lower_cursors, project_id=project.pk, queue_key=0))


VOID_SURPLUS = """
WITH placed AS (
    SELECT seat.id, seat.state,
           count(*) FILTER (WHERE seat.state <> 'void') OVER (PARTITION BY seat.task_id)
               - CASE task.route WHEN 'ai' THEN 0 ELSE task.overlap END AS surplus,
           row_number() OVER (
               PARTITION BY seat.task_id, seat.state ORDER BY seat.number DESC
           ) AS place
    FROM annotate_seat seat JOIN annotate_task task ON task.id = seat.task_id
    WHERE seat.project_id = %s AND NOT seat.is_gold AND seat.number < 1000
)
UPDATE annotate_seat SET state = 'void', reopened_key = NULL
FROM placed
WHERE annotate_seat.id = placed.id AND annotate_seat.state = 'open'
  AND placed.state = 'open' AND placed.place <= placed.surplus
"""

REOPEN_VOID = """
WITH placed AS (
    SELECT seat.id, seat.state,
           task.overlap
               - count(*) FILTER (WHERE seat.state <> 'void') OVER (PARTITION BY seat.task_id)
               AS missing,
           row_number() OVER (
               PARTITION BY seat.task_id, seat.state ORDER BY seat.number
           ) AS place
    FROM annotate_seat seat JOIN annotate_task task ON task.id = seat.task_id
    WHERE seat.task_id = ANY(%s) AND NOT seat.is_gold AND seat.number < 1000
)
UPDATE annotate_seat
SET state = 'open', reopened_key = nextval('annotate_seat_reopened_key')
FROM placed
WHERE annotate_seat.id = placed.id AND annotate_seat.state = 'void'
  AND placed.state = 'void' AND placed.place <= placed.missing
"""

SET_QUEUE_KEYS = """
UPDATE annotate_seat SET queue_key = wanted.queue_key
FROM unnest(%s::bigint[], %s::bigint[]) AS wanted (id, queue_key)
WHERE annotate_seat.id = wanted.id
"""


# Answers that are there count: see annotate/services/work/overlaps.py.
MAKE_DUE = """
INSERT INTO annotate_overlapdue (task_id)
SELECT task.id FROM annotate_task task JOIN annotate_project project ON project.id = task.project_id
WHERE task.id = ANY(%s) AND project.overlap_most IS NOT NULL
  AND EXISTS (SELECT FROM annotate_judgement said WHERE said.task_id = task.id)
"""


def _make_due(task_ids: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE, [task_ids])


def _reopen_void(task_ids: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(REOPEN_VOID, [task_ids])
        return cursor.rowcount


def _responses_by_task(task_ids: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {pk: [] for pk in task_ids}
    places = Task.responses.through.objects.filter(task__in=task_ids).order_by("position")
    for task_id, response_id in places.values_list("task_id", "response_id"):
        found[task_id].append(response_id)
    return found


def _places_by_task(task_ids: list[int]) -> dict[int, int]:
    """Held until the commit: whoever ranks anew waits, and then sees the seats made here."""
    places = TaskPlace.objects.select_for_update(of=("self",)).filter(task__in=task_ids)
    return dict(places.order_by("task_id").values_list("task_id", "place"))
