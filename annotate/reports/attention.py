"""What annotators want a manager to see: flags, and tasks they declined."""

from django.db.models import QuerySet

from annotate.models import Judgement, Project, Skip
from annotate.reports.remembered import remembered

SHOWN = 5


def flagged(project: Project) -> QuerySet[Judgement]:
    """Judgements with a flag, the latest first."""
    rows = Judgement.objects.filter(project=project).current().exclude(flag="")
    return rows.select_related("annotator", "task__prompt").order_by("-id")


def skipped(project: Project) -> QuerySet[Skip]:
    """Skips, the latest first."""
    rows = Skip.objects.filter(seat__project=project)
    return rows.select_related("annotator", "task__prompt").order_by("-id")


def latest_flags(project: Project) -> list[Judgement]:
    return remembered(f"report-flags:{project.pk}", lambda: list(flagged(project)[:SHOWN]))


def latest_skips(project: Project) -> list[Skip]:
    return remembered(f"report-skips:{project.pk}", lambda: list(skipped(project)[:SHOWN]))
