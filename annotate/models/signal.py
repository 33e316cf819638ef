"""Implicit feedback: what people did with answers of a product, without being asked."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.content import Response
from annotate.models.project import Project


class SignalType(models.TextChoices):
    THUMBS_UP = "thumbs_up", _("Thumb up")
    THUMBS_DOWN = "thumbs_down", _("Thumb down")
    LOVE = "love", _("Love")
    COPY = "copy", _("Copied")
    FOLLOW_UP = "follow_up", _("Asked on")
    EDIT = "edit", _("Edited")
    REGENERATE = "regenerate", _("Asked for another answer")


# What each says of the answer. A follow-up says what the project's rules make of it.
GOOD = {
    SignalType.THUMBS_UP: True,
    SignalType.LOVE: True,
    SignalType.COPY: True,
    SignalType.THUMBS_DOWN: False,
    SignalType.EDIT: False,
    SignalType.REGENERATE: False,
}


class Signal(models.Model):
    """One thing that somebody did with one answer. The answer is a response of the project, or
    stands here with its prompt.
    """

    # Look-ups by project go through signal_once and the index below.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="signals", db_index=False
    )
    key = models.CharField(max_length=100, help_text="The product's own; sent again it is known.")
    type = models.CharField(max_length=16, choices=SignalType.choices)
    response = models.ForeignKey(
        Response, on_delete=models.CASCADE, null=True, related_name="signals"
    )
    prompt = models.JSONField(null=True, help_text="List of {role, content}.")
    completion = models.TextField(blank=True)
    generator = models.CharField(max_length=200, help_text="The model that answered.")
    generator_version = models.CharField(max_length=100, blank=True)
    edited = models.TextField(blank=True, help_text="Of an edit: the text as it was left.")
    end_user = models.CharField(
        max_length=32, blank=True, help_text="A pseudonym made here of what the product sent."
    )
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="signal_type_known", condition=Q(type__in=SignalType.values)
            ),
            models.CheckConstraint(
                name="signal_answer_once",
                condition=Q(response__isnull=False, prompt=None, completion="")
                | (Q(response=None, prompt__isnull=False) & ~Q(completion="")),
            ),
            models.UniqueConstraint(fields=["project", "key"], name="signal_once"),
        ]
        indexes = [
            # The list and the export, in order of id.
            models.Index(fields=["project", "id"], name="signal_of_project"),
            # Removal of old ones (services/signals/rules.py).
            models.Index(fields=["project", "received_at"], name="signal_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.key}"


class FollowUp(models.TextChoices):
    """What asking on says of the answer: in one product that it was good, in another that it was
    not enough.
    """

    NOTHING = "nothing", _("nothing")
    GOOD = "good", _("it was good")
    BAD = "bad", _("it was bad")


class SignalRules(models.Model):
    """What a project takes signals for, how far it trusts them, and how long it keeps them."""

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="signal_rules"
    )
    noise = models.JSONField(
        default=dict, help_text="By type: how often its label is wrong, 0 to 0.5."
    )
    keep_days = models.PositiveSmallIntegerField(default=365)
    follow_up = models.CharField(
        max_length=8,
        choices=FollowUp.choices,
        default=FollowUp.NOTHING,
        db_default=FollowUp.NOTHING,
        help_text="What a follow-up says of the answer.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="signal_follow_up_known", condition=Q(follow_up__in=FollowUp.values)
            ),
            models.CheckConstraint(
                name="signal_keep_days_range", condition=Q(keep_days__gte=1, keep_days__lte=3650)
            ),
        ]

    def __str__(self) -> str:
        return f"rules for signals of {self.project_id}"

    @property
    def labels(self) -> dict[str, bool]:
        """By type whether it calls the answer good; types that say nothing are left out."""
        labels = {str(type): good for type, good in GOOD.items()}
        if self.follow_up != FollowUp.NOTHING:
            labels[str(SignalType.FOLLOW_UP)] = self.follow_up == FollowUp.GOOD
        return labels
