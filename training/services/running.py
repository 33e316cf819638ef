"""Working through a claimed run: prepare, let a child train, and write down how it ended."""

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from annotate.chat.failures import ModelFailure
from annotate.kinds import InvalidValue
from annotate.models import JobState
from annotate.services import jobs
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.wording import Told
from training import folders, hosts, lifeline
from training.child import Child, FolderBusy, read_result
from training.host import CannotAnswer, RowsFailed
from training.models import (
    EvaluationRun,
    Matchmaking,
    SamplingRun,
    TrainingRun,
)
from training.recipes.errors import NoRoomError
from training.recipes.room import free_bytes
from training.services.asking import ask_model
from training.services.completion import NoModel, complete_run
from training.services.evaluating import (
    complete_evaluation,
    prepare_evaluation,
    record_evaluation,
)
from training.services.leftovers import tidy
from training.services.limits import require_budget
from training.services.matchmaking import (
    prepare_matchmaking,
    record_matchmaking,
    score_warm,
    store_matches,
)
from training.services.preparation import prepare_run
from training.services.runs import end_run, give_back, record_progress
from training.services.samples import prepare_sampling, record_sampling, store_samples
from training.supervise import (
    DATABASE_AWAY,
    Ending,
    Interrupted,
    follow,
    keep_lease,
    outlast_outage,
)

Run = TrainingRun | SamplingRun | Matchmaking | EvaluationRun
Prepare = Callable[[Any, Callable[[], None]], dict[str, Any]]
Record = Callable[..., bool]
Complete = Callable[..., object]
Work = Callable[[], Callable[[], object]]
"""Does the run's work and returns what is to be written in the end."""

LONGEST_WAIT = 3600.0  # seconds for room on a full disk
WAITS = Told("Waits for a worker to go on.")
STOPPED = Told("Something outside stopped it; trying again.")

logger = logging.getLogger(__name__)


def train(*, run: TrainingRun) -> None:
    """Bring a claimed run to its end, or back to the queue.

    A run whose child had finished before its worker died is only registered.
    """
    folder = folders.run_folder(run.pk)
    work = partial(_work, run, folder, prepare_run, record_progress, complete_run)
    _bring_to_end(run, folder, work)


def sample(*, run: SamplingRun) -> None:
    """As `train`, for new responses from a policy or from a model behind an address."""
    folder = folders.sample_folder(run.pk)
    work = partial(_work, run, folder, prepare_sampling, record_sampling, store_samples)
    if run.chat_model is not None:
        work = partial(_ask, run)
    _bring_to_end(run, folder, work)


def match(*, run: Matchmaking) -> None:
    """As `train`, for the choice of pairs. Where models are warm, the reward model in hand reads
    the responses, in place of a child; without a reward model nobody need.
    """
    folder = folders.match_folder(run.pk)
    work = partial(_work, run, folder, prepare_matchmaking, record_matchmaking, store_matches)
    if run.reward_version is None:
        work = partial(_draw, run)
    elif hosts.serves_here():
        work = partial(_read_warm, run)
    _bring_to_end(run, folder, work)


def _draw(run: Matchmaking) -> Callable[[], object]:
    """Pairs without scores: no child."""
    try:
        with keep_lease(run) as check:
            prepare_matchmaking(run, check)
    except Interrupted as interrupted:
        return interrupted_ending(run, interrupted)
    return partial(store_matches, run=run, result={})


def _read_warm(run: Matchmaking) -> Callable[[], object]:
    """Scores from the model that serves already: no child, and no second copy in memory."""
    if not run.device_seconds:
        require_budget(run.project)
    meter = _Meter(run)
    try:
        with keep_lease(run) as check:
            job = prepare_matchmaking(run, check)
            score_warm(run, job["model_dir"], check, partial(_beat_of, run, meter))
    except Interrupted as interrupted:
        return interrupted_ending(run, interrupted)
    except (CannotAnswer, RowsFailed) as error:
        if lifeline.is_cut():
            return partial(give_back, run=run, message=WAITS, excused=True)
        return partial(end_run, run=run, state=JobState.FAILED, message=str(error))
    return partial(store_matches, run=run, result={})


def _beat_of(run: Matchmaking, meter: "_Meter") -> None:
    record_matchmaking(run=run, events=[], **meter.read())


def evaluate(*, run: EvaluationRun) -> None:
    """As `train`, for the evaluation of a version on a set."""
    folder = folders.evaluation_folder(run.pk)
    work = partial(_work, run, folder, prepare_evaluation, record_evaluation, complete_evaluation)
    _bring_to_end(run, folder, work)


def _bring_to_end(run: Run, folder: Path, work: Work) -> None:
    """Never raises for the run's own faults. A lost lease means that another worker has it;
    then nothing more is written.
    """
    try:
        _attempt(run, work)
    except jobs.LeaseLost as error:
        logger.warning("%s", error)
    if run.is_over:
        tidy(folder)


