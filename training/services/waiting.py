"""What training waits for beside a worker: device hours."""

from django.utils import timezone

from annotate.models import Job, JobState
from annotate.services.workers import Memo
from annotate.wording import Told
from training.models import (
    EvaluationRun,
    Matchmaking,
    SamplingRun,
    TrainingLimits,
    TrainingRun,
)
from training.services.limits import budget_hold

HELD = (TrainingRun, SamplingRun, Matchmaking, EvaluationRun)


def why_training_waits(run: Job, memo: Memo) -> Told | None:
    """Of a run that has not begun: a worker that takes it will refuse it while the project's device
    hours are used up. Up to five queries for each project.
    """
    assert isinstance(run, HELD)
    if run.state != JobState.QUEUED or run.device_seconds:
        return None
    key = "device hours", run.project_id
    if key not in memo:
        found = TrainingLimits.objects.filter(project=run.project_id).first()
        memo[key] = found, budget_hold(found, timezone.now()) if found is not None else None
    limits, hold = memo[key]
    if hold is None:
        return None
    hours = f"{limits.device_hours:g}"
    if hold.until is None:
        return Told(
            "The project's {hours} device hours are used up: a worker that takes it refuses it. "
            "Raise the limits before, or cancel it.",
            hours=hours,
        )
    return Told(
        "The project's {hours} device hours are used up until {until}: a worker that takes it "
        "before refuses it. Raise the limits, or cancel it.",
        hours=hours,
        until=f"{hold.until:%Y-%m-%d %H:%M}",
    )
