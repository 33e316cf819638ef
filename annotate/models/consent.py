"""What people agree to before their first task, and what they tell of themselves."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from annotate.models.project import Project


class ConsentText(models.Model):
    """What is agreed to, from one change to the next. Append-only.

    The one in force is `project.consent`; a member agreed to `membership.consent`.
    """

    # Look-ups by project go through consent_text_unique.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="consent_texts", db_index=False
    )
    number = models.PositiveIntegerField(help_text="From 1 within the project.")
    text = models.TextField(help_text="Markdown.")
    shows_answers = models.BooleanField(
        default=False, help_text="Managers may see what each person told of themselves."
    )
    compares_groups = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Leaderboards may be computed by group of what people told of themselves.",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="consent_text_unique"),
            models.CheckConstraint(name="consent_text_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(name="consent_text_given", condition=~Q(text="")),
        ]

    def __str__(self) -> str:
        return f"consent {self.number} of {self.project}"


class Consent(models.Model):
    """That somebody agreed, to which text and when, and when they took it back."""

    text = models.ForeignKey(
        ConsentText, on_delete=models.PROTECT, related_name="given", db_index=False
    )
    # The index: what somebody's own data hold.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents"
    )
    given_at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            # Look-ups by text go through it.
            models.UniqueConstraint(
                fields=["text", "user"],
                name="consent_once",
                condition=Q(withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="consent_withdrawn_later",
                condition=Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} to {self.text}"


class ProfileAnswer(models.Model):
    """What somebody answered to one of a project's questions on themselves.

    `value` as annotate/profile_questions.py has it; null: prefers not to say.
    """

    # Look-ups by project go through profile_answer_once.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="profile_answers", db_index=False
    )
    question = models.CharField(max_length=40)
    # The index: what somebody's own data hold.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile_answers"
    )
    value = models.JSONField(null=True, blank=True)
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "question", "user"], name="profile_answer_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} on {self.question}"
