"""Who may be given a task: what it requires, and whose own text it holds."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from annotate.models.project import Project
from annotate.models.task import Task


class Requirement(models.Model):
    """What seats of a project require of whoever takes them: a language, skills, a tier.

    A seat names the one that is its task's, so that a hand-out compares ids and reads no task.
    Written by annotate/services/work/requirements.py; tasks that require nothing have none.
    """

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="requirements", db_index=False
    )
    language = models.CharField(max_length=35, blank=True, help_text="BCP 47, in small letters.")
    skills = ArrayField(models.CharField(max_length=40), default=list, help_text="All of them.")
    tier = models.CharField(max_length=8, default="", db_default="", blank=True)

    class Meta:
        constraints = [
            # Hand-out: those of a project.
            models.UniqueConstraint(
                fields=["project", "language", "skills", "tier"], name="requirement_unique"
            ),
            models.CheckConstraint(
                name="requirement_of_something",
                condition=~models.Q(language="", skills__len=0, tier=""),
            ),
            models.CheckConstraint(
                name="requirement_tier_known", condition=models.Q(tier__in=["", "expert"])
            ),
        ]

    def __str__(self) -> str:
        return ", ".join(filter(None, [self.language, *self.skills, self.tier]))


class TaskAuthor(models.Model):
    """A person who wrote a text of the task, and so is never asked to judge it."""

    # Look-ups by task go through task_author_unique.
    task = models.ForeignKey(
        Task, on_delete=models.CASCADE, related_name="authors", db_index=False, db_constraint=False
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="own_tasks"
    )

    class Meta:
        constraints = [
            # Hand-out: whether the person wrote a text of the task.
            models.UniqueConstraint(fields=["task", "author"], name="task_author_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.author} at {self.task}"
