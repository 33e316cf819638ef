"""Going through training items and the qualification quiz: apart from seats and judgements."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import FormVersion, Project
from annotate.models.task import Task


class PracticeRun(models.Model):
    """One person's way through the training items, or one try at the quiz."""

    class Stage(models.TextChoices):
        TRAINING = "training", _("Training")
        QUIZ = "quiz", _("Quiz")

    # Look-ups by project go through practice_run_person.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="practice_runs", db_index=False
    )
    annotator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="practice_runs",
        db_index=False,
    )
    stage = models.CharField(max_length=8, choices=Stage.choices)
    task_ids = ArrayField(
        models.BigIntegerField(), help_text="In the order in which they are asked."
    )
    pass_percent = models.PositiveSmallIntegerField(
        default=0, help_text="Of the quiz, as it was when the try began."
    )
    started_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    right = models.PositiveSmallIntegerField(null=True, help_text="Answers that were right.")
    passed = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="practice_run_stage_known", condition=Q(stage__in=["training", "quiz"])
            ),
            models.CheckConstraint(
                name="practice_run_ended_whole",
                condition=Q(ended_at__isnull=True, right__isnull=True, passed__isnull=True)
                | Q(ended_at__isnull=False, right__isnull=False, passed__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["project", "annotator", "stage"],
                name="practice_run_one_open",
                condition=Q(ended_at__isnull=True),
            ),
        ]
        indexes = [
            # A person's tries, the newest first; the page: everybody's.
            models.Index(fields=["project", "annotator", "-id"], name="practice_run_person"),
        ]

    def __str__(self) -> str:
        return f"{self.stage} of {self.annotator_id}"


class PracticeAnswer(models.Model):
    """What was answered to one item of a run. No label, and no judgement."""

    # Look-ups by run go through practice_answer_once.
    run = models.ForeignKey(
        PracticeRun, on_delete=models.CASCADE, related_name="answers", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="practice_answers")
    form_version = models.ForeignKey(
        FormVersion, on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    value = models.JSONField()
    rationale = models.TextField(blank=True)
    right = models.BooleanField()
    distance = models.FloatField(help_text="From the known answer, 0 to 1.")
    seconds_active = models.FloatField(null=True)
    answered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "task"], name="practice_answer_once"),
        ]

    def __str__(self) -> str:
        return f"answer to {self.task_id} in {self.run_id}"
