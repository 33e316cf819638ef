"""Webhooks: whom a project tells what happens in it, and how each telling went."""

import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Project


class EventType(models.TextChoices):
    JUDGEMENT = "judgement.created", _("Judgement given")
    TASK = "task.done", _("Task done")
    IMPORT = "import.ended", _("Import ended")
    SNAPSHOT = "snapshot.finished", _("Snapshot finished")
    TRAINING = "training.ended", _("Training run ended")
    MODEL = "model.promoted", _("Model put into service")
    BUDGET = "budget.reached", _("Budget reached")
    TEST = "webhook.test", _("Test")


SUBSCRIBED = [kind for kind in EventType.values if kind != EventType.TEST]


class Webhook(models.Model):
    """One receiver. Secrets are kept as they are, because each delivery is signed with them; no
    page, answer or audit row shows one after it was made.
    """

    # Look-ups by project go through the index below.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="webhooks", db_index=False
    )
    url = models.CharField(max_length=500)
    events = ArrayField(models.CharField(max_length=32))
    is_on = models.BooleanField(default=True)
    secret = models.CharField(max_length=100)
    old_secret = models.CharField(max_length=100, blank=True)
    old_secret_until = models.DateTimeField(
        null=True, blank=True, help_text="Till then deliveries are signed with both."
    )
    failing_since = models.DateTimeField(
        null=True, help_text="The first failure since one was taken."
    )
    told = models.JSONField(null=True, help_text="Why the server switched it off: wording.Told.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="webhook_events_known",
                condition=Q(events__contained_by=SUBSCRIBED, events__len__gte=1),
            ),
            models.CheckConstraint(
                name="webhook_old_secret_ends",
                condition=Q(old_secret="", old_secret_until=None)
                | (~Q(old_secret="") & Q(old_secret_until__isnull=False)),
            ),
        ]
        indexes = [
            # The list; and who is to be told of an event (services/webhooks/events.py).
            models.Index(fields=["project", "id"], name="webhook_of_project"),
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk}"

    def secrets_at(self, now: datetime) -> list[str]:
        """Those that a delivery is signed with, the newest first."""
        old = self.old_secret_until is not None and now < self.old_secret_until
        return [self.secret, self.old_secret] if old else [self.secret]


class WebhookEvent(models.Model):
    """What happened, once, as it is told: `body` is sent byte for byte, at every attempt."""

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    # Look-ups by project go through webhook_event_once.
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    type = models.CharField(max_length=32, choices=EventType.choices)
    key = models.CharField(max_length=100, help_text="Of what happened; told once.")
    body = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="webhook_event_type_known", condition=Q(type__in=EventType.values)
            ),
            models.UniqueConstraint(fields=["project", "type", "key"], name="webhook_event_once"),
        ]
        indexes = [
            # Removal of old ones (services/webhooks/deliveries.py).
            models.Index(fields=["created_at"], name="webhook_event_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"

    @property
    def message_id(self) -> str:
        """The same at every attempt, so that receivers know what they have already."""
        return f"evt_{self.uid.hex}"


class Delivery(models.Model):
    """One event on its way to one receiver, and how its latest attempt went.

    A worker that takes it sets `due_at` to when it may be taken anew, so one whose worker was
    killed is due again by itself.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        TAKEN = "taken", _("Delivered")
        DEAD = "dead", _("Given up")

    # Look-ups by webhook go through the indexes below.
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="Begun since it was made or replayed."
    )
    due_at = models.DateTimeField()
    tried_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True, help_text="Of the answer; empty: none.")
    excerpt = models.TextField(blank=True, help_text="How the answer begins.")
    seconds = models.FloatField(null=True)
    told = models.JSONField(null=True, help_text="Why the latest attempt failed: wording.Told.")

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="delivery_state_known", condition=Q(state__in=["waiting", "taken", "dead"])
            ),
            models.UniqueConstraint(fields=["event", "webhook"], name="delivery_once"),
        ]
        indexes = [
            # What a worker takes next.
            models.Index(
                fields=["webhook", "due_at"], name="delivery_due", condition=Q(state="waiting")
            ),
            # The list, the newest first, by state or not; replaying all that were given up.
            models.Index(fields=["webhook", "state", "-id"], name="delivery_by_state"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class UntoldJudgement(models.Model):
    """A judgement of a project that tells its answers, since it was written.

    Written by a trigger, with the judgement (annotate/sql/overlaps.sql); a worker makes events of
    it and takes it away (annotate/services/webhooks/answers.py).
    """

    judgement_id = models.BigIntegerField()
    project_id = models.BigIntegerField()
    task_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"untold: judgement {self.judgement_id}"
