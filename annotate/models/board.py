"""Leaderboards: a computation that may be looked at, and what was published of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from annotate.models.job import Job
from annotate.models.project import Project


class BoardRun(Job):
    """A leaderboard being computed, or computed and not published. Old ones are removed.

    `result` is what annotate/services/reports/boards.py makes: see `annotate/ranking/report.py`.
    """

    task_name = "annotate.tasks.compute_board"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="board_runs")
    rules = models.JSONField(help_text="Which votes count, and how: see BoardRules.")
    result = models.JSONField(null=True, editable=False)
    sha256 = models.CharField(max_length=64, blank=True, editable=False)
    last_judgement = models.BigIntegerField(
        null=True, editable=False, help_text="The id of the latest judgement that there was."
    )

    class Meta(Job.Meta):
        pass

    def __str__(self) -> str:
        return f"leaderboard run {self.pk}"


class Board(models.Model):
    """A published leaderboard. Append-only: the next one gets the next number."""

    # Look-ups by project go through board_number_unique.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="boards", db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 1 within the project.")
    note = models.TextField(blank=True)
    rules = models.JSONField(help_text="Which votes count, and how: see BoardRules.")
    result = models.JSONField()
    last_judgement = models.BigIntegerField(help_text="No judgement after this id is in it.")
    sha256 = models.CharField(
        max_length=64, help_text="Over the rules and every vote, in order of judgements."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="board_number_unique"),
            models.CheckConstraint(name="board_number_from_one", condition=Q(number__gte=1)),
        ]

    def __str__(self) -> str:
        return f"leaderboard {self.number} of {self.project}"
