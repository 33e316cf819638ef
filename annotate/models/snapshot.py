"""Frozen selections of judgements, from which runs train and files are made."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.flip import LabelFlip
from annotate.models.judgement import Judgement
from annotate.models.project import Project
from annotate.models.quality import Consensus, Voices
from annotate.models.task import Task


class Snapshot(models.Model):
    """Which judgements, under which rules. The rows never change, so neither does the hash.

    Preferences have rules; where the project's answers hold none a row is a judgement as it is.
    """

    STATES = 2  # the first row format whose prompts hold what their tasks state

    class Holds(models.TextChoices):
        PREFERENCES = "preferences", _("Preferences")
        JUDGEMENTS = "judgements", _("Judgements")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="snapshots")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the project.")
    judgements = models.ManyToManyField(Judgement, through="SnapshotJudgement")
    query = models.JSONField(help_text="The filters that selected the judgements.")
    holds = models.CharField(
        max_length=16,
        choices=Holds.choices,
        default=Holds.PREFERENCES,
        help_text="What a row is: a preference under the rules, or one judgement.",
    )
    tie_rule = models.CharField(max_length=16, blank=True)
    aggregation = models.CharField(max_length=16, blank=True)
    split = models.JSONField(help_text="How prompts were divided into train and test.")
    row_format = models.PositiveSmallIntegerField(
        default=1, help_text="What its rows say: see docs/formats.md. New ones have the newest."
    )
    rows = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Over the canonical rows, in order.")
    card = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="Its data card, Markdown; empty for those from before there were any.",
    )
    consensus_rows = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of what its tasks came to; 0 without a report then."
    )
    consensus_sha256 = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="Over its consensus rows, in order; empty where there are none.",
    )
    consensus_at = models.DateTimeField(
        null=True, blank=True, help_text="When the oldest of those rows was computed."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="snapshot_number_unique"),
            models.CheckConstraint(
                name="snapshot_rules_of_preferences",
                condition=(Q(holds="preferences") & ~Q(tie_rule="") & ~Q(aggregation=""))
                | Q(holds="judgements", tie_rule="", aggregation=""),
            ),
            models.CheckConstraint(
                name="snapshot_consensus_hashed",
                condition=Q(consensus_rows=0, consensus_sha256="", consensus_at=None)
                | Q(consensus_rows__gt=0, consensus_at__isnull=False) & ~Q(consensus_sha256=""),
            ),
        ]

    def __str__(self) -> str:
        return f"snapshot {self.number} of {self.project}"


class SnapshotJudgement(models.Model):
    """One judgement in one snapshot, turned round or as it was given."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="items")
    judgement = models.ForeignKey(Judgement, on_delete=models.PROTECT, related_name="+")
    flip = models.ForeignKey(
        LabelFlip,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
        help_text="Under which it was taken, where the snapshot takes turned labels.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["snapshot", "judgement"], name="snapshot_judgement_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judgement} in {self.snapshot}"


class SnapshotConsensus(models.Model):
    """What one task of a snapshot came to by one method, as the report on quality had it then.

    `Consensus` is rewritten by the next report; this never is.
    """

    snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, related_name="consensus", db_index=False
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", db_index=False)
    voices = models.CharField(max_length=12, choices=Voices.choices)
    method = models.CharField(max_length=16, choices=Consensus.Method.choices)
    version = models.PositiveSmallIntegerField(help_text="Of the method.")
    votes = models.PositiveIntegerField(help_text="Judgements of the project that it rests on.")
    answers = models.JSONField()
    entropy = models.FloatField()
    divided = models.FloatField()

    class Meta:
        constraints = [
            # Its rows in order, and the comparison of two snapshots.
            models.UniqueConstraint(
                fields=["snapshot", "task", "voices", "method"], name="snapshot_consensus_unique"
            ),
            models.CheckConstraint(
                name="snapshot_consensus_voices_known",
                condition=Q(voices__in=["human", "simulated", "judges"]),
            ),
            models.CheckConstraint(
                name="snapshot_consensus_method_known",
                condition=Q(method__in=["majority", "dawid_skene", "plackett_luce", "span_vote"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.method} of {self.task_id} in {self.snapshot}"
