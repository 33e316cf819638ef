"""Training runs as rows: asking for one, cancelling, following, ending."""

import math
from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from annotate.kinds import InvalidValue
from annotate.models import Job, JobState, Project, Snapshot, User
from annotate.services import audit, jobs
from annotate.wording import Told
from training.models import EvaluationRun, RunMetric, Schedule, TrainingRun
from training.services import limits
from training.services.configs import clean_config, require_learnable
from training.services.reasons import Reason, as_kept

Phase = TrainingRun.Phase


@transaction.atomic
def queue_run(
    *,
    project: Project,
    actor: User | None,
    recipe: str,
    config: dict[str, Any],
    trigger: str = TrainingRun.Trigger.NOT_RECORDED,
    reasons: Sequence[Reason] = (),
    schedule: Schedule | None = None,
    snapshot: Snapshot | None = None,
) -> TrainingRun:
    """Check the configuration, write the row and wake a worker once the caller commits.

    `trigger`, `reasons`: what asked for it; of a schedule, all that is due. `snapshot`: what to
    learn from; without one the run freezes its own when it begins. Raises
    InvalidValue naming the field, that the recipe cannot use what the project asks, or that the
    schedule has a run under way, or that the project's device hours are used up.
    """
    limits.require_budget(project)
    require_learnable(project, recipe, config)
    cleaned = clean_config(recipe=recipe, config=config)
    run = TrainingRun(
        project=project,
        schedule=schedule,
        trigger=trigger,
        reasons=as_kept(reasons),
        snapshot=snapshot,
        recipe=recipe,
        config=cleaned,
        seed=cleaned["seed"],
        created_by=actor,
    )
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        if "trainingrun_one_per_schedule" not in str(error):
            raise
        raise InvalidValue("schedule", "has a run under way; wait for it or cancel it") from error
    audit.record(
        action="training.run_queued",
        target=run,
        actor=actor,
        project=project,
        recipe=recipe,
        schedule=schedule.pk if schedule else None,
        trigger=run.trigger,
        reasons=run.reasons,
    )
    jobs.enqueue(run)
    return run


@transaction.atomic
def cancel_run(*, run: Job, actor: User | None) -> None:
    """Ask a training, sampling or evaluation run to stop. Without effect on one that is over."""
    asked_before = type(run).objects.select_for_update().get(pk=run.pk).cancel_requested
    jobs.request_cancel(run)
    run.refresh_from_db(fields=["state", "cancel_requested", "finished_at"])
    if run.cancel_requested and not asked_before:
        audit.record(action="training.run_cancelled", target=run, actor=actor, project=run.project)


@transaction.atomic
def record_progress(
    *, run: TrainingRun, events: list[dict[str, Any]], device_seconds: float
) -> bool:
    """Renew the lease and write what the child reported; True if the run should stop.

    A step reported again (after a resume) replaces its point. Raises LeaseLost.
    """
    fields: dict[str, Any] = {"device_seconds": device_seconds}
    points: dict[int, RunMetric] = {}
    environment = dict(run.environment)
    for event in events:
        fields.update(_row_fields(event))
        noted = _of_environment(event)
        told = {**environment.get("told", {}), **noted.pop("told", {})}
        environment.update({**noted, "told": told} if told else noted)
        if event.get("event") == "progress" and "stage" not in event:
            values = {"loss": event["loss"], **event.get("metrics", {})}
            step = event["step"]
            points[step] = RunMetric(run=run, step=step, values=_finite(values))
    stop = jobs.heartbeat(run, environment=environment, **fields)
    RunMetric.objects.bulk_create(
        points.values(),
        update_conflicts=True,
        unique_fields=["run", "step"],
        update_fields=["values"],
        batch_size=1000,
    )
    return stop


