"""Norming: a few tasks that chosen people all judge, to see who understands them otherwise."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotate.models.project import Project
from annotate.models.task import Seat, Task


class NormingSession(models.Model):
    """Chosen tasks and people. It ends once: what is not judged by then is not asked any more."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="norming_sessions")
    name = models.CharField(max_length=200)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="norming_name_given", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


class NormingSeat(models.Model):
    """One person's seat at one task of a session: never handed to anybody else.

    What is answered there, and what supersedes that, is norming: it stays out of exports, of
    reports on quality and of leaderboards unless asked for.
    """

    # Look-ups by session go through norming_seat_once, by project through norming_next.
    session = models.ForeignKey(
        NormingSession, on_delete=models.PROTECT, related_name="seats", db_index=False
    )
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    seat = models.OneToOneField(Seat, on_delete=models.PROTECT, related_name="norming")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", db_index=False)
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["session", "task", "annotator"], name="norming_seat_once"
            ),
        ]
        indexes = [
            # The work page: what this person is to judge first.
            models.Index(fields=["annotator", "project", "id"], name="norming_next"),
        ]

    def __str__(self) -> str:
        return f"norming of {self.annotator_id} at {self.task_id}"
