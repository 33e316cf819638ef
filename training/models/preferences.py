"""Reports on features that an autoencoder finds in people's choices."""

from django.db import models
from django.db.models import Q

from annotate.models import Job, Judge, Project


class PreferenceFeatureRun(Job):
    """Sparse features of pairs being found, or found. Old ones are removed.

    `result` is what training/services/preference_features.py makes.
    """

    task_name = "training.tasks.find_preference_features"
    queue = "serving"  # whose workers can read texts with an encoder

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="preference_feature_runs"
    )
    judge = models.ForeignKey(
        Judge,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        db_index=False,
        help_text="Describes the features; none leaves it to their examples.",
    )
    config = models.JSONField(help_text="Which votes, the encoder, how many features.")
    result = models.JSONField(null=True, editable=False)

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.UniqueConstraint(
                fields=["project"],
                name="preferencefeaturerun_one_under_way",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"features of preferences {self.pk}"