def _row_fields(event: dict[str, Any]) -> dict[str, Any]:
    """What an event of the child says about the row; unknown events say nothing."""
    kind = event.get("event")
    if kind == "progress":
        of_base = "stage" in event
        step, last = event["step"], event["max_steps"]
        words = Told("Pre-training the base: step {step} of {last}.", step=step, last=last)
        return {
            "phase": Phase.PREPARING if of_base else Phase.TRAINING,
            "message": words if of_base else Told("Training."),
            "progress": event["step"],
            "total": event["max_steps"],
            **{
                name: event.get(name)
                for name in ("loss", "samples_per_second", "eta_seconds", "peak_memory_mb")
            },
        }
    if kind == "phase":
        said = event["message"]
        return {"phase": event["phase"], "message": Told(said)}
    if kind == "machine":
        return {
            "phase": Phase.PREPARING,
            "device": event["device"][:100],
            "child_pid": event["pid"],
        }
    if kind == "embedding":
        done, total = event["batch"], event["batches"]
        message = Told("Embedding: batch {done} of {total}.", done=done, total=total)
        eta = event.get("eta_seconds")
        return {"message": message, "progress": done, "total": total, "eta_seconds": eta}
    if kind == "scoring":
        done, total = event["batch"], event["batches"]
        message = Told("Evaluating: batch {done} of {total}.", done=done, total=total)
        return {"phase": Phase.EVALUATING, "message": message, "eta_seconds": None}
    if kind == "resume":
        return {"message": Told("Going on from a checkpoint.")}
    if kind == "smaller_batch":
        return {"message": Told("Out of memory: going on with smaller batches.")}
    return {}


def _of_environment(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says about where and how the run works, to be kept beyond its end."""
    if event.get("event") == "machine":
        return {"packages": event["packages"]}
    if event.get("event") == "smaller_batch":
        note = _of_smaller_batch(event)
        return {"out_of_memory": note.message, "told": {"out_of_memory": note.as_dict()}}
    if event.get("event") == "look_failed":
        note = Told(
            "At step {step} these figures of held-out rows were no numbers: {figures}. Training "
            "went on.",
            step=event["step"],
            figures=", ".join(event["figures"]),
        )
        return {"held_out_rows": note.message, "told": {"held_out_rows": note.as_dict()}}
    return {}


def _of_smaller_batch(event: dict[str, Any]) -> Told:
    reason = Told.from_dict(event["told"]) if "told" in event else event["reason"]
    figures = {"rows": event["batch_size"], "passes": event["gradient_accumulation"]}
    if event.get("loss_differs"):
        return Told(
            "{reason} It went on with {rows} rows at a time, {passes} times a step. Its loss "
            "depends on the rows that are read at a time, so it differs from then on.",
            reason=reason,
            **figures,
        )
    return Told(
        "{reason} It went on with {rows} rows at a time, {passes} times a step.",
        reason=reason,
        **figures,
    )


def _finite(values: dict[str, Any]) -> dict[str, float]:
    return {
        name: value
        for name, value in values.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }


def end_run(
    *, run: Job, state: JobState, message: str | Told, refused: dict[str, Any] | None = None
) -> None:
    """End as failed or cancelled. `refused`, the field and what a Refusal gives for JSON, is kept
    for pages, which say it in the reader's words. Raises LeaseLost.
    """
    more = _at_rest(run, Phase.OVER)
    if refused and isinstance(run, TrainingRun | EvaluationRun):
        more["environment"] = {**run.environment, "refused": refused}
    jobs.finish(run, state, message=message, **more)


@transaction.atomic
def give_back(*, run: Job, message: str | Told, excused: bool, wake: bool = True) -> None:
    """Queue the run again from its checkpoint, or fail it after too many deaths.

    `excused`, `wake`: see `jobs.release`. Raises LeaseLost.
    """
    if not excused and run.attempt >= jobs.MAX_ATTEMPTS:
        return end_run(run=run, state=JobState.FAILED, message=message)
    jobs.release(run, excused=excused, wake=wake, message=message, **_at_rest(run, Phase.WAITING))
    return None


def _at_rest(run: Job, phase: str) -> dict[str, Any]:
    if not isinstance(run, TrainingRun):
        return {}
    return {"phase": phase, "eta_seconds": None, "child_pid": None}
