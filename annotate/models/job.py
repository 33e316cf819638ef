"""Long work as rows: who runs it, how far it is, and whether it should stop."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotate.models.project import Project
from annotate.shares import whole_percent


class JobState(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Job(models.Model):
    """A row that a worker leases, reports into and ends. See annotate/services/jobs.py.

    Subclasses name the Celery task that runs them and its queue. A message carries the id
    alone; the lease (`owner`, `lease_until`) decides who works, so a lost, late or doubled
    message changes nothing.
    """

    task_name: str
    queue = "default"

    state = models.CharField(max_length=12, choices=JobState.choices, default=JobState.QUEUED)
    owner = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    progress = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    message = models.TextField(blank=True, help_text="What it is doing, or why it failed.")
    told = models.JSONField(
        null=True, editable=False, help_text="The message for other languages: see wording.Told."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                name="%(class)s_state_known",
                condition=Q(state__in=["queued", "running", "done", "failed", "cancelled"]),
            ),
            models.CheckConstraint(
                name="%(class)s_running_is_leased",
                condition=~Q(state="running") | Q(lease_until__isnull=False),
            ),
        ]
        indexes = [
            # Sweep: rows that are due or whose worker fell silent.
            models.Index(
                fields=["state", "lease_until"],
                name="%(class)s_due",
                condition=Q(state__in=["queued", "running"]),
            ),
        ]

    @property
    def is_over(self) -> bool:
        return self.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)

    @property
    def seconds_taken(self) -> float | None:
        """From its first attempt to its end; None before that."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()

    @property
    def percent(self) -> int | None:
        """0..100, or None while the total is unknown. 100 means that all is done."""
        if not self.total:
            return 100 if self.state == JobState.DONE else None
        return whole_percent(self.progress, self.total)


class QueueRoll(models.Model):
    """When the workers of a queue were called last, and when one of them answered: see
    annotate/services/workers.py.
    """

    queue = models.CharField(max_length=40, primary_key=True)
    called_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"roll of {self.queue}"


class ImportRun(Job):
    """A file on its way into a project."""

    task_name = "annotate.tasks.run_import"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="import_runs")
    file_name = models.CharField(max_length=255)
    stored_as = models.CharField(max_length=100, help_text="Under VAR_DIR/uploads.")
    format = models.CharField(max_length=32)
    options = models.JSONField(default=dict)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    skipped_count = models.PositiveIntegerField(default=0)
    error_count = models.PositiveIntegerField(default=0)

    class Meta(Job.Meta):
        pass

    def __str__(self) -> str:
        return f"import of {self.file_name}"


class ImportRowError(models.Model):
    """A row that could not be taken in, kept whole so that it can be mended and sent again."""

    import_run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="errors")
    line = models.PositiveIntegerField()
    field = models.CharField(max_length=200, blank=True)
    value = models.TextField(blank=True, help_text="An excerpt.")
    message = models.TextField()
    told = models.JSONField(
        null=True, editable=False, help_text="The message for other languages: see wording.Told."
    )
    raw = models.TextField(blank=True, help_text="The row itself, up to a size.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["import_run", "line", "field", "message"], name="import_error_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"
