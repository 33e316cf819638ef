"""Live conversations with models: who may be talked to, and all that was said."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Project
from annotate.models.task import Task

# A reply that nobody has added to for so long has lost its process.
ABANDONED_AFTER = timedelta(seconds=20)


class ChatModel(models.Model):
    """A model behind an OpenAI-compatible address, as a manager set it up.

    Nothing of a row changes but `retired_at`, so that a conversation can name what it was held
    with. `key_name` names a key of the server's environment, never the key.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="chat_models")
    name = models.CharField(max_length=100, help_text="For managers and exports.")
    base_url = models.CharField(max_length=500, help_text="Such as https://api.example.com/v1.")
    model = models.CharField(max_length=200, help_text="As the address calls it.")
    key_name = models.CharField(max_length=50, blank=True)
    parameters = models.JSONField(
        default=dict, blank=True, help_text="Sent along with every request, such as temperature."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                name="chat_model_name_unique",
                condition=Q(retired_at=None),
            ),
            models.CheckConstraint(name="chat_model_name_given", condition=~Q(name="")),
            models.CheckConstraint(name="chat_model_model_given", condition=~Q(model="")),
            models.CheckConstraint(
                name="chat_model_url_http", condition=Q(base_url__regex=r"^https?://[^/]")
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ChatSession(models.Model):
    """One person's conversation at one task. Append-only.

    `model_ids` are those of ChatModel by letter, A first: drawn once, never shown to the person.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="chat_sessions")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="chat_sessions")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="chat_sessions"
    )
    model_ids = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "annotator"], name="chat_session_unique"),
            models.CheckConstraint(
                name="chat_session_model_count",
                condition=Q(model_ids__len__gte=1, model_ids__len__lte=6),
            ),
        ]

    def __str__(self) -> str:
        return f"conversation {self.pk}"


class ChatTurn(models.Model):
    """A message of the person, to which every model replies. Append-only.

    `verdict` is what was said about the turn before when this message was sent; `follows` is the
    letter whose reply to that turn this one goes on from, empty where each goes on from its own.
    """

    session = models.ForeignKey(
        ChatSession, on_delete=models.PROTECT, related_name="turns", db_index=False
    )
    number = models.PositiveSmallIntegerField(help_text="From 0 within the session.")
    message = models.TextField()
    verdict = models.JSONField(default=dict)
    follows = models.CharField(max_length=1, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # Look-ups by session go through it.
            models.UniqueConstraint(fields=["session", "number"], name="chat_turn_unique"),
            models.CheckConstraint(name="chat_turn_message_given", condition=~Q(message="")),
            models.CheckConstraint(
                name="chat_turn_follows_known",
                condition=Q(follows__in=["", "A", "B", "C", "D", "E", "F"]),
            ),
        ]

    def __str__(self) -> str:
        return f"turn {self.number} of {self.session}"


class ChatReplyQuerySet(models.QuerySet):
    def standing(self) -> "ChatReplyQuerySet":
        """Those that the conversation has: finished, or stopped after their first words."""
        return self.filter(state__in=["done", "stopped"]).exclude(text="")

    def running(self) -> "ChatReplyQuerySet":
        """Those that some process is still adding to."""
        return self.filter(state="streaming", heartbeat_at__gt=oldest_heartbeat())


class ChatReply(models.Model):
    """One attempt of one model to reply to a turn. It grows while `streaming`, then is fixed."""

    class State(models.TextChoices):
        STREAMING = "streaming"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    class Failure(models.TextChoices):
        BUSY = "busy", _("No line was free on this server")
        RATE_LIMITED = "rate_limited", _("Too many requests (429)")
        REFUSED = "refused", _("The request was refused (4xx)")
        SERVER_ERROR = "server_error", _("The model's server failed (5xx)")
        UNREACHABLE = "unreachable", _("No connection")
        TIMED_OUT = "timed_out", _("Nothing came in time")
        BROKEN_OFF = "broken_off", _("The reply broke off")
        MALFORMED = "malformed", _("The reply could not be read")
        EMPTY = "empty", _("The reply was empty")
        INTERRUPTED = "interrupted", _("This server was interrupted")

    turn = models.ForeignKey(
        ChatTurn, on_delete=models.PROTECT, related_name="replies", db_index=False
    )
    letter = models.CharField(max_length=1)
    attempt = models.PositiveSmallIntegerField(default=1)
    model = models.ForeignKey(ChatModel, on_delete=models.PROTECT, related_name="replies")
    state = models.CharField(max_length=10, choices=State.choices, default=State.STREAMING)
    text = models.TextField(blank=True)
    stop_asked = models.BooleanField(default=False)
    failure = models.CharField(max_length=16, choices=Failure.choices, blank=True)
    detail = models.CharField(max_length=500, blank=True, help_text="For managers.")
    told = models.JSONField(
        null=True, editable=False, help_text="Why it failed, for other languages."
    )
    retry_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds that a 429 asked to wait."
    )
    finish_reason = models.CharField(max_length=50, blank=True)
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    first_text_ms = models.PositiveIntegerField(null=True, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True, blank=True)
    completion_tokens = models.PositiveIntegerField(null=True, blank=True)

    objects = ChatReplyQuerySet.as_manager()

    class Meta:
        constraints = [
            # Look-ups by turn go through it.
            models.UniqueConstraint(fields=["turn", "letter", "attempt"], name="chat_reply_unique"),
            models.UniqueConstraint(
                fields=["turn", "letter"],
                name="chat_reply_one_stands",
                condition=Q(state__in=["streaming", "done"]) | Q(state="stopped") & ~Q(text=""),
            ),
            models.CheckConstraint(
                name="chat_reply_letter_known",
                condition=Q(letter__in=["A", "B", "C", "D", "E", "F"]),
            ),
            models.CheckConstraint(
                name="chat_reply_state_known",
                condition=Q(state__in=["streaming", "done", "stopped", "failed"]),
            ),
            models.CheckConstraint(
                name="chat_reply_failure_told",
                condition=Q(state="failed") & ~Q(failure="") | ~Q(state="failed") & Q(failure=""),
            ),
            models.CheckConstraint(
                name="chat_reply_failure_known",
                condition=Q(
                    failure__in=[
                        "",
                        "busy",
                        "rate_limited",
                        "refused",
                        "server_error",
                        "unreachable",
                        "timed_out",
                        "broken_off",
                        "malformed",
                        "empty",
                        "interrupted",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="chat_reply_end_complete",
                condition=Q(state="streaming", finished_at=None)
                | ~Q(state="streaming") & Q(finished_at__gte=F("started_at")),
            ),
        ]
        indexes = [
            # How many replies a person has running.
            models.Index(
                fields=["heartbeat_at"], name="chat_reply_running", condition=Q(state="streaming")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.letter} at {self.turn}, attempt {self.attempt}"

    @property
    def stands(self) -> bool:
        return self.state in ("done", "stopped") and bool(self.text)

    @property
    def is_abandoned(self) -> bool:
        return self.state == "streaming" and self.heartbeat_at < oldest_heartbeat()


def oldest_heartbeat() -> datetime:
    """Replies that were added to before are abandoned: their process is gone."""
    return timezone.now() - ABANDONED_AFTER
