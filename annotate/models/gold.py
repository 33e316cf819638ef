"""Tasks whose answer is known, and how people did at those that were mixed in unseen."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from annotate.models.judgement import Judgement
from annotate.models.project import Project
from annotate.models.task import Task


class GoldItemQuerySet(models.QuerySet["GoldItem"]):
    def live(self) -> "GoldItemQuerySet":
        return self.filter(retired_at=None)

    def mixed_in(self) -> "GoldItemQuerySet":
        """Those that are handed out among ordinary tasks."""
        return self.live().filter(use__in=[GoldItem.Use.HIDDEN, GoldItem.Use.ATTENTION])


class GoldItem(models.Model):
    """How a task with a known answer is used. The answer itself is the task's `gold`.

    Such a task asks for no people of its own (overlap 0). Hidden ones are drawn by the hand-out,
    each person going round the circle of `draw_key` from a place of their own; see
    annotate/sql/checks.sql.
    """

    class Use(models.TextChoices):
        HIDDEN = "hidden", _("Mixed in unseen")
        ATTENTION = "attention", _("Attention check, mixed in unseen")
        QUIZ = "quiz", _("Qualification quiz")
        TRAINING = "training", _("Training")

    class Origin(models.TextChoices):
        IMPORTED = "imported", _("Import")
        HAND = "hand", _("By hand")
        UNANIMOUS = "unanimous", _("From unanimous answers")

    task = models.OneToOneField(
        Task, on_delete=models.CASCADE, primary_key=True, related_name="gold_item"
    )
    # Look-ups by project go through gold_item_use.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="gold_items", db_index=False
    )
    use = models.CharField(max_length=12, choices=Use.choices, default=Use.HIDDEN)
    explanation = models.TextField(
        blank=True, help_text="Markdown, shown after the answer in training."
    )
    tolerance = models.FloatField(
        null=True,
        blank=True,
        help_text="Distance from the known answer that still counts as right; "
        "empty: as the kind has it.",
    )
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.HAND)
    draw_key = models.PositiveIntegerField(editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    created_at = models.DateTimeField(default=timezone.now)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = GoldItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="gold_item_use_known",
                condition=Q(use__in=["hidden", "attention", "quiz", "training"]),
            ),
            models.CheckConstraint(
                name="gold_item_origin_known",
                condition=Q(origin__in=["imported", "hand", "unanimous"]),
            ),
            models.CheckConstraint(
                name="gold_item_tolerance_range",
                condition=Q(tolerance__isnull=True) | Q(tolerance__gte=0, tolerance__lte=1),
            ),
        ]
        indexes = [
            # Hand-out: the next one on a person's way round.
            models.Index(
                fields=["project", "draw_key"],
                name="gold_item_draw",
                condition=Q(use__in=["hidden", "attention"], retired_at__isnull=True),
            ),
            # The page: a project's known answers by their use.
            models.Index(fields=["project", "use"], name="gold_item_use"),
        ]

    def __str__(self) -> str:
        return f"known answer of {self.task_id}"


class GoldCheck(models.Model):
    """Whether a person's answer to a hidden item is the known one: of their newest answer to it."""

    # Look-ups by project go through gold_check_person.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="gold_checks", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="gold_checks")
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="gold_checks",
        db_index=False,
    )  # fmt: skip
    judgement = models.OneToOneField(Judgement, on_delete=models.PROTECT, related_name="gold_check")
    right = models.BooleanField()
    distance = models.FloatField(help_text="From the known answer, 0 to 1.")
    answered_at = models.DateTimeField(help_text="When the person first answered it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "annotator"], name="gold_check_once"),
            models.CheckConstraint(
                name="gold_check_distance_range",
                condition=Q(distance__gte=0, distance__lte=1),
            ),
        ]
        indexes = [
            # The floor: a person's latest checks; the page: everybody's.
            models.Index(fields=["project", "annotator", "-answered_at"], name="gold_check_person"),
        ]

    def __str__(self) -> str:
        return f"check of {self.judgement_id}"
