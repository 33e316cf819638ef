"""Training runs and sampling runs: long jobs that a child process works through."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models import ChatModel, Job, JobState, Project, Snapshot

POLICY_GENERATOR = "policy"


class TrainingRunQuerySet(models.QuerySet):
    def of_project(self, project: Project) -> "TrainingRunQuerySet":
        """A project's runs, newest first, each with what a list shows. One query."""
        return (
            self.filter(project=project)
            .select_related("snapshot", "schedule", "created_by", "model_version")
            .order_by("-pk")
        )

    def going(self) -> "TrainingRunQuerySet":
        """Runs that are queued or running."""
        return self.filter(state__in=[JobState.QUEUED, JobState.RUNNING])


class TrainingRun(Job):
    """One training of one model from one snapshot, with all it takes to do it again."""

    task_name = "training.tasks.run_training"
    queue = "training"

    class Recipe(models.TextChoices):
        REWARD_MODEL = "reward_model", _("Reward model")
        DPO = "dpo", _("DPO policy")

    class Trigger(models.TextChoices):
        """What asked for it: the first five are a schedule's."""

        HOURS = "hours", _("hours since the last run")
        CRON = "cron", _("times of day")
        JUDGEMENTS = "judgements", _("new judgements")
        DRIFT = "drift", _("drift")
        ROUTING = "routing", _("routing")
        PERSON = "person", _("a person")
        LOOP = "loop", _("a loop")
        API = "api", _("the API")
        NOT_RECORDED = "not_recorded", _("not recorded")

    class Phase(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        PREPARING = "preparing", _("Preparing")
        TRAINING = "training", _("Training")
        EVALUATING = "evaluating", _("Evaluating")
        OVER = "over", _("Over")

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="training_runs")
    schedule = models.ForeignKey(
        "training.Schedule", on_delete=models.SET_NULL, null=True, blank=True, related_name="runs"
    )
    trigger = models.CharField(
        max_length=12,
        choices=Trigger.choices,
        default=Trigger.NOT_RECORDED,
        db_default=Trigger.NOT_RECORDED,
        help_text="What asked for it; of a schedule's triggers the first one that was due.",
    )
    reasons = models.JSONField(
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text="All triggers of its schedule that were due then, each with its figures.",
    )
    snapshot = models.ForeignKey(
        Snapshot, on_delete=models.PROTECT, null=True, blank=True, related_name="training_runs"
    )
    recipe = models.CharField(max_length=16, choices=Recipe.choices)
    config = models.JSONField(default=dict, blank=True)
    seed = models.PositiveIntegerField(default=0)
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.WAITING)
    loss = models.FloatField(null=True, blank=True)
    samples_per_second = models.FloatField(null=True, blank=True)
    eta_seconds = models.FloatField(null=True, blank=True)
    peak_memory_mb = models.FloatField(null=True, blank=True)
    device_seconds = models.FloatField(
        default=0, db_default=0, help_text="How long its children worked, over all attempts."
    )
    device = models.CharField(max_length=100, blank=True)
    environment = models.JSONField(
        default=dict, help_text="Package versions and the code's version."
    )
    metrics = models.JSONField(default=dict, help_text="The final figures.")
    child_pid = models.PositiveIntegerField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="trainingrun_recipe_known", condition=Q(recipe__in=["reward_model", "dpo"])
            ),
            models.CheckConstraint(
                name="trainingrun_trigger_known",
                condition=Q(
                    trigger__in=[
                        *("hours", "cron", "judgements", "drift", "routing"),
                        *("person", "loop", "api", "not_recorded"),
                    ]
                ),
            ),
            models.CheckConstraint(
                name="trainingrun_phase_known",
                condition=Q(phase__in=["waiting", "preparing", "training", "evaluating", "over"]),
            ),
            models.UniqueConstraint(
                name="trainingrun_one_per_schedule",
                fields=["schedule"],
                condition=Q(schedule__isnull=False, state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_recipe_display()} run {self.pk}"


class RunMetric(models.Model):
    """What a run reported at one step: the points of its curves."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="points")
    step = models.PositiveIntegerField()
    values = models.JSONField(help_text="Name to number: loss, eval_accuracy, margin, kl …")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # The curve of a run, in order; a resumed run reports a step again and replaces it.
            models.UniqueConstraint(fields=["run", "step"], name="run_metric_step_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.run} at step {self.step}"


class SamplingRun(Job):
    """New responses to some prompts, from a policy version or from a model behind an address."""

    task_name = "training.tasks.run_sampling"
    queue = "training"

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="sampling_runs")
    model_version = models.ForeignKey(
        "training.ModelVersion",
        on_delete=models.PROTECT,
        related_name="sampling_runs",
        null=True,
        blank=True,
    )
    chat_model = models.ForeignKey(
        ChatModel, on_delete=models.PROTECT, related_name="sampling_runs", null=True, blank=True
    )
    config = models.JSONField(
        default=dict, help_text="prompt_ids, max_new_tokens, temperature, against, seed …"
    )
    metrics = models.JSONField(default=dict, help_text="How many responses and tasks it made.")
    device_seconds = models.FloatField(
        default=0, db_default=0, help_text="How long its children worked, over all attempts."
    )

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="samplingrun_one_sampler",
                condition=Q(model_version__isnull=False, chat_model__isnull=True)
                | Q(model_version__isnull=True, chat_model__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"sampling run {self.pk}"

    @property
    def author(self) -> tuple[str, str]:
        """Generator and generator_version of the responses that it makes."""
        if self.chat_model is not None:
            return self.chat_model.model, self.chat_model.name
        return POLICY_GENERATOR, str(self.model_version.number)
