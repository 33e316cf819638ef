"""Tasks whose overlap is to be looked at again."""

from django.db import models

from annotate.models.task import Task


class OverlapDue(models.Model):
    """A task that got an answer since its seats were last fitted to its answers.

    Written by a trigger, with the judgement (annotate/sql/overlaps.sql), in projects whose overlap
    adapts; a row for every change, so that nobody waits for anybody. Taken away by
    annotate/services/work/overlaps.py.
    """

    # Looked up by task once its seats are fitted.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    def __str__(self) -> str:
        return f"due: task {self.task_id}"
