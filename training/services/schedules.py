"""When models are retrained without anybody asking."""

import logging
import math
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotate.failures import kept
from annotate.kinds import InvalidValue
from annotate.models import Project, User
from annotate.services import audit
from training.models import Schedule, TrainingRun
from training.services import cron as cron_expressions
from training.services.configs import clean_config, require_learnable
from training.services.outlook import newest_judgement, outlook
from training.services.runs import queue_run
from training.services.step_failures import forget_failure, record_failure
from training.supervise import DATABASE_AWAY

QUEUING = "queuing"  # the step that failed, where the schedule could be looked at

logger = logging.getLogger(__name__)

LONGEST_HOURS = 24 * 366
MOST_JUDGEMENTS = 1_000_000_000
MOST_DRIFT = 100.0
LONGEST_CRON = 100
CHANGEABLE = (
    *("recipe", "config", "every_hours", "every_judgements", "cron", "drift_above"),
    *("on_routing", "enabled"),
)


@transaction.atomic
def save_schedule(
    *,
    project: Project,
    actor: User | None,
    recipe: str,
    config: dict[str, Any],
    every_hours: float | None = None,
    every_judgements: int | None = None,
    cron: str = "",
    drift_above: float | None = None,
    on_routing: bool = False,
    enabled: bool = True,
    schedule: Schedule | None = None,
) -> Schedule:
    """Make a schedule, or give `schedule` these values. Raises InvalidValue naming the field.

    A new one counts hours and judgements from now on.
    """
    triggers = {
        "every_hours": every_hours,
        "every_judgements": every_judgements,
        "cron": " ".join(cron.split()),
        "drift_above": drift_above,
        "on_routing": on_routing,
    }
    _check_triggers(**triggers)
    require_learnable(project, recipe, config)
    values = {
        "recipe": recipe,
        "config": clean_config(recipe=recipe, config=config),
        **triggers,
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
    schedule.failure = None  # of what it was before
    schedule.save()
    audit.record(action=action, target=schedule, actor=actor, project=project, **values)
    return schedule


@transaction.atomic
def change_schedule(*, schedule: Schedule, actor: User | None, **values: Any) -> Schedule:
    """Change what is given and keep the rest as it is by then. Raises as `save_schedule`."""
    locked = Schedule.objects.select_for_update(of=("self",)).get(pk=schedule.pk)
    kept = {name: getattr(locked, name) for name in CHANGEABLE}
    return save_schedule(project=locked.project, actor=actor, schedule=locked, **{**kept, **values})


@transaction.atomic
def delete_schedule(*, schedule: Schedule, actor: User | None) -> None:
    """Remove it; its runs stay and go on."""
    audit.record(
        action="training.schedule_deleted", target=schedule, actor=actor, project=schedule.project
    )
    schedule.delete()


def queue_due_runs() -> list[TrainingRun]:
    """Queue a run for every schedule that is due; beat calls this every few seconds.

    One that cannot be looked at says why on its page, and keeps no other back.
    """
    ids = Schedule.objects.filter(enabled=True, project__archived_at=None).values_list("pk")
    queued = []
    for (pk,) in ids.order_by("pk"):
        try:
            queued.append(_queue_if_due(pk))
        except DATABASE_AWAY:
            raise
        except Exception as error:
            logger.exception("Schedule %s could not be looked at", pk)
            record_failure(Schedule, pk, error)
    return [run for run in queued if run is not None]


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
    if schedule is None or schedule.runs.going().exists():
        return None
    seen = outlook(schedule, now)
    if not seen.starts:
        _forget_unreadable(schedule)
        return None
    due = [reason for reason in seen.reasons if reason.due]
    schedule.last_queued_at = now
    schedule.last_judgement_id = newest_judgement(schedule.project)
    schedule.save(update_fields=["last_queued_at", "last_judgement_id"])
    try:
        run = queue_run(
            project=schedule.project,
            actor=schedule.created_by,
            recipe=schedule.recipe,
            config=schedule.config,
            trigger=due[0].trigger,
            reasons=due,
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
        schedule.failure = {**kept(error, schedule.failure), "step": QUEUING}
        schedule.save(update_fields=["failure"])
        return None
    forget_failure(Schedule, schedule.pk)
    return run


def _forget_unreadable(schedule: Schedule) -> None:
    """It could be looked at. That no run could be queued stands until one can, or it is changed."""
    if schedule.failure and schedule.failure.get("step") != QUEUING:
        forget_failure(Schedule, schedule.pk)


def _check_triggers(
    *,
    every_hours: float | None,
    every_judgements: int | None,
    cron: str,
    drift_above: float | None,
    on_routing: bool,
) -> None:
    if not (every_hours or every_judgements or cron or drift_above or on_routing):
        raise InvalidValue(
            "every_hours",
            "give at least one trigger: every_hours, every_judgements, cron, drift_above or "
            "on_routing",
        )
    if every_hours is not None and not (
        math.isfinite(every_hours) and 0.01 <= every_hours <= LONGEST_HOURS
    ):
        raise InvalidValue("every_hours", "must be from 0.01 to {most}", most=LONGEST_HOURS)
    if every_judgements is not None and not 1 <= every_judgements <= MOST_JUDGEMENTS:
        raise InvalidValue(
            "every_judgements",
            "must be from 1 to {most}",
            most=MOST_JUDGEMENTS,
        )
    if drift_above is not None and not 0.01 <= drift_above <= MOST_DRIFT:
        raise InvalidValue("drift_above", "must be from 0.01 to {most}", most=MOST_DRIFT)
    if cron:
        _check_cron(cron)


def _check_cron(cron: str) -> None:
    if len(cron) > LONGEST_CRON:
        raise InvalidValue("cron", "must have at most {most} characters", most=LONGEST_CRON)
    try:
        cron_expressions.check_cron(cron)
    except ValueError as error:
        raise InvalidValue(
            "cron", "cannot be read: {reason}. Write it like 0 3 * * 1-5", reason=error
        ) from error
