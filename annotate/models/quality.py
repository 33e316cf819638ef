"""Reports on how far labels can be trusted, and what several labels of a task come to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.job import Job
from annotate.models.project import Project
from annotate.models.task import Task


class Voices(models.TextChoices):
    """Whose labels count together. Imported labels are people's."""

    HUMAN = "human", _("People")
    SIMULATED = "simulated", _("Simulated people")
    JUDGES = "judges", _("AI judges")


class QualityRun(Job):
    """One reckoning of a project's agreement, reliability and consensus, and its report."""

    task_name = "annotate.tasks.compute_quality"

    # Look-ups by project go through quality_run_of_project.
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="quality_runs", db_index=False
    )
    version = models.PositiveSmallIntegerField(default=1, help_text="Of the report's form.")
    report = models.JSONField(null=True, blank=True)
    judgements = models.PositiveIntegerField(default=0, help_text="That were counted.")
    newest_judgement = models.BigIntegerField(
        default=0, help_text="The project's newest one when the run began, counted or not."
    )

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            # A refresh that is asked for twice is done once.
            models.UniqueConstraint(
                fields=["project"],
                name="quality_run_one_going",
                condition=Q(state__in=["queued", "running"]),
            ),
            models.CheckConstraint(
                name="quality_run_done_has_report",
                condition=~Q(state="done") | Q(report__isnull=False),
            ),
        ]
        indexes = [
            *Job.Meta.indexes,
            # The page: a project's latest report, and whether one is on its way.
            models.Index(fields=["project", "-id"], name="quality_run_of_project"),
        ]

    def __str__(self) -> str:
        return f"quality of {self.project}"


class Consensus(models.Model):
    """What the labels of one task come to by one method at one version. Rewritten by each run.

    `answers` holds an entry for each thing that was asked: see annotate/quality/consensus.py.
    """

    class Method(models.TextChoices):
        MAJORITY = "majority", _("Majority")
        DAWID_SKENE = "dawid_skene", _("Dawid–Skene")
        PLACKETT_LUCE = "plackett_luce", _("Plackett–Luce by annotator")
        SPAN_VOTE = "span_vote", _("Vote on spans")

    # Look-ups by project go through consensus_most_divided.
    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        related_name="consensus",
        db_index=False,
        db_constraint=False,
    )
    # Look-ups by task go through consensus_unique.
    task = models.ForeignKey(
        Task,
        on_delete=models.CASCADE,
        related_name="consensus",
        db_index=False,
        db_constraint=False,
    )
    voices = models.CharField(max_length=12, choices=Voices.choices)
    method = models.CharField(max_length=16, choices=Method.choices)
    version = models.PositiveSmallIntegerField(help_text="Of the method.")
    votes = models.PositiveIntegerField(help_text="Judgements that it rests on.")
    answers = models.JSONField()
    entropy = models.FloatField(help_text="The doubt in bits about the least sure answer.")
    divided = models.FloatField(
        help_text="P(people are of two minds) about the most divided answer; "
        "0 where the method cannot tell."
    )
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "voices", "method", "version"], name="consensus_unique"
            ),
            models.CheckConstraint(
                name="consensus_voices_known",
                condition=Q(voices__in=["human", "simulated", "judges"]),
            ),
            models.CheckConstraint(
                name="consensus_method_known",
                condition=Q(method__in=["majority", "dawid_skene", "plackett_luce", "span_vote"]),
            ),
            models.CheckConstraint(
                name="consensus_divided_range", condition=Q(divided__gte=0, divided__lte=1)
            ),
            models.CheckConstraint(name="consensus_entropy_from_zero", condition=Q(entropy__gte=0)),
        ]
        indexes = [
            # The list: most divided first, then least sure.
            models.Index(
                fields=["project", "voices", "method", "-divided", "-entropy", "task"],
                name="consensus_most_divided",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.task_id}"
