"""The order in which rows are locked: tasks before their seats."""

from collections.abc import Iterable

from annotate.models import Task


def lock_tasks(task_ids: Iterable[int]) -> None:
    """Call it before the seats of these tasks are locked, if the tasks change too. Fitting seats to
    answers locks in this order (overlaps.py); in the other one the two would wait for each other.
    """
    tasks = Task.objects.filter(pk__in=list(task_ids)).order_by("pk")
    list(tasks.select_for_update(no_key=True).values_list("pk", flat=True))
