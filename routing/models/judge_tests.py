"""Whether a judge may take people's place: the alternative annotator test, domain by domain."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Judge, Project


class JudgeTestRun(Job):
    """One test of a judge against the people who labelled what it labelled."""

    task_name = "routing.tasks.test_judge"
    queue = "serving"  # where reward models are warm: they read what they have not read yet

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_tests")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="test_runs")
    epsilon = models.FloatField(help_text="What a person's cost is worth, 0..1.")
    level = models.FloatField(default=0.05, help_text="False discovery rate.")

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="judgetestrun_epsilon_range", condition=Q(epsilon__gte=0, epsilon__lte=1)
            ),
            models.CheckConstraint(
                name="judgetestrun_level_range", condition=Q(level__gt=0, level__lt=1)
            ),
            models.UniqueConstraint(
                fields=["judge"],
                name="judgetestrun_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"test {self.pk} of {self.judge}"


class DomainTest(models.Model):
    """What the latest test said of a judge in one domain; `missing` where too little is labelled
    by both. A new test takes the place of all rows of its judge.
    """

    class Grouping(models.TextChoices):
        ALL = "all", _("The whole project")
        SUBJECT = "subject", _("Subject of the prompt")
        STRATUM = "stratum", _("Stratum of the task")

    judge = models.ForeignKey(
        Judge, on_delete=models.CASCADE, related_name="domain_tests", db_index=False
    )
    run = models.ForeignKey(JudgeTestRun, on_delete=models.CASCADE, related_name="domains")
    grouping = models.CharField(max_length=8, choices=Grouping.choices)
    domain = models.CharField(max_length=100, blank=True, help_text="Empty: without one.")
    passed = models.BooleanField()
    winning_rate = models.FloatField(null=True)
    advantage = models.FloatField(null=True)
    items = models.PositiveIntegerField(help_text="Labelled by the judge and by two people.")
    people = models.PositiveIntegerField(help_text="With enough of these items.")
    comparisons = models.JSONField(
        default=list, help_text="person, items, judge, own, p_value, rejected: one a person."
    )
    missing = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["judge", "grouping", "domain"], name="domain_test_unique"
            ),
            models.CheckConstraint(
                name="domain_test_grouping_known",
                condition=Q(grouping__in=["all", "subject", "stratum"]),
            ),
            models.CheckConstraint(
                name="domain_test_complete",
                condition=Q(missing="", winning_rate__isnull=False, advantage__isnull=False)
                | ~Q(missing="") & Q(passed=False, winning_rate=None, advantage=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge} in {self.domain or self.grouping}"
