"""Making tasks and the seats at them."""

import random
from collections.abc import Iterable

from django.db import connection, transaction

from annotate.models import Project, Seat, Task

# queue_key = (1000 - priority) | round | place, so that one index holds the project's order.
PLACE_BITS = 44
ROUND_BITS = 8


def queue_key(*, project: Project, priority: int, number: int, task_id: int) -> int:
    """A seat's place in its project's order; smaller is handed out earlier. Pure.

    `in_order` by task id, `random` by a hash of seed and task id, `least_covered` by seat
    number before task id; a higher priority always wins.
    """
    place = task_id
    if project.order == Project.Order.RANDOM:
        place = random.Random(f"{project.seed}:{task_id}").getrandbits(PLACE_BITS)
    covered = number if project.order == Project.Order.LEAST_COVERED else 0
    return ((1000 - priority) << (PLACE_BITS + ROUND_BITS)) | (covered << PLACE_BITS) | place


def shown_order(*, project: Project, task_id: int, number: int, responses: list[int]) -> list[int]:
    """The order in which a seat shows its responses: drawn once, from the project's seed."""
    order = sorted(responses)
    random.Random(f"{project.seed}:{task_id}:{number}").shuffle(order)
    return order


@transaction.atomic
def open_seats(*, tasks: Iterable[Task]) -> int:
    """Make every seat that the tasks' overlap asks for and that is not there; returns how many.

    Tasks whose route is `ai` get none. Also lowers the hand-out cursors of people who have
    already looked past the new seats (see annotate/handout.py).
    """
    wanted = [task for task in tasks if task.route != Task.Route.AI]
    responses = _responses_by_task([task.pk for task in wanted])
    there = set(Seat.objects.filter(task__in=wanted).values_list("task_id", "number"))
    seats = [
        Seat(
            task=task,
            project=task.project,
            number=number,
            queue_key=queue_key(
                project=task.project, priority=task.priority, number=number, task_id=task.pk
            ),
            shown_order=shown_order(
                project=task.project,
                task_id=task.pk,
                number=number,
                responses=responses[task.pk],
            ),
        )
        for task in wanted
        for number in range(task.overlap)
        if (task.pk, number) not in there
    ]
    Seat.objects.bulk_create(seats, batch_size=2000)
    for project_id in {seat.project_id for seat in seats}:
        lowest = min(seat.queue_key for seat in seats if seat.project_id == project_id)
        lower_cursors(project_id=project_id, queue_key=lowest)
    return len(seats)


def lower_cursors(*, project_id: int, queue_key: int) -> None:
    """Make every hand-out of the project look again from just before `queue_key`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotate_membership SET queue_cursor = %s"
            " WHERE project_id = %s AND queue_cursor > %s",
            [queue_key - 1, project_id, queue_key - 1],
        )


def _responses_by_task(task_ids: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {pk: [] for pk in task_ids}
    places = Task.responses.through.objects.filter(task__in=task_ids).order_by("position")
    for task_id, response_id in places.values_list("task_id", "response_id"):
        found[task_id].append(response_id)
    return found
