"""What one person did in a project, for that person: figures, days, and the rows behind them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from annotate.charts import Chart, bar_chart
from annotate.models import Judgement, Project, Skip, User
from annotate.reports.latest import Median

PAGE = 50
DAYS = 30


@dataclass(frozen=True)
class OwnFigures:
    """`judged` counts tasks, `changed` answers that were changed later. Seconds are active ones."""

    judged: int
    today: int
    week: int
    changed: int
    declined: int
    seconds: float | None
    median_seconds: float | None
    first_at: datetime | None
    last_at: datetime | None


def own_figures(project: Project, user: User) -> OwnFigures:
    """Of all that the person did here. Days are UTC's. Two queries."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    first = Q(supersedes=None)
    found = _own(project, user).aggregate(
        judged=Count("pk", filter=first),
        today=Count("pk", filter=first & Q(submitted_at__gte=today)),
        week=Count("pk", filter=first & Q(submitted_at__gte=today - timedelta(days=6))),
        changed=Count("pk", filter=~first),
        seconds=Sum("seconds_active"),
        median_seconds=Median("seconds_active", filter=first),
        first_at=Min("submitted_at"),
        last_at=Max("submitted_at"),
    )
    declined = Skip.objects.filter(seat__project=project, annotator=user).count()
    return OwnFigures(declined=declined, **found)


def own_days(project: Project, user: User) -> Chart | None:
    """Tasks judged on each of the last 30 days, UTC; None where there were none."""
    today = timezone.now().date()
    since = today - timedelta(days=DAYS - 1)
    rows = (
        _own(project, user)
        .filter(supersedes=None, submitted_at__date__gte=since)
        .annotate(day=TruncDate("submitted_at"))
        .order_by()
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    counts: dict[date, int] = dict(rows)
    if not counts:
        return None
    days = [since + timedelta(days=one) for one in range(DAYS)]
    bars = [(date_format(day, "MONTH_DAY_FORMAT"), counts.get(day, 0)) for day in days]
    return bar_chart(_("Tasks judged a day"), bars, unit=_("tasks"), label=_("Day"))


def own_judgements(
    project: Project, user: User, before: int | None
) -> tuple[Sequence[Judgement], int | None]:
    """A page, the newest first, and where the next begins; each with `is_changed`."""
    rows = _own(project, user).select_related("task__prompt", "superseded_by").order_by("-pk")
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(rows[: PAGE + 1])
    after = found[PAGE - 1].pk if len(found) > PAGE else None
    for row in found[:PAGE]:
        row.is_changed = hasattr(row, "superseded_by")
    return found[:PAGE], after


def own_skips(project: Project, user: User) -> list[Skip]:
    """The latest declined tasks, at most a page of them."""
    rows = Skip.objects.filter(seat__project=project, annotator=user)
    return list(rows.select_related("task__prompt").order_by("-pk")[:PAGE])


def _own(project: Project, user: User) -> QuerySet[Judgement]:
    return Judgement.objects.filter(project=project, annotator=user)
