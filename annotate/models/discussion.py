"""What people say to each other about tasks and answers. Append-only, but for what was read."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import pgettext_lazy

from annotate.models.judgement import Judgement
from annotate.models.project import Project
from annotate.models.task import Task


class Note(models.Model):
    """One contribution to a discussion: a text, or that it is resolved or open again.

    A task has a discussion of its own, and each of its answers one: `judgement` is then the first
    that was given, whatever superseded it. Triggers refuse UPDATE, DELETE and TRUNCATE.
    """

    class Deed(models.TextChoices):
        SAID = "said", pgettext_lazy("in a discussion", "Said")
        RESOLVED = "resolved", pgettext_lazy("in a discussion", "Resolved")
        REOPENED = "reopened", pgettext_lazy("in a discussion", "Opened again")

    # Look-ups by task go through note_of_task, by project through note_of_project.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="notes", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="notes", db_index=False)
    judgement = models.ForeignKey(
        Judgement, on_delete=models.PROTECT, related_name="notes", null=True, db_index=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="notes", db_index=False
    )
    deed = models.CharField(max_length=8, choices=Deed.choices, default=Deed.SAID)
    text = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="note_deed_known", condition=Q(deed__in=["said", "resolved", "reopened"])
            ),
            models.CheckConstraint(
                name="note_says_something", condition=~Q(deed="said") | ~Q(text="")
            ),
        ]
        indexes = [
            # The page: the discussions of a task.
            models.Index(fields=["task", "id"], name="note_of_task"),
            # The list of a project's discussions.
            models.Index(fields=["project", "-id"], name="note_of_project"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk} on task {self.task_id}"


class Mention(models.Model):
    """Somebody who is named in a note, and when they read it."""

    note = models.ForeignKey(Note, on_delete=models.PROTECT, related_name="mentions")
    # Look-ups by person go through mention_of_person.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="mentions", db_index=False
    )
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["note", "user"], name="mention_once"),
        ]
        indexes = [
            # One's own list, the newest first.
            models.Index(fields=["user", "-id"], name="mention_of_person"),
            # Every page: how many are unread.
            models.Index(fields=["user"], name="mention_unread", condition=Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.note}"
