"""When models are retrained without anybody asking."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Project


class Schedule(models.Model):
    """Whichever of its triggers comes first queues a run; never two at once.

    See training/services/outlook.py for when each is due.
    """

    class Recipe(models.TextChoices):
        REWARD_MODEL = "reward_model", _("Reward model")
        DPO = "dpo", _("DPO policy")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="schedules")
    recipe = models.CharField(max_length=16, choices=Recipe.choices)
    config = models.JSONField(default=dict, blank=True)
    every_hours = models.FloatField(null=True, blank=True)
    every_judgements = models.PositiveIntegerField(null=True, blank=True)
    cron = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="Minute, hour, day of month, month, day of week; in the project's zone.",
    )
    drift_above = models.FloatField(
        null=True, blank=True, help_text="Population stability index of what is judged."
    )
    on_routing = models.BooleanField(
        default=False,
        db_default=False,
        help_text="When people contradict the judge more than it expects.",
    )
    enabled = models.BooleanField(default=True)
    last_queued_at = models.DateTimeField(null=True, blank=True)
    last_judgement_id = models.BigIntegerField(
        default=0, help_text="Newest judgement when it last queued a run; later ones are new."
    )
    failure = models.JSONField(
        null=True, editable=False, help_text="Why it could not be looked at: since, at, message."
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
                condition=Q(every_hours__gt=0)
                | Q(every_judgements__gt=0)
                | ~Q(cron="")
                | Q(drift_above__gt=0)
                | Q(on_routing=True),
            ),
            models.CheckConstraint(
                name="schedule_hours_positive",
                condition=Q(every_hours__isnull=True) | Q(every_hours__gt=0),
            ),
            models.CheckConstraint(
                name="schedule_drift_positive",
                condition=Q(drift_above__isnull=True) | Q(drift_above__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"schedule {self.pk}: {self.recipe}"


class TrainingLimits(models.Model):
    """What a project's training may take, and when it may start by itself."""

    class Period(models.TextChoices):
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")
        EVER = "ever", _("in all")

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="limits")
    device_hours = models.FloatField(
        null=True, blank=True, help_text="Hours of training and sampling, on any device."
    )
    period = models.CharField(max_length=8, choices=Period.choices, default=Period.MONTH)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="limits_hours_not_negative",
                condition=Q(device_hours__isnull=True) | Q(device_hours__gte=0),
            ),
            models.CheckConstraint(
                name="limits_period_known", condition=Q(period__in=["week", "month", "ever"])
            ),
            models.CheckConstraint(
                name="limits_quiet_complete",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"limits of {self.project}"
