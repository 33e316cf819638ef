"""What a schedule waits for: each of its triggers, and what holds it back."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, TextField
from django.db.models.functions import Cast, Length
from django.utils import timezone

from annotate.models import Judgement, Project, TaskResponse
from annotate.reports.remembered import remembered
from routing.reports.decisions import JudgeDoubt, judge_doubt
from training.models import Schedule, TrainingLimits, TrainingRun
from training.services import cron
from training.services.limits import Hold, hold_of, limits_of, zone_of
from training.services.reasons import Reason
from training.triggers.drift import Shift, largest_shift

DRIFT_ROWS = 2000
"""At most so many judgements on either side; the newest ones."""
LEAST_DRIFT_ROWS = 100


@dataclass(frozen=True)
class Outlook:
    """`running` is the schedule's run under way; a new one waits for its end and for `hold`."""

    schedule: Schedule
    reasons: list[Reason]
    running: TrainingRun | None
    hold: Hold | None

    @property
    def due(self) -> bool:
        return any(reason.due for reason in self.reasons)

    @property
    def starts(self) -> bool:
        """Whether a run would be queued now."""
        return self.due and self.running is None and self.hold is None and self.schedule.enabled

    @property
    def next_at(self) -> datetime | None:
        """The earliest time that is known; judgements may bring it forward."""
        times = [reason.at for reason in self.reasons if reason.at]
        earliest = min(times, default=None)
        if earliest and self.hold and self.hold.until:
            return max(earliest, self.hold.until)
        return earliest


def outlooks(project: Project, limits: TrainingLimits) -> list[Outlook]:
    """Of all its schedules: those that are due first, then by the time that is known."""
    found = Schedule.objects.filter(project=project).select_related("project").order_by("pk")
    now = timezone.now()
    hold = hold_of(limits, now)
    seen = [_outlook(schedule, now, limits, hold) for schedule in found]
    far = now + timedelta(days=36500)
    return sorted(seen, key=lambda one: (not one.schedule.enabled, not one.due, one.next_at or far))


def outlook(schedule: Schedule, now: datetime) -> Outlook:
    """What the schedule waits for. A few index look-ups; drift and doubt are remembered."""
    limits = limits_of(schedule.project)
    return _outlook(schedule, now, limits, hold_of(limits, now))


def _outlook(
    schedule: Schedule, now: datetime, limits: TrainingLimits, hold: Hold | None
) -> Outlook:
    return Outlook(
        schedule=schedule,
        reasons=list(_reasons(schedule, now, limits)),
        running=schedule.runs.going().first(),
        hold=hold,
    )


def _reasons(schedule: Schedule, now: datetime, limits: TrainingLimits) -> Iterable[Reason]:
    since = schedule.last_queued_at or schedule.created_at
    if schedule.every_hours:
        at = since + timedelta(hours=schedule.every_hours)
        yield Reason("hours", due=at <= now, at=at, wants=schedule.every_hours)
    if schedule.cron:
        at = cron.next_time(schedule.cron, since, zone_of(limits))
        yield Reason("cron", due=at <= now, at=at, detail=schedule.cron)
    if schedule.every_judgements:
        wants = schedule.every_judgements
        has = _fresh(schedule)[:wants].count()
        yield Reason("judgements", due=has == wants, has=has, wants=wants)
    if schedule.drift_above:
        yield _drift(schedule)
    if schedule.on_routing:
        yield _doubt(schedule.project, since)


def _fresh(schedule: Schedule) -> Any:
    """Labels that came after its last run was queued."""
    mine = Judgement.objects.labels().filter(
        project=schedule.project, pk__gt=schedule.last_judgement_id
    )
    return mine.order_by("pk")


def _drift(schedule: Schedule) -> Reason:
    key = f"drift:{schedule.pk}:{schedule.last_judgement_id}"
    found: Shift | str = remembered(key, lambda: _shift(schedule) or "none")
    wants = schedule.drift_above
    if isinstance(found, str):
        return Reason("drift", due=False, wants=wants)
    due = found.index > wants
    return Reason("drift", due=due, has=found.index, wants=wants, detail=found.feature)


def _shift(schedule: Schedule) -> Shift | None:
    """None while there are fewer than LEAST_DRIFT_ROWS on either side."""
    mine = Judgement.objects.labels().filter(project=schedule.project)
    before = mine.filter(pk__lte=schedule.last_judgement_id).order_by("-pk")
    after = mine.filter(pk__gt=schedule.last_judgement_id).order_by("-pk")
    old, new = _features(before[:DRIFT_ROWS]), _features(after[:DRIFT_ROWS])
    if min(len(old), len(new)) < LEAST_DRIFT_ROWS:
        return None
    return largest_shift(old, new)


def _features(judgements: Any) -> list[dict[str, Any]]:
    """Of each judged task: the prompt's language, topic and length, who wrote the responses.

    Two queries.
    """
    rows = judgements.annotate(
        length=Length(Cast("task__prompt__conversation", TextField()))
    ).values_list("task_id", "task__prompt__language", "task__prompt__taxonomy", "length")
    found = list(rows)
    places = TaskResponse.objects.filter(task__in={row[0] for row in found})
    writers: dict[int, set[str]] = {}
    named = places.values_list("task_id", "response__generator", "response__generator_version")
    for task_id, generator, version in named:
        writers.setdefault(task_id, set()).add(f"{generator} {version}".strip())
    return [
        {
            "language": language,
            "topic": topic,
            "prompt length": length,
            "generators": ", ".join(sorted(writers.get(task_id, ()))),
        }
        for task_id, language, topic, length in found
    ]


def _doubt(project: Project, since: datetime) -> Reason:
    found: JudgeDoubt = remembered(
        f"doubt:{project.pk}:{since.timestamp()}", lambda: judge_doubt(project, since)
    )
    detail = f"{found.agreeing}/{found.tasks}"
    return Reason("routing", due=found.is_wish, has=found.rate, wants=found.expected, detail=detail)


def newest_judgement(project: Project) -> int:
    """The highest id, 0 while there is none. An index look-up."""
    return Judgement.objects.filter(project=project).aggregate(Max("pk"))["pk__max"] or 0
