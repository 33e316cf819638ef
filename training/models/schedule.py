"""When models are retrained without anybody asking."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Project


class Schedule(models.Model):
    """Every N hours, or after M new judgements, whichever is set; never two runs at once."""

    class Recipe(models.TextChoices):
        REWARD_MODEL = "reward_model", _("Reward model")
        DPO = "dpo", _("DPO policy")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="schedules")
    recipe = models.CharField(max_length=16, choices=Recipe.choices)
    config = models.JSONField(default=dict, blank=True)
    every_hours = models.FloatField(null=True, blank=True)
    every_judgements = models.PositiveIntegerField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    last_queued_at = models.DateTimeField(null=True, blank=True)
    last_judgement_id = models.BigIntegerField(
        default=0, help_text="Newest judgement when it last queued a run; later ones are new."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            # Beat, every few seconds: the schedules that may be due.
            models.Index(fields=["id"], name="schedule_enabled", condition=Q(enabled=True)),
        ]
        constraints = [
            models.CheckConstraint(
                name="schedule_recipe_known", condition=Q(recipe__in=["reward_model", "dpo"])
            ),
            models.CheckConstraint(
                name="schedule_has_trigger",
                condition=Q(every_hours__gt=0) | Q(every_judgements__gt=0),
            ),
            models.CheckConstraint(
                name="schedule_hours_positive",
                condition=Q(every_hours__isnull=True) | Q(every_hours__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"schedule {self.pk}: {self.recipe}"
