"""The loop of a project: rounds of training, new responses and judging, one after the other."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from annotate.models import ChatModel, Job, Project, Response, Snapshot, Task
from training.models.registry import ModelVersion
from training.models.run import SamplingRun, TrainingRun


class LoopQuerySet(models.QuerySet):
    def open(self) -> "LoopQuerySet":
        """Those that are not over: a project has one at most."""
        return self.filter(state__in=OPEN_STATES)


class Loop(models.Model):
    """What every round of a project does, and whether the next step may be taken.

    Steps are taken by `training/services/advance.py`, under a lock of this row.
    """

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped by a guard")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    class Sampler(models.TextChoices):
        NEWEST = "newest", _("the policy in service")
        VERSION = "version", _("a policy version")
        ENDPOINT = "endpoint", _("a model behind an address")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="loops")
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    reward_config = models.JSONField(help_text="Of the reward model's runs.")
    policy_config = models.JSONField(
        null=True, blank=True, help_text="Of the policy's runs; empty: no policy is trained."
    )
    sampler = models.CharField(max_length=12, choices=Sampler.choices, default=Sampler.NEWEST)
    sampler_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    sampler_model = models.ForeignKey(
        ChatModel, on_delete=models.PROTECT, null=True, blank=True, related_name="loops"
    )
    sampling = models.JSONField(
        help_text="How many prompts by which strategy, responses, pairs, overlap …"
    )
    guards = models.JSONField(help_text="The bounds: see training/loop/guards.py.")
    labels_wanted = models.PositiveIntegerField(
        null=True, blank=True, help_text="People's labels a round; empty: a person goes on by hand."
    )
    rounds_wanted = models.PositiveIntegerField(
        null=True, blank=True, help_text="Done after so many rounds; empty: goes on."
    )
    unknown_reason = models.TextField(
        blank=True,
        help_text="Why a version goes into service where the gate knows nothing.",
    )
    seed = models.PositiveIntegerField(default=0)
    go_on = models.BooleanField(
        default=False, help_text="Somebody asked for the next step without further labels."
    )
    stopped_by = models.JSONField(
        null=True, blank=True, help_text="The guard that stopped it, with its figure and bound."
    )
    waits_for = models.CharField(
        max_length=20, blank=True, help_text="What kept the last look from starting a step."
    )
    failure = models.JSONField(
        null=True, editable=False, help_text="Why it could not be looked at: since, at, message."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LoopQuerySet.as_manager()

    class Meta:
        indexes = [
            # Beat, every few seconds: the loops that may take a step.
            models.Index(fields=["id"], name="loop_active", condition=Q(state="active")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["project"],
                name="loop_one_open",
                condition=Q(state__in=["active", "paused", "stopped"]),
            ),
            models.CheckConstraint(
                name="loop_state_known",
                condition=Q(state__in=["active", "paused", "stopped", "done", "cancelled"]),
            ),
            models.CheckConstraint(
                name="loop_sampler_given",
                condition=Q(sampler="newest", sampler_version=None, sampler_model=None)
                | Q(sampler="version", sampler_version__isnull=False, sampler_model=None)
                | Q(sampler="endpoint", sampler_version=None, sampler_model__isnull=False),
            ),
            models.CheckConstraint(
                name="loop_stop_told",
                condition=Q(state="stopped", stopped_by__isnull=False) | ~Q(state="stopped"),
            ),
            models.CheckConstraint(
                name="loop_labels_positive",
                condition=Q(labels_wanted=None) | Q(labels_wanted__gt=0),
            ),
            models.CheckConstraint(
                name="loop_rounds_positive",
                condition=Q(rounds_wanted=None) | Q(rounds_wanted__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return f"loop {self.pk} of {self.project}"

    @property
    def is_over(self) -> bool:
        return self.state in (Loop.State.DONE, Loop.State.CANCELLED)


OPEN_STATES = (Loop.State.ACTIVE, Loop.State.PAUSED, Loop.State.STOPPED)


class LoopRoundQuerySet(models.QuerySet):
    def with_parts(self) -> "LoopRoundQuerySet":
        """Each with all that a page names. Up to thirteen queries, none of them a long join."""
        return self.prefetch_related(
            "reward_snapshot",
            "policy_snapshot",
            "reward_run",
            "policy_run",
            "sampling_run__model_version",
            "sampling_run__chat_model",
            "matchmaking",
            "reward_version",
            "policy_version",
            "serving_reward",
            "serving_policy",
        )


class LoopRound(models.Model):
    """One round: what each phase made, what the guards said, the figures once it is over."""

    class Phase(models.TextChoices):
        SNAPSHOT = "snapshot", _("Snapshot")
        REWARD_MODEL = "reward_model", _("Reward model")
        POLICY = "policy", _("Policy")
        SAMPLING = "sampling", _("Sampling")
        MATCHMAKING = "matchmaking", _("Matchmaking")
        TASKS = "tasks", _("Tasks")
        JUDGING = "judging", _("Judging")
        OVER = "over", _("Over")

    class Outcome(models.TextChoices):
        DONE = "done", _("Done")
        ROLLED_BACK = "rolled_back", _("Rolled back")
        CANCELLED = "cancelled", _("Cancelled")

    loop = models.ForeignKey(Loop, on_delete=models.CASCADE, related_name="rounds")
    number = models.PositiveIntegerField(help_text="1, 2, 3 … within the loop.")
    phase = models.CharField(max_length=16, choices=Phase.choices, default=Phase.SNAPSHOT)
    phase_since = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices, blank=True)
    after_judgement = models.BigIntegerField(
        help_text="Newest judgement that the last round to end has seen."
    )
    until_judgement = models.BigIntegerField(
        null=True, help_text="Newest judgement when this round's snapshot was frozen."
    )
    reward_snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, related_name="+"
    )
    policy_snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, related_name="+"
    )
    reward_run = models.OneToOneField(
        TrainingRun, on_delete=models.PROTECT, null=True, related_name="round_of_reward"
    )
    policy_run = models.OneToOneField(
        TrainingRun, on_delete=models.PROTECT, null=True, related_name="round_of_policy"
    )
    sampling_run = models.OneToOneField(
        SamplingRun, on_delete=models.PROTECT, null=True, related_name="loop_round"
    )
    matchmaking = models.OneToOneField(
        "training.Matchmaking", on_delete=models.PROTECT, null=True, related_name="loop_round"
    )
    reward_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    policy_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    serving_reward = models.ForeignKey(
        ModelVersion,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="In service once the round's own version had its chance.",
    )
    serving_policy = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    gates = models.JSONField(
        default=dict, help_text="By kind: whether it went into service, and the gate's verdict."
    )
    guards = models.JSONField(default=dict, help_text="By name: what each guard found.")
    former_jobs = models.JSONField(
        default=list, help_text="Failed runs that a manager had repeated: [phase, id]."
    )
    figures = models.JSONField(default=dict, help_text="Frozen when the round ends.")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = LoopRoundQuerySet.as_manager()

    class Meta:
        constraints = [
            # Look-ups by loop go through it.
            models.UniqueConstraint(fields=["loop", "number"], name="loop_round_number_unique"),
            models.UniqueConstraint(
                fields=["loop"], name="loop_round_one_open", condition=~Q(phase="over")
            ),
            models.CheckConstraint(
                name="loop_round_phase_known",
                condition=Q(
                    phase__in=[
                        "snapshot",
                        "reward_model",
                        "policy",
                        "sampling",
                        "matchmaking",
                        "tasks",
                        "judging",
                        "over",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="loop_round_end_complete",
                condition=Q(
                    phase="over",
                    outcome__in=["done", "rolled_back", "cancelled"],
                    finished_at__isnull=False,
                )
                | ~Q(phase="over") & Q(outcome="", finished_at=None),
            ),
            models.CheckConstraint(
                name="loop_round_forward",
                condition=Q(finished_at=None) | Q(finished_at__gte=F("started_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.number} of {self.loop}"

    @property
    def is_over(self) -> bool:
        return self.phase == LoopRound.Phase.OVER

    @property
    def job(self) -> Job | None:
        """The job of the present phase; None before it is queued and in phases without one."""
        return {
            LoopRound.Phase.REWARD_MODEL: self.reward_run,
            LoopRound.Phase.POLICY: self.policy_run,
            LoopRound.Phase.SAMPLING: self.sampling_run,
            LoopRound.Phase.MATCHMAKING: self.matchmaking,
        }.get(LoopRound.Phase(self.phase))


class Matchmaking(Job):
    """Which of a sampling's new responses people are to compare with what.

    The reward model in service scores them first, where there is one.
    """

    task_name = "training.tasks.run_matchmaking"
    queue = "serving"  # where reward models are warm, and no training run is in the way

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="matchmakings")
    sampling_run = models.ForeignKey(
        SamplingRun, on_delete=models.PROTECT, related_name="matchmakings"
    )
    reward_version = models.ForeignKey(
        ModelVersion, on_delete=models.PROTECT, null=True, related_name="+"
    )
    config = models.JSONField(help_text="strategy, pairs a prompt, seed.")
    metrics = models.JSONField(default=dict)
    device_seconds = models.FloatField(
        default=0, help_text="How long its children worked, over all attempts."
    )

    class Meta(Job.Meta):
        pass

    def __str__(self) -> str:
        return f"matchmaking {self.pk}"


class MatchedPair(models.Model):
    """Two responses that were chosen to be compared, and what the reward model thought.

    `other` is an older response, or a second new one (`is_new`).
    """

    matchmaking = models.ForeignKey(
        Matchmaking, on_delete=models.CASCADE, related_name="pairs", db_index=False
    )
    new = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    other = models.ForeignKey(Response, on_delete=models.PROTECT, related_name="+")
    is_new = models.BooleanField(help_text="Whether the other one is new, too.")
    gap = models.FloatField(
        null=True,
        help_text="Reward of the new one less the other's, as the judge scores it.",
    )
    task = models.ForeignKey(
        Task, on_delete=models.PROTECT, null=True, related_name="matched_pairs"
    )

    class Meta:
        constraints = [
            # Look-ups by matchmaking go through it.
            models.UniqueConstraint(
                fields=["matchmaking", "new", "other"], name="matched_pair_unique"
            ),
            models.CheckConstraint(name="matched_pair_of_two", condition=~Q(new=F("other"))),
        ]

    def __str__(self) -> str:
        return f"{self.new} against {self.other}"
