"""Adaptive overlap: seats follow what people said, one more where they differ, none where it is
clear.

A judgement makes its task due, in its own transaction (annotate/sql/overlaps.sql). Whoever
submitted it fits the task's seats right after; a worker fits what is left, such as tasks that an
import labelled, or what a process that was killed left behind. Fitting twice changes nothing.

No task gets a person too many: its row is locked while its seats are fitted, and seats are read
before answers. A seat that is answered in between then counts twice, for a moment, and never not
at all; that answer's own row makes the task due again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from annotate.assignment.answers import further
from annotate.assignment.overlap import Overlap
from annotate.models import OverlapDue, Project, Seat, Task
from annotate.services.review.task_answers import Answered, answers_of
from annotate.services.work.tasks import new_seats

AT_ONCE = 200  # tasks fitted in one transaction
SWEPT = 5_000  # tasks that one sweep fits


def overlap_of(project: Project) -> Overlap | None:
    """None where it is fixed."""
    if project.overlap_most is None:
        return None
    return Overlap(project.overlap, project.overlap_most, project.overlap_threshold)


@dataclass
class _At:
    """What is known of one task."""

    task: Task
    open: list[int] = field(default_factory=list)
    void: list[int] = field(default_factory=list)
    leased: int = 0
    done: int = 0
    numbers: int = 0


@transaction.atomic
def fit_overlaps(*, project_id: int, task_ids: Iterable[int]) -> int:
    """Bring the tasks' seats to what their answers ask for; returns how many seats that opened or
    closed. Tasks that never asked people, and those of judges alone, get none.

    Locks the tasks, then their open seats. Six queries, and two more where seats are made.
    """
    project = Project.objects.get(pk=project_id)
    ids = sorted(set(task_ids))
    locked = Task.objects.select_for_update(no_key=True).filter(pk__in=ids, project=project)
    at = {task.pk: _At(task) for task in locked.order_by("pk")}
    for task in (one.task for one in at.values()):
        task.project = project
    OverlapDue.objects.filter(task__in=ids).delete()
    overlap = overlap_of(project)
    if overlap is None:
        return 0
    _read_seats(at)
    answered = answers_of(project, list(at))
    return _change(overlap, [(one, answered[pk]) for pk, one in at.items() if one.numbers])


def _read_seats(at: dict[int, _At]) -> None:
    ordinary = {"is_gold": False, "number__lt": Seat.NORMING}
    seats = Seat.objects.filter(task__in=list(at), **ordinary).order_by("number")
    for pk, task_id, number, state in seats.values_list("pk", "task_id", "number", "state"):
        one = at[task_id]
        one.numbers = max(one.numbers, number + 1)
        if state == Seat.State.OPEN:
            one.open.append(pk)
        elif state == Seat.State.VOID:
            one.void.append(pk)
        else:
            one.leased += state == Seat.State.LEASED
            one.done += state == Seat.State.DONE


def _change(overlap: Overlap, tasks: Sequence[tuple[_At, Answered]]) -> int:
    close: list[int] = []
    reopen: list[int] = []
    make: list[tuple[Task, int]] = []
    moved: list[Task] = []
    for one, said in tasks:
        wanted = 0
        if one.task.route != Task.Route.AI:
            wanted = further(overlap, said.answers, len(said.responses))
        pending = len(one.open) + one.leased
        closed = one.open[::-1][: max(0, pending - wanted)]
        missing = max(0, wanted - pending)
        again = one.void[:missing]
        new = [(one.task, one.numbers + extra) for extra in range(missing - len(again))]
        close, reopen, make = close + closed, reopen + again, make + new
        there = one.done + pending - len(closed) + missing
        if one.task.overlap != there:
            one.task.overlap = there
            moved.append(one.task)
    changed = _close(close) + _reopen(reopen)
    seats = new_seats(make, ranked=False)
    _find_first([seat.pk for seat in seats])
    Task.objects.bulk_update(moved, ["overlap"], batch_size=1000)
    return changed + len(seats)


def _close(seat_ids: list[int]) -> int:
    """Those that somebody took meanwhile stay theirs."""
    rows = Seat.objects.filter(pk__in=seat_ids, state=Seat.State.OPEN)
    return rows.update(state=Seat.State.VOID, reopened_key=None) if seat_ids else 0


def _reopen(seat_ids: list[int]) -> int:
    if not seat_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(REOPEN, [seat_ids])
        return cursor.rowcount


REOPEN = """
UPDATE annotate_seat
SET state = 'open', reopened_key = nextval('annotate_seat_reopened_key')
WHERE id = ANY(%s) AND state = 'void'
"""


def _find_first(seat_ids: list[int]) -> None:
    """Put new seats behind those that came back, where everybody's hand-out looks first: no cursor
    is set back for them.
    """
    if seat_ids:
        with connection.cursor() as cursor:
            cursor.execute(FIND_FIRST, [seat_ids])


FIND_FIRST = """
UPDATE annotate_seat SET reopened_key = nextval('annotate_seat_reopened_key') WHERE id = ANY(%s)
"""


def fit_all(*, project: Project) -> None:
    """Make every task of the project that asks people due, after a change of its overlap. Call it
    within the transaction of that change; workers do the rest.
    """
    with connection.cursor() as cursor:
        cursor.execute(MAKE_DUE, [project.pk])


MAKE_DUE = """
INSERT INTO annotate_overlapdue (task_id)
SELECT t.id FROM annotate_task t
WHERE t.project_id = %s AND EXISTS (SELECT FROM annotate_seat s WHERE s.task_id = t.id)
"""


def fit_due(limit: int = SWEPT) -> int:
    """Fit tasks that are due, the oldest first; returns how many. For workers."""
    rows = OverlapDue.objects.order_by("pk").values_list("task_id", flat=True)[:limit]
    due = list(dict.fromkeys(rows))
    by_project: dict[int, list[int]] = {}
    for pk, project_id in Task.objects.filter(pk__in=due).values_list("pk", "project_id"):
        by_project.setdefault(project_id, []).append(pk)
    for project_id, ids in by_project.items():
        for start in range(0, len(ids), AT_ONCE):
            fit_overlaps(project_id=project_id, task_ids=ids[start : start + AT_ONCE])
    return len(due)
