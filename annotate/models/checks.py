"""What a project asks of the people at work, and how each of them stands."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Membership, Project


class WorkRules(models.Model):
    """Checks, qualification and limits for a project's annotators. 0 stands for "none".

    Read at every hand-out (annotate/sql/checks.sql); a project without a row has no rules.
    """

    project = models.OneToOneField(
        Project, on_delete=models.CASCADE, primary_key=True, related_name="work_rules"
    )
    gold_percent = models.PositiveSmallIntegerField(
        default=0, help_text="Share of hidden items with a known answer in what each person gets."
    )
    gold_floor = models.PositiveSmallIntegerField(
        default=0, help_text="Percent of hidden items to answer right; who falls below is paused."
    )
    gold_floor_from = models.PositiveSmallIntegerField(
        default=10, help_text="Over how many latest hidden items, and not before there are so many."
    )
    training = models.BooleanField(
        default=False, help_text="Whether people go through the training items first."
    )
    quiz_pass_percent = models.PositiveSmallIntegerField(
        default=0, help_text="Share of the quiz to answer right before any real task; 0: no quiz."
    )
    quiz_tries = models.PositiveSmallIntegerField(default=0, help_text="0: as many as one likes.")
    quiz_wait_minutes = models.PositiveIntegerField(
        default=0, help_text="Between a failed try and the next."
    )
    cap_hour = models.PositiveIntegerField(
        default=0, help_text="Tasks a person may answer in an hour."
    )
    cap_day = models.PositiveIntegerField(
        default=0, help_text="Tasks a person may answer in 24 hours."
    )
    cap_total = models.PositiveIntegerField(
        default=0, help_text="Tasks a person may answer in this project."
    )
    break_minutes = models.PositiveSmallIntegerField(
        default=0, help_text="Work without a pause after which one is suggested."
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="work_rules_percents",
                condition=Q(gold_percent__lte=50, gold_floor__lte=100, quiz_pass_percent__lte=100),
            ),
            models.CheckConstraint(
                name="work_rules_floor_from", condition=Q(gold_floor_from__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"rules of {self.project_id}"


class StandingFields(models.Model):
    """How somebody stands with a project's rules."""

    class Why(models.TextChoices):
        NONE = "", _("not paused")
        GOLD = "gold", _("too many known answers missed")
        MANAGER = "manager", _("by a manager")

    draws = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Seats handed out, hidden items among them."
    )
    gold_cursor = models.BigIntegerField(
        null=True, help_text="The draw_key of the last hidden item; empty before the first."
    )
    gold_spent = models.BooleanField(
        default=False, db_default=False, help_text="There was no further hidden item."
    )
    gold_from = models.DateTimeField(
        null=True, help_text="The floor counts hidden items from then on."
    )
    paused_at = models.DateTimeField(null=True)
    paused_why = models.CharField(
        max_length=8, choices=Why.choices, default="", db_default="", blank=True
    )
    trained_at = models.DateTimeField(null=True)
    qualified_at = models.DateTimeField(null=True)
    quiz_from = models.DateTimeField(null=True, help_text="Tries count from then on.")
    hour_began = models.DateTimeField(null=True)
    hour_count = models.PositiveIntegerField(default=0, db_default=0)
    day_began = models.DateTimeField(null=True)
    day_count = models.PositiveIntegerField(default=0, db_default=0)
    cap_own = models.PositiveIntegerField(
        null=True, help_text="Tasks this member may answer, whatever the rules allow: of panels."
    )
    stretch_began = models.DateTimeField(null=True, help_text="Of work without a pause.")
    last_answer_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_why_known", condition=Q(paused_why__in=["", "gold", "manager"])
            ),
            models.CheckConstraint(
                name="%(class)s_pause_told",
                condition=Q(paused_at__isnull=True, paused_why="")
                | Q(paused_at__isnull=False) & ~Q(paused_why=""),
            ),
        ]


class Standing(StandingFields):
    """How one member stands with the project's rules. Made when it is first needed.

    The membership's row is the lock: it is taken before this row is read or written. A window of
    an hour or of 24 hours begins with the first answer after the one before has ended.
    """

    membership = models.OneToOneField(
        Membership, on_delete=models.CASCADE, primary_key=True, related_name="standing"
    )

    def __str__(self) -> str:
        return f"standing of {self.membership_id}"


class FormerStanding(StandingFields):
    """How somebody stood who left, or was removed: they come back to it."""

    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="former_standings", db_index=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="former_standings"
    )

    class Meta(StandingFields.Meta):
        abstract = False
        constraints = [
            *StandingFields.Meta.constraints,
            # Found by it where somebody joins.
            models.UniqueConstraint(fields=["project", "user"], name="former_standing_once"),
        ]

    def __str__(self) -> str:
        return f"former standing of {self.user_id} in {self.project_id}"
