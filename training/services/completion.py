"""Registering what a run made, exactly once whatever is killed in between."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from annotate.models import JobState, Project
from annotate.services import audit, jobs
from annotate.wording import Refusal, Told
from training import folders
from training.models import Evaluation, ModelVersion, TrainingRun
from training.moving import REMEDY, move_folder
from training.recipes.room import is_no_room, no_room
from training.services.cards import write_readme
from training.services.scored_rows import keep_scored_rows
from training.supervise import keep_lease

KINDS = {
    TrainingRun.Recipe.REWARD_MODEL: ModelVersion.Kind.REWARD_MODEL,
    TrainingRun.Recipe.DPO: ModelVersion.Kind.POLICY,
}


class NoModel(Refusal):
    """The child said it was done, but what it should have made is not there."""


def complete_run(*, run: TrainingRun, result: dict[str, Any]) -> ModelVersion:
    """Move the model to its place, then write version, evaluation and the run's end at once.

    Killed after the move, a second call finds the folder in its place; killed after the
    transaction, the run is over. The lease is kept meanwhile. Raises NoModel, NoRoomError when the
    disk of models/ is full, Interrupted, or LeaseLost with nothing written.
    """
    if result["global_step"] != result["max_steps"]:
        raise NoModel(
            "The training ended at step {step} of {steps}.",
            step=result["global_step"],
            steps=result["max_steps"],
        )
    path = f"{run.project_id}/{KINDS[run.recipe]}-run{run.pk}"
    target = folders.model_folder(path)
    with keep_lease(run) as check:
        place_model(Path(result["model_dir"]), target, check)
        try:
            metrics = {**result["metrics"], "scored": keep_scored_rows(run)}
            write_readme(run=run, kind=KINDS[run.recipe], metrics=metrics, folder=target)
        except OSError as error:
            if not is_no_room(error, target, 0):
                raise
            raise no_room("the model's card", target.parent, 0, remedy=REMEDY) from error
        sha256 = hash_folder(target)
    return _register(run=run, path=path, sha256=sha256, result={**result, "metrics": metrics})


def _called(version: ModelVersion) -> Told:
    """The version's name, for readers of any language."""
    policy = version.kind == ModelVersion.Kind.POLICY
    kind = Told("Policy") if policy else Told("Reward model")
    return Told("{kind} v{number}", kind=kind, number=version.number)


def place_model(made: Path, target: Path, check: Callable[[], None] = lambda: None) -> None:
    """Have the folder there whole or not at all: see training/moving.py. May be repeated."""
    if target.is_dir():
        return
    if not made.is_dir():
        raise NoModel(
            "The trained model is missing: {name} is not in the run's folder.", name=made.name
        )
    move_folder(made, target, check)


def hash_folder(folder: Path) -> str:
    """SHA-256 over every file's relative path, length and bytes, in order of path."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while block := file.read(1 << 22):
                digest.update(block)
    return digest.hexdigest()


@transaction.atomic
def _register(
    *,
    run: TrainingRun,
    path: str,
    sha256: str,
    result: dict[str, Any],
) -> ModelVersion:
    """Locks the project's row, so that numbers are given out one at a time."""
    metrics = {name: value for name, value in result["metrics"].items() if name != "history"}
    jobs.heartbeat(run)
    Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    kind = KINDS[run.recipe]
    mine = ModelVersion.objects.filter(project=run.project_id, kind=kind)
    version = ModelVersion.objects.create(
        project_id=run.project_id,
        kind=kind,
        number=(mine.aggregate(Max("number"))["number__max"] or 0) + 1,
        run=run,
        parent_id=run.config.get("parent"),
        path=path,
        sha256=sha256,
        metrics=metrics,
    )
    test = metrics.get("test", {})
    Evaluation.objects.create(
        model_version=version, snapshot=run.snapshot, rows=test.get("rows", 0), metrics=test
    )
    jobs.finish(
        run,
        JobState.DONE,
        message=Told("Made {what}.", what=_called(version)),
        phase=TrainingRun.Phase.OVER,
        metrics=metrics,
        progress=result["global_step"],
        total=result["max_steps"],
        peak_memory_mb=result["peak_memory_mb"],
        eta_seconds=None,
        child_pid=None,
    )
    audit.record(
        action="training.model_registered",
        target=version,
        actor=None,
        project=run.project,
        run=run.pk,
        sha256=sha256,
    )
    return version
