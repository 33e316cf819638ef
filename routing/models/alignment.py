"""Criteria of good responses, a sample of outputs, and what people make of these."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Judge, Project, Response, Task


class Criterion(models.Model):
    """What a good response meets, in words that never change: other words are another version, and
    grades are of the version that people saw.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ACCEPTED = "accepted", _("Accepted")
        RETIRED = "retired", _("Retired")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="criteria")
    name = models.CharField(max_length=80)
    text = models.CharField(max_length=1000)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    drafted_by = models.ForeignKey(
        Judge, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name", "version"], name="criterion_version_unique"
            ),
            models.UniqueConstraint(
                fields=["project", "name"],
                name="criterion_one_accepted",
                condition=Q(state="accepted"),
            ),
            models.CheckConstraint(
                name="criterion_state_known",
                condition=Q(state__in=["draft", "accepted", "retired"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class SampledOutput(models.Model):
    """One response that people grade and judges are checked on, by its number in the sample."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sampled_outputs")
    number = models.PositiveIntegerField()
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+")
    response = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="sampled_output_number"),
            models.UniqueConstraint(fields=["project", "response"], name="sampled_output_once"),
        ]

    def __str__(self) -> str:
        return f"output {self.number}"


class Grade(models.Model):
    """One person's word on an output: by a criterion, or as a whole where there is none. A change
    of mind replaces it; the audit has both.
    """

    output = models.ForeignKey(SampledOutput, on_delete=models.CASCADE, related_name="grades")
    criterion = models.ForeignKey(
        Criterion, on_delete=models.PROTECT, null=True, blank=True, related_name="grades"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    passes = models.BooleanField()
    graded_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["output", "person", "criterion"],
                name="grade_by_criterion_unique",
                condition=Q(criterion__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["output", "person"],
                name="grade_as_a_whole_unique",
                condition=Q(criterion=None),
            ),
        ]

    def __str__(self) -> str:
        return f"grade of {self.output} by {self.person_id}"
