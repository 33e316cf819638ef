"""Who should label what: policies, and what they decided."""

from django.db import models
from django.db.models import Q

from annotate.models import Job, Judge, Project, Task


class RoutingPolicy(models.Model):
    """A rule that sends tasks to people or to a judge; a change is a new version.

    Kind `margin`: the judge labels a task when its probability of being right, as it sees
    it itself, is at least `threshold`; `audit_share` of those also go to people.
    """

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        RETIRED = "retired"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="routing_policies")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=32, default="margin")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="policies")
    threshold = models.FloatField(help_text="0.5 .. 1: the judge's p must reach it.")
    audit_share = models.FloatField(default=0.1)
    seed = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="policy_version_unique"),
            models.UniqueConstraint(
                fields=["project"], name="policy_one_active", condition=Q(state="active")
            ),
            models.CheckConstraint(
                name="policy_threshold_range", condition=Q(threshold__gte=0.5, threshold__lte=1)
            ),
            models.CheckConstraint(
                name="policy_audit_share_range",
                condition=Q(audit_share__gte=0.05, audit_share__lte=1),
            ),
            models.CheckConstraint(
                name="policy_state_known", condition=Q(state__in=["draft", "active", "retired"])
            ),
        ]

    def __str__(self) -> str:
        return f"routing policy v{self.version}"


class RoutingRun(Job):
    """One pass of a policy over the tasks it has not decided yet."""

    task_name = "routing.tasks.run_routing"
    queue = "serving"  # where reward models are warm, and no training run is in the way

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="routing_runs")
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, related_name="runs")

    class Meta(Job.Meta):
        pass

    def __str__(self) -> str:
        return f"routing run {self.pk}"


class Decision(models.Model):
    """Where one policy sent one task, and why. Append-only."""

    class Route(models.TextChoices):
        AI = "ai"
        PEOPLE = "people"
        BOTH = "both"

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="decisions")
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, related_name="decisions")
    score = models.FloatField(help_text="The judge's probability of its own choice.")
    threshold = models.FloatField()
    route = models.CharField(max_length=8, choices=Route.choices)
    explored = models.BooleanField(default=False, help_text="Sent to people by the audit draw.")
    propensity = models.FloatField(help_text="Probability of a human label under the policy.")
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "policy"], name="decision_unique"),
            models.CheckConstraint(
                name="decision_route_known", condition=Q(route__in=["ai", "people", "both"])
            ),
            models.CheckConstraint(
                name="decision_propensity_range",
                condition=Q(propensity__gt=0, propensity__lte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} to {self.route}"