def _attempt(run: Run, work: Work) -> None:
    try:
        outlast_outage(work())
    except (jobs.LeaseLost, *DATABASE_AWAY):
        raise  # without a database the lease runs out, and the sweep queues the run again
    except (InvalidValue, RefusedChoice) as error:
        why = error.why if isinstance(error, RefusedChoice) else error
        refused = {"field": why.field, **why.as_dict()}
        end_run(run=run, state=JobState.FAILED, message=jobs.why(why), refused=refused)
    except NoModel as error:
        end_run(run=run, state=JobState.FAILED, message=jobs.why(error))
    except NoRoomError as error:  # of a finished model's place, while the run's folder keeps it
        give_back(run=run, message=str(error), excused=True, wake=False)
    except Interrupted as interrupted:
        interrupted_ending(run, interrupted)()
    except FolderBusy as error:
        give_back(run=run, message=str(error), excused=False)
    except Exception as error:
        logger.exception("%s failed", run)
        end_run(run=run, state=JobState.FAILED, message=f"{type(error).__name__}: {error}")


def _ask(run: SamplingRun) -> Callable[[], object]:
    """Answers come over the network, which takes no device, no child and no budget."""
    if jobs.heartbeat(run, message=Told("Asking the model.")):
        return partial(end_run, run=run, state=JobState.CANCELLED, message=Told("Cancelled."))
    try:
        with keep_lease(run) as check:
            answered = ask_model(run, check)
    except Interrupted as interrupted:
        return interrupted_ending(run, interrupted)
    except ModelFailure as failure:
        said = Told("{field}: {why}", field=failure.kind, why=failure.said)
        message = Told("The model gives no answers. {failure}", failure=said)
        return partial(end_run, run=run, state=JobState.FAILED, message=message)
    return partial(store_samples, run=run, result={"prompts": answered})


def interrupted_ending(run: Run, interrupted: Interrupted) -> Callable[[], object]:
    """What is to be written of a run that was interrupted before it had a child."""
    if interrupted.ending == Ending.SHUTDOWN:
        return partial(give_back, run=run, message=WAITS, excused=True)
    return partial(end_run, run=run, state=JobState.CANCELLED, message=Told("Cancelled."))


def _work(
    run: Run, folder: Path, prepare: Prepare, record: Record, complete: Complete
) -> Callable[[], object]:
    """Prepare and watch the child; returns what is to be written in the end."""
    result = read_result(folder)
    if result and result["status"] == "done":
        return partial(complete, run=run, result=result)
    cancelled = partial(end_run, run=run, state=JobState.CANCELLED, message=Told("Cancelled."))
    if jobs.heartbeat(run, message=Told("Preparing the data.")):
        return cancelled
    if result and result["status"] == "no_room" and _is_full(result):
        return _without_room(run, folder, result)
    if not run.device_seconds:
        require_budget(run.project)
    try:
        with keep_lease(run) as check:
            job = prepare(run, check)
    except Interrupted as interrupted:
        return interrupted_ending(run, interrupted)
    child = Child(folder, job)
    meter = _Meter(run)
    ending = follow(child, lambda events: record(run=run, events=events, **meter.read()))
    return partial(_conclude, run, child, ending, complete)


def _is_full(result: dict[str, Any]) -> bool:
    """Whether the disk that the last attempt found full is still too full."""
    return bool(free_bytes(Path(result["folder"])) < result["needed"])


def _without_room(run: Run, folder: Path, result: dict[str, Any]) -> Callable[[], object]:
    """Free the worker for others: the sweep has the run looked at again, until LONGEST_WAIT."""
    waited = time.time() - (folder / "result.json").stat().st_mtime
    if waited > LONGEST_WAIT:
        return partial(end_run, run=run, state=JobState.FAILED, message=result["message"])
    return partial(give_back, run=run, message=result["message"], excused=True, wake=False)


class _Meter:
    """The run's `device_seconds` as they go on, to be written with each heartbeat.

    What a worker had not yet written when it was killed is not counted: a few seconds.
    """

    def __init__(self, run: Run) -> None:
        self.before = run.device_seconds
        self.began = time.monotonic()

    def read(self) -> dict[str, float]:
        return {"device_seconds": self.before + time.monotonic() - self.began}


def _conclude(run: Run, child: Child, ending: Ending, complete: Complete) -> None:
    result = child.result() or {}
    status = result.get("status")
    if status == "done":
        complete(run=run, result=result)
    elif ending == Ending.CANCELLED:
        end_run(run=run, state=JobState.CANCELLED, message=Told("Cancelled."))
    elif status == "failed":
        said, refused = result["message"], result.get("refused")
        if "told" in result:
            said = Told.from_dict(result["told"])
        end_run(run=run, state=JobState.FAILED, message=said, refused=refused)
    elif status == "no_room":
        give_back(run=run, message=result["message"], excused=False)
    elif ending == Ending.SHUTDOWN:
        give_back(run=run, message=WAITS, excused=True)
    elif status == "stopped":
        give_back(run=run, message=STOPPED, excused=False)
    else:
        message = Told("Attempt {number}: {how}", number=run.attempt, how=child.how_it_died())
        give_back(run=run, message=message, excused=False)
