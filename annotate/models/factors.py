"""Reports on what responses have that people choose."""

from django.db import models

from annotate.models.job import Job
from annotate.models.project import Project


class FactorRun(Job):
    """A report on factors being reckoned, or done. Old ones are removed.

    `result` is what annotate/services/reports/factors.py makes: see annotate/factors/report.py.
    """

    task_name = "annotate.tasks.compute_factors"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="factor_runs")
    rules = models.JSONField(help_text="Which votes count: see services/reports/factor_votes.py.")
    result = models.JSONField(null=True, editable=False)

    class Meta(Job.Meta):
        pass

    def __str__(self) -> str:
        return f"factor report {self.pk}"
