"""Who should label what: policies, and what they decided."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Judge, Project, Task


class RoutingPolicy(models.Model):
    """Who labels what, by one rule; a change is a new version.

    Kind `margin`: the judge labels a task when its probability of being right, as it sees
    it itself, is at least `threshold`; `audit_share` of those also go to people.

    The other kinds are those of routing/policies: `artifact` is the fitted policy, `settings` its
    budget, rules and exploration, `spec` the features that it was fitted with, and `metrics` what
    was measured on prompts that it was not fitted on. In shadow a policy decides and nothing
    follows from it.
    """

    class Kind(models.TextChoices):
        MARGIN = "margin", _("The judge’s own certainty")
        RANDOM = "random", _("By chance")
        RULE = "rule", _("By hard rules alone")
        PPM = "ppm", _("By what the reward model gains (PPM)")
        ERROR = "error", _("By the expected error of each label")
        CASCADE = "cascade", _("A cascade of judges with a guarantee")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SHADOW = "shadow", _("In shadow")
        ACTIVE = "active", _("In force")
        RETIRED = "retired", _("Retired")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="routing_policies")
    version = models.PositiveIntegerField()
    kind = models.CharField(max_length=32, choices=Kind.choices, default=Kind.MARGIN)
    judge = models.ForeignKey(
        Judge,
        on_delete=models.PROTECT,
        related_name="policies",
        help_text="The strongest of its judges.",
    )
    threshold = models.FloatField(null=True, help_text="0.5 .. 1: the judge's p must reach it.")
    audit_share = models.FloatField(default=0.1, help_text="Explored of what the AI would keep.")
    spec = models.ForeignKey(
        "FeatureSpecification", on_delete=models.PROTECT, null=True, related_name="policies"
    )
    settings = models.JSONField(default=dict)
    artifact = models.JSONField(null=True)
    metrics = models.JSONField(default=dict)
    seed = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    created_at = models.DateTimeField(auto_now_add=True)
    in_force_since = models.DateTimeField(null=True, blank=True)
    state_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when it is in force, or in shadow, and so on."
    )
    upkeep_failure = models.JSONField(
        null=True, editable=False, help_text="Why it could not be looked after: since, at, message."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "version"], name="policy_version_unique"),
            models.UniqueConstraint(
                fields=["project"], name="policy_one_active", condition=Q(state="active")
            ),
            models.UniqueConstraint(
                fields=["project"], name="policy_one_in_shadow", condition=Q(state="shadow")
            ),
            models.CheckConstraint(
                name="policy_threshold_range", condition=Q(threshold__gte=0.5, threshold__lte=1)
            ),
            models.CheckConstraint(
                name="policy_complete",
                condition=Q(kind="margin", threshold__isnull=False)
                | ~Q(kind="margin") & Q(threshold=None, artifact__isnull=False),
            ),
            models.CheckConstraint(
                name="policy_audit_share_range",
                condition=Q(audit_share__gte=0.05, audit_share__lte=1),
            ),
            models.CheckConstraint(
                name="policy_kind_known",
                condition=Q(kind__in=["margin", "random", "rule", "ppm", "error", "cascade"]),
            ),
            models.CheckConstraint(
                name="policy_state_known",
                condition=Q(state__in=["draft", "shadow", "active", "retired"]),
            ),
        ]

    def __str__(self) -> str:
        return f"routing policy v{self.version}"

    @property
    def is_fitted(self) -> bool:
        return self.kind != self.Kind.MARGIN


class PolicyJudge(models.Model):
    """One of a fitted policy's judges; positions run from cheap to strong."""

    policy = models.ForeignKey(
        RoutingPolicy, on_delete=models.CASCADE, related_name="places", db_index=False
    )
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="places")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "position"], name="policy_judge_place"),
            models.UniqueConstraint(fields=["policy", "judge"], name="policy_judge_once"),
        ]

    def __str__(self) -> str:
        return f"{self.judge} of {self.policy}"


class PolicyFit(Job):
    """Fitting a policy to what judges and people both labelled; makes a draft."""

    task_name = "routing.tasks.fit_policy"
    queue = "serving"  # where reward models are warm: they read what they have not read yet

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="policy_fits")
    kind = models.CharField(max_length=32, choices=RoutingPolicy.Kind.choices)
    judges = ArrayField(models.BigIntegerField(), help_text="Ids, from cheap to strong.")
    settings = models.JSONField(default=dict)
    policy = models.ForeignKey(
        RoutingPolicy, on_delete=models.SET_NULL, null=True, related_name="fits"
    )

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="policyfit_kind_known",
                condition=Q(kind__in=["random", "rule", "ppm", "error", "cascade"]),
            ),
            models.UniqueConstraint(
                fields=["project"],
                name="policyfit_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"fit {self.pk} of a {self.kind} policy"


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
    """Where one policy sent one task, and why. Append-only.

    `wanted` is where the policy alone would have sent it: a held-out prompt, or a person who had
    begun the task, changes the route. A policy in shadow leaves rows that nothing followed from;
    once it is in force it decides on the same tasks for real.
    """

    class Route(models.TextChoices):
        AI = "ai", _("AI judge alone")
        PEOPLE = "people", _("People")
        BOTH = "both", _("AI judge, audited by people")
        EXPERT = "expert", _("Experts")

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="decisions")
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, related_name="decisions")
    score = models.FloatField(
        help_text="The judge's probability of its own choice; of a fitted policy, its gain."
    )
    threshold = models.FloatField(null=True)
    route = models.CharField(max_length=8, choices=Route.choices)
    wanted = models.CharField(max_length=8, choices=Route.choices, blank=True)
    explored = models.BooleanField(default=False, help_text="Sent to people by the audit draw.")
    propensity = models.FloatField(help_text="Probability of a human label under the policy.")
    p_err = models.FloatField(null=True, help_text="Expected error of the judge's label.")
    judge_label = models.SmallIntegerField(
        null=True, help_text="1 for the task's first response, -1 for the second, 0 for neither."
    )
    cost = models.FloatField(default=0, help_text="Of people's label, in the budget's unit.")
    shadow = models.BooleanField(default=False)
    reasons = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "policy", "shadow"], name="decision_unique"),
            models.CheckConstraint(
                name="decision_route_known",
                condition=Q(route__in=["ai", "people", "both", "expert"])
                & Q(wanted__in=["", "ai", "people", "both", "expert"]),
            ),
            models.CheckConstraint(
                name="decision_propensity_range",
                condition=Q(propensity__gt=0, propensity__lte=1),
            ),
            models.CheckConstraint(
                name="decision_judge_label_known", condition=Q(judge_label__in=[-1, 0, 1])
            ),
            models.CheckConstraint(
                name="decision_p_err_range", condition=Q(p_err__gte=0, p_err__lte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} to {self.route}"
