"""Tasks whose overlap is to be looked at again."""

from django.db import models

from annotate.models.task import Task


class OverlapDue(models.Model):
    """A task whose answers changed since its seats were last fitted to them.

    Written by a trigger with a judgement (annotate/sql/overlaps.sql), and with a reviewer's
    decision, in projects whose overlap adapts; a row for every change, so that nobody waits for
    anybody. Taken away by annotate/services/work/overlaps.py.
    """

    # Looked up by task once its seats are fitted.
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    def __str__(self) -> str:
        return f"due: task {self.task_id}"
