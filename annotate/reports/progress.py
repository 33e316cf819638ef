"""How far a project is, how fast it goes, and when it may end."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from django.utils import timezone

from annotate.models import Judgement, Project, Seat, Task
from annotate.reports.latest import latest_judgements
from annotate.reports.remembered import remembered
from annotate.shares import whole_percent

PACE_WINDOW = timedelta(days=7)
FEWEST_JUDGEMENTS = 20
SHORTEST_SPAN = timedelta(minutes=10)


@dataclass(frozen=True)
class Pace:
    """Judgements an hour since `since`, pauses included; None when there is too little."""

    per_hour: float | None
    since: datetime | None
    judgements: int
    minutes: int = 0
    """Whole minutes from the first to the last of them."""

    @property
    def per_day(self) -> float | None:
        return None if self.per_hour is None else self.per_hour * 24


@dataclass(frozen=True)
class Progress:
    """Seats by state (void ones left out of `wanted`), and the pace."""

    tasks: int
    done: int
    leased: int
    open: int
    pace: Pace

    @property
    def wanted(self) -> int:
        return self.done + self.leased + self.open

    @property
    def left(self) -> int:
        return self.leased + self.open

    @property
    def percent(self) -> int:
        """0..100: 0 means that nothing is done, 100 that nothing is left."""
        return whole_percent(self.done, self.wanted)

    @property
    def ends_at(self) -> datetime | None:
        """When the rest is done at this pace; None without a pace or beyond ten years."""
        if not self.pace.per_hour or not self.left:
            return None
        hours = self.left / self.pace.per_hour
        return timezone.now() + timedelta(hours=hours) if hours < 87_600 else None

    @property
    def ends_soon(self) -> bool:
        """In less than SHORTEST_SPAN: too soon for a date to say anything."""
        ends_at = self.ends_at
        return ends_at is not None and ends_at - timezone.now() < SHORTEST_SPAN


def progress(project: Project) -> Progress:
    """Four queries, of which the three counts are answered by indexes alone."""
    return remembered(f"report-progress:{project.pk}", lambda: _progress(project))


def _progress(project: Project) -> Progress:
    seats = Seat.objects.counts_by_state([project.pk]).get(project.pk, {})
    return Progress(
        tasks=Task.objects.filter(project=project).count(),
        done=seats.get(Seat.State.DONE, 0),
        leased=seats.get(Seat.State.LEASED, 0),
        open=seats.get(Seat.State.OPEN, 0),
        pace=pace(project),
    )


def pace(project: Project) -> Pace:
    """The pace of the last seven days, from first answers to seats among the latest judgements.

    Without FEWEST_JUDGEMENTS over SHORTEST_SPAN there is none: better no estimate than a wrong
    one.
    """
    now = timezone.now()
    first_answers = (
        latest_judgements(project)
        .ordinary()
        .filter(seat__isnull=False, late=False, submitted_at__gte=now - PACE_WINDOW)
    )
    found = first_answers.aggregate(
        n=Count("*"), first=Min("submitted_at"), last=Max("submitted_at")
    )
    span = found["last"] - found["first"] if found["n"] else timedelta(0)
    minutes = span // timedelta(minutes=1)
    if found["n"] < FEWEST_JUDGEMENTS or span < SHORTEST_SPAN:
        return Pace(None, found["first"], found["n"], minutes)
    hours = (now - found["first"]).total_seconds() / 3600
    return Pace(found["n"] / hours, found["first"], found["n"], minutes)


def judged_by_ai(project: Project) -> int:
    """Judgements by the project's judges, counted along the index of the judge."""
    return remembered(
        f"report-ai-judgements:{project.pk}",
        lambda: Judgement.objects.filter(judge__project=project).count(),
    )
