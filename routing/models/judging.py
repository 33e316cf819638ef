"""Judges at work: what they may spend, their runs, every call, and what they suggest."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from annotate.models import Job, Judge, Project, Task

NOTHING_YET = Decimal(0)
MONEY = {"max_digits": 14, "decimal_places": 6}  # US dollars, to the millionth


class JudgeAccount(models.Model):
    """What the judge of this name may spend and how fast it may ask, in all its versions.

    `reserved` is the most that calls under way can cost. A call begins only while
    spent + reserved + its own most stays within the limit, decided under the lock of this row.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_accounts")
    name = models.CharField(max_length=100, help_text="The judge's.")
    input_price = models.DecimalField(
        default=NOTHING_YET, help_text="Dollars for a million tokens sent.", **MONEY
    )
    output_price = models.DecimalField(
        default=NOTHING_YET, help_text="Dollars for a million tokens answered.", **MONEY
    )
    spending_limit = models.DecimalField(default=NOTHING_YET, **MONEY)
    spent = models.DecimalField(default=NOTHING_YET, **MONEY)
    reserved = models.DecimalField(default=NOTHING_YET, **MONEY)
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)
    tokens_per_minute = models.PositiveIntegerField(null=True, blank=True)
    concurrency = models.PositiveSmallIntegerField(default=4, help_text="Calls at a time.")
    attempts = models.PositiveSmallIntegerField(default=3, help_text="Of one call.")
    patience = models.PositiveSmallIntegerField(default=60, help_text="Seconds for one call.")
    blocked_until = models.DateTimeField(
        null=True, blank=True, help_text="The server asked to wait."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="judge_account_unique"),
            models.CheckConstraint(
                name="judge_account_money_range",
                condition=Q(
                    input_price__gte=0,
                    output_price__gte=0,
                    spending_limit__gte=0,
                    spent__gte=0,
                    reserved__gte=0,
                ),
            ),
            models.CheckConstraint(
                name="judge_account_pace_range",
                condition=Q(
                    concurrency__gte=1,
                    concurrency__lte=64,
                    attempts__gte=1,
                    attempts__lte=10,
                    patience__gte=1,
                    patience__lte=600,
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"account of {self.name}"

    @property
    def left(self) -> Decimal:
        return max(NOTHING_YET, self.spending_limit - self.spent - self.reserved)


class JudgeRun(Job):
    """A judge's work through tasks. A dry run labels nothing and reports instead.

    `cursor` is the last task that is over, so a run that was killed goes on behind it.
    """

    task_name = "routing.tasks.run_judge"

    class Purpose(models.TextChoices):
        LABEL = "label", _("Labels")
        DRY_RUN = "dry_run", _("Dry run")
        TAG = "tag", _("Tags of prompts")
        MEASURE = "measure", _("Measured against people")
        DRAFT = "draft", _("Drafts of criteria")
        CRITERIA = "criteria", _("Outputs checked by criteria")
        EXPLAIN = "explain", _("Principles of choices")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="judge_runs")
    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="runs")
    purpose = models.CharField(max_length=8, choices=Purpose.choices, default=Purpose.LABEL)
    most_tasks = models.PositiveIntegerField(null=True, blank=True)
    retry_failed = models.BooleanField(default=False)
    cursor = models.BigIntegerField(default=0)
    labelled = models.PositiveIntegerField(default=0)
    abstained = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    report = models.JSONField(default=dict)

    class Meta(Job.Meta):
        constraints = [
            *Job.Meta.constraints,
            models.CheckConstraint(
                name="judgerun_purpose_known",
                condition=Q(
                    purpose__in=[
                        *("label", "dry_run", "tag", "measure", "draft", "criteria", "explain")
                    ]
                ),
            ),
            models.UniqueConstraint(
                fields=["judge"],
                name="judgerun_one_at_a_time",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.judge}"


class JudgeCall(models.Model):
    """One call of a judge: a task, its responses in one order. Begun before it is made (`asked`),
    and then ended once, with an answer or a failure (triggers see to it).

    `fingerprint` names what was asked of whom (kind, model, template, principles), so that judges
    that would ask the same share the answer and none is paid twice. An `asked` row whose run is
    gone may have been billed: it is ended as interrupted, charged in full, and not asked again
    unless somebody says so.
    """

    class State(models.TextChoices):
        ASKED = "asked", _("Under way")
        ANSWERED = "answered", _("Answered")
        FAILED = "failed", _("Failed")

    class Failure(models.TextChoices):
        RATE_LIMITED = "rate_limited", _("Too many requests (429)")
        REFUSED = "refused", _("The request was refused (4xx)")
        SERVER_ERROR = "server_error", _("The model's server failed (5xx)")
        UNREACHABLE = "unreachable", _("No connection")
        TIMED_OUT = "timed_out", _("Nothing came in time")
        BROKEN_OFF = "broken_off", _("The reply broke off")
        MALFORMED = "malformed", _("The reply could not be read")
        INVALID = "invalid", _("The answer was not what was asked for")
        INTERRUPTED = "interrupted", _("This server was interrupted")

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="calls")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="judge_calls")
    run = models.ForeignKey(
        JudgeRun, on_delete=models.PROTECT, related_name="calls", null=True, db_index=False
    )
    account = models.ForeignKey(
        JudgeAccount, on_delete=models.PROTECT, related_name="calls", null=True, db_index=False
    )
    fingerprint = models.CharField(max_length=64, default="")
    shown_order = ArrayField(models.BigIntegerField())
    sample = models.PositiveSmallIntegerField(default=0)
    attempt = models.PositiveSmallIntegerField(default=1)
    template = models.CharField(max_length=40, blank=True, help_text="Kind and version of it.")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ANSWERED)
    failure = models.CharField(max_length=16, choices=Failure.choices, blank=True)
    detail = models.CharField(max_length=500, blank=True, help_text="For managers.")
    told = models.JSONField(
        null=True, editable=False, help_text="Why it failed or abstains, for other languages."
    )
    raw = models.JSONField(default=dict, help_text="The judge's answer as it came.")
    p_first = models.FloatField(null=True, help_text="Probability that the first shown is better.")
    value = models.JSONField(null=True, help_text="The answer, for other kinds than pairs.")
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    most_tokens = models.PositiveIntegerField(default=0, help_text="Counted by the rate limit.")
    reserved = models.DecimalField(default=NOTHING_YET, **MONEY)
    cost = models.DecimalField(default=NOTHING_YET, **MONEY)
    seconds = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # What is known of a task's calls is looked up by it.
            models.UniqueConstraint(
                fields=["task", "fingerprint", "shown_order", "sample", "attempt"],
                name="judge_call_unique",
            ),
            models.UniqueConstraint(
                fields=["task", "fingerprint", "shown_order", "sample"],
                name="judge_call_answered_once",
                condition=Q(state__in=["asked", "answered"]),
            ),
            models.CheckConstraint(
                name="judge_call_probability", condition=Q(p_first__gte=0, p_first__lte=1)
            ),
            models.CheckConstraint(
                name="judge_call_state_known",
                condition=Q(state__in=["asked", "answered", "failed"]),
            ),
            models.CheckConstraint(
                name="judge_call_failure_told",
                condition=Q(state="failed", p_first=None, value=None) & ~Q(failure="")
                | Q(state__in=["asked", "answered"], failure=""),
            ),
            models.CheckConstraint(
                name="judge_call_failure_known",
                condition=Q(
                    failure__in=[
                        "",
                        "rate_limited",
                        "refused",
                        "server_error",
                        "unreachable",
                        "timed_out",
                        "broken_off",
                        "malformed",
                        "invalid",
                        "interrupted",
                    ]
                ),
            ),
            models.CheckConstraint(
                name="judge_call_money_range", condition=Q(reserved__gte=0, cost__gte=0)
            ),
            models.CheckConstraint(
                name="judge_call_end_complete",
                condition=Q(state="asked", finished_at=None, account__isnull=False)
                | ~Q(state="asked") & Q(finished_at__gte=F("created_at"))
                | ~Q(state="asked") & Q(finished_at=None, account=None),
            ),
        ]
        indexes = [
            # Rates: an account's calls of the last minute.
            models.Index(
                fields=["account", "created_at"],
                name="judge_call_rate",
                condition=Q(account__isnull=False),
            ),
            # The page: a judge's latest failures.
            models.Index(
                fields=["judge", "id"], name="judge_call_failures", condition=Q(state="failed")
            ),
            # Calls whose run is gone.
            models.Index(
                fields=["judge", "created_at"],
                name="judge_call_under_way",
                condition=Q(state="asked"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.judge} on {self.task}"

    @property
    def message(self) -> str:
        """What pages show where it was kept before there were words for it."""
        return self.detail


class Suggestion(models.Model):
    """What a judge proposes for a task, in the form of the project's kind, until people confirm it.
    No label: it counts nowhere. Append-only.
    """

    judge = models.ForeignKey(Judge, on_delete=models.PROTECT, related_name="suggestions")
    # Look-ups by task go through suggestion_unique.
    task = models.ForeignKey(
        Task, on_delete=models.PROTECT, related_name="suggestions", db_index=False
    )
    kind = models.CharField(max_length=32)
    schema_version = models.PositiveSmallIntegerField(default=1)
    value = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "judge"], name="suggestion_unique"),
        ]

    def __str__(self) -> str:
        return f"suggestion of {self.judge} for {self.task}"
