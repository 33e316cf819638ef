"""When models are retrained without anybody asking."""

import logging
import math
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from annotate.kinds import InvalidValue
from annotate.models import Judgement, Project, User
from annotate.services import audit
from training.models import Schedule, TrainingRun
from training.services.configs import clean_config, require_preferences
from training.services.runs import queue_run

logger = logging.getLogger(__name__)

LONGEST_HOURS = 24 * 366
MOST_JUDGEMENTS = 1_000_000_000


@transaction.atomic
def save_schedule(
    *,
    project: Project,
    actor: User | None,
    recipe: str,
    config: dict[str, Any],
    every_hours: float | None = None,
    every_judgements: int | None = None,
    enabled: bool = True,
    schedule: Schedule | None = None,
) -> Schedule:
    """Make a schedule, or give `schedule` these values. Raises InvalidValue naming the field.

    A new one counts hours and judgements from now on.
    """
    _require_trigger(every_hours, every_judgements)
    require_preferences(project, recipe)
    values = {
        "recipe": recipe,
        "config": clean_config(recipe=recipe, config=config),
        "every_hours": every_hours,
        "every_judgements": every_judgements,
        "enabled": enabled,
    }
    if schedule is None:
        newest = newest_judgement(project)
        schedule = Schedule(project=project, created_by=actor, last_judgement_id=newest)
        action = "training.schedule_created"
    else:
        schedule = Schedule.objects.select_for_update().get(pk=schedule.pk, project=project)
        action = "training.schedule_changed"
    for name, value in values.items():
        setattr(schedule, name, value)
    schedule.save()
    audit.record(action=action, target=schedule, actor=actor, project=project, **values)
    return schedule


@transaction.atomic
def delete_schedule(*, schedule: Schedule, actor: User | None) -> None:
    """Remove it; its runs stay and go on."""
    audit.record(
        action="training.schedule_deleted", target=schedule, actor=actor, project=schedule.project
    )
    schedule.delete()


def queue_due_runs() -> list[TrainingRun]:
    """Queue a run for every schedule that is due; beat calls this every few seconds."""
    ids = Schedule.objects.filter(enabled=True, project__archived_at=None).values_list("pk")
    return [run for (pk,) in ids.order_by("pk") if (run := _queue_if_due(pk)) is not None]


@transaction.atomic
def _queue_if_due(schedule_id: int) -> TrainingRun | None:
    """Locks the schedule; one that another process is looking at is left to it."""
    schedule = (
        Schedule.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("project", "created_by")
        .filter(pk=schedule_id, enabled=True)
        .first()
    )
    now = timezone.now()
    if schedule is None or schedule.runs.going().exists() or not is_due(schedule, now):
        return None
    schedule.last_queued_at = now
    schedule.last_judgement_id = newest_judgement(schedule.project)
    schedule.save(update_fields=["last_queued_at", "last_judgement_id"])
    try:
        return queue_run(
            project=schedule.project,
            actor=schedule.created_by,
            recipe=schedule.recipe,
            config=schedule.config,
            schedule=schedule,
        )
    except InvalidValue as error:  # what was right when it was saved need not be so now
        logger.error("%s could not queue a run: %s", schedule, error)
        audit.record(
            action="training.schedule_failed",
            target=schedule,
            actor=None,
            project=schedule.project,
            error=str(error),
        )
        return None


def is_due(schedule: Schedule, now: datetime) -> bool:
    """Whether its hours have passed or its number of new judgements has come."""
    since = schedule.last_queued_at or schedule.created_at
    if schedule.every_hours and now - since >= timedelta(hours=schedule.every_hours):
        return True
    if not schedule.every_judgements:
        return False
    fresh = Judgement.objects.filter(
        project=schedule.project, pk__gt=schedule.last_judgement_id
    ).order_by("pk")
    return fresh[: schedule.every_judgements].count() == schedule.every_judgements


def newest_judgement(project: Project) -> int:
    """The highest id, 0 while there is none. An index look-up."""
    return Judgement.objects.filter(project=project).aggregate(Max("pk"))["pk__max"] or 0


def _require_trigger(every_hours: float | None, every_judgements: int | None) -> None:
    if every_hours is None and every_judgements is None:
        raise InvalidValue("every_hours", "give every_hours, every_judgements or both")
    if every_hours is not None and not (
        math.isfinite(every_hours) and 0.01 <= every_hours <= LONGEST_HOURS
    ):
        raise InvalidValue("every_hours", f"must be from 0.01 to {LONGEST_HOURS}")
    if every_judgements is not None and not 1 <= every_judgements <= MOST_JUDGEMENTS:
        raise InvalidValue("every_judgements", f"must be from 1 to {MOST_JUDGEMENTS}")
