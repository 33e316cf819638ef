"""What is labelled next: the strategy that a manager chose, and its rankings."""

from django.conf import settings as django_settings
from django.db import models
from django.db.models import Q

from annotate.models import Job, Judge, Project
from routing.settings.selection import IN_ORDER, NAMES, STRATEGIES


class Selection(models.Model):
    """The strategy in force; projects without a row hand out in their own order."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="selection"
    )
    strategy = models.CharField(max_length=16, choices=STRATEGIES.items(), default=IN_ORDER)
    settings = models.JSONField(default=dict)
    chosen_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    chosen_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="selection_strategy_known", condition=Q(strategy__in=list(NAMES))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} in {self.project_id}"

    @property
    def is_on(self) -> bool:
        return self.strategy != IN_ORDER


class SelectionRun(Job):
    """One ranking of a project's open tasks."""

    task_name = "routing.tasks.rank_tasks"
    queue = "serving"  # where reward models are warm: they read what they have not read yet

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="selection_runs")
    strategy = models.CharField(max_length=16, choices=STRATEGIES.items())
    settings = models.JSONField(default=dict)
    judge = models.ForeignKey(
        Judge, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    report = models.JSONField(
        default=dict,
        help_text="What it went by and, once done, what it did.",
    )

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="selectionrun_strategy_known", condition=Q(strategy__in=list(NAMES))
            ),
            models.UniqueConstraint(
                fields=["project"],
                name="selectionrun_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"ranking {self.pk} by {self.strategy}"
