"""The registry: model versions with their lineage and their figures."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Project
from training.models.run import TrainingRun


class ModelVersionQuerySet(models.QuerySet):
    def of_project(self, project: Project) -> "ModelVersionQuerySet":
        """A project's versions, newest first, each with its run and parent. One query."""
        return self.filter(project=project).select_related("run", "parent").order_by("-pk")

    def in_service(self, project: Project | int, kind: str) -> "ModelVersion | None":
        """The version that scores, judges or answers for the project now."""
        return self.filter(project=project, kind=kind, state=ModelVersion.State.IN_SERVICE).first()


class ModelVersion(models.Model):
    """A trained model: its files, the run that made it, and whether it is in service."""

    class Kind(models.TextChoices):
        REWARD_MODEL = "reward_model", _("Reward model")
        POLICY = "policy", _("Policy")

    class State(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        IN_SERVICE = "in_service", _("In service")
        RETIRED = "retired", _("Retired")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="model_versions")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the project and kind.")
    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="model_version")
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    path = models.CharField(max_length=300, help_text="Folder under VAR_DIR/models.")
    sha256 = models.CharField(max_length=64, help_text="Over the folder's files.")
    state = models.CharField(max_length=12, choices=State.choices, default=State.CANDIDATE)
    metrics = models.JSONField(default=dict)
    promoted_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was last promoted; null again once it was rolled back.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "number"], name="model_version_number_unique"
            ),
            models.UniqueConstraint(
                fields=["project", "kind"],
                name="model_version_one_in_service",
                condition=Q(state="in_service"),
            ),
            models.CheckConstraint(
                name="model_version_kind_known", condition=Q(kind__in=["reward_model", "policy"])
            ),
            models.CheckConstraint(
                name="model_version_state_known",
                condition=Q(state__in=["candidate", "in_service", "retired"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} v{self.number}"


class Evaluation(models.Model):
    """Figures of a model version on a frozen set of rows."""

    model_version = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="evaluations"
    )
    snapshot = models.ForeignKey("annotate.Snapshot", on_delete=models.PROTECT, related_name="+")
    rows = models.PositiveIntegerField()
    metrics = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model_version", "snapshot"], name="evaluation_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.model_version} on {self.snapshot}"


class GateRecord(models.Model):
    """What the gate said of a candidate against the version in service; no page computes it anew.

    Both versions never change; a record counts as long as the bounds of the settings are its own.
    """

    candidate = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, related_name="gate_records"
    )
    serving = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="+")
    bounds = models.JSONField()
    verdict = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["candidate", "serving"], name="gate_record_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} against {self.serving}"
