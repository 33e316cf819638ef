"""How many judgements came in, hour by hour or day by day."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _

from annotate.charts import Chart, bar_chart
from annotate.models import Project
from annotate.reports.latest import LATEST, latest_judgements
from annotate.reports.remembered import remembered

DAYS = 30
HOURS = 48


@dataclass(frozen=True)
class Activity:
    """`cut_at`: nothing before it was counted, because the window of judgements ended there."""

    chart: Chart
    total: int
    cut_at: datetime | None


def activity(project: Project) -> Activity | None:
    """Bars of the last 48 hours, or of 30 days where the work is older. None without any."""
    hours = remembered(f"report-activity:{project.pk}", lambda: _per_hour(project))
    if not hours:
        return None
    now = timezone.now()
    by_hour = min(hours) > now - timedelta(hours=HOURS)
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    counts = hours if by_hour else _per_day(hours)
    total = sum(hours.values())
    return Activity(
        chart=bar_chart(
            _("Judgements an hour") if by_hour else _("Judgements a day"),
            _bars(counts, step, now),
            unit=_("judgements"),
            label=_("Hour (UTC)") if by_hour else _("Day"),
        ),
        total=total,
        cut_at=min(hours) if total >= LATEST * 0.9 else None,
    )


def _per_hour(project: Project) -> dict[datetime, int]:
    since = timezone.now() - timedelta(days=DAYS)
    rows = latest_judgements(project).filter(submitted_at__gte=since)
    by_hour = rows.annotate(hour=TruncHour("submitted_at")).order_by().values_list("hour")
    return dict(by_hour.annotate(n=Count("*")))


def _per_day(hours: dict[datetime, int]) -> dict[datetime, int]:
    days: dict[datetime, int] = {}
    for hour, count in hours.items():
        day = hour.replace(hour=0)
        days[day] = days.get(day, 0) + count
    return days


def _bars(counts: dict[datetime, int], step: timedelta, now: datetime) -> list[tuple[str, float]]:
    """Every step from the first to the present one, empty ones too."""
    at, bars = min(counts), []
    hourly = step < timedelta(days=1)
    while at <= now:
        day = date_format(at, "MONTH_DAY_FORMAT")
        name = f"{day} {time_format(at)}" if hourly else day
        bars.append((name, counts.get(at, 0)))
        at += step
    return bars
