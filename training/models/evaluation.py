"""Sets to evaluate models on, from files, and the runs that do it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Project
from training.models.registry import ModelVersion


class EvaluationSet(models.Model):
    """Rows from a file, frozen under their hash. They are no prompts of the project and are never
    trained on; see training/services/evaluation_sets.py for the files.
    """

    class Kind(models.TextChoices):
        PAIRS = "pairs", _("Pairs, chosen and rejected")
        PROMPTS = "prompts", _("Prompts")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="evaluation_sets")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, help_text="Over the canonical rows, in order.")
    rows = models.PositiveIntegerField()
    prompts = models.PositiveIntegerField(help_text="Different ones.")
    left_out = models.PositiveIntegerField(default=0, help_text="Rows that were refused.")
    subsets = models.JSONField(default=dict, help_text="Rows by subset; none for prompts.")
    overlap = models.JSONField(
        default=dict, help_text="How many of its prompts the project had when it was added."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="evaluation_set_name_unique"),
            models.UniqueConstraint(
                fields=["project", "kind", "sha256"], name="evaluation_set_rows_unique"
            ),
            models.CheckConstraint(
                name="evaluation_set_kind_known", condition=Q(kind__in=["pairs", "prompts"])
            ),
        ]

    def __str__(self) -> str:
        return self.name


class EvaluationRun(Job):
    """A model version on an evaluation set: agreement with pairs, or best-of-n over prompts."""

    task_name = "training.tasks.run_evaluation"
    queue = settings.EVALUATION_QUEUE

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="evaluation_runs")
    evaluation_set = models.ForeignKey(EvaluationSet, on_delete=models.PROTECT, related_name="runs")
    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="evaluation_runs"
    )
    proxy = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    gold = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        help_text="Of best-of-n; none is the hidden preference of the demo.",
    )
    config = models.JSONField(default=dict, help_text="samples, prompts, temperature, seed …")
    environment = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    device_seconds = models.FloatField(
        default=0, help_text="How long its children worked, over all attempts."
    )

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.UniqueConstraint(
                name="evaluationrun_one_under_way",
                fields=["evaluation_set", "model_version"],
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"evaluation {self.pk}"
