"""Freeing the disk of what nobody needs any more: after each run, and hourly after killed ones."""

import fcntl
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from annotate.models import Job
from annotate.services.signals.rules import kept_days
from training import folders
from training.models import (
    EvaluationRun,
    Matchmaking,
    SamplingRun,
    TrainingRun,
)
from training.services import scored_rows

AGE = timedelta(hours=1)  # what is younger may still be in somebody's hands
BASE_AGE = timedelta(days=30)  # a small base that no run started from for so long
# What tells later how a run went; the rest can be made again or has moved to its place.
KEPT = {"job.json", "progress.jsonl", "result.json", "log.txt", "lock", "scores.npz"}
BAD_BATCH = "bad_batch.json"
KEPT_OF_BASE = {BAD_BATCH}
KEPT_OF_WORK = {
    *("run.json", "metrics.json", "test_scores.jsonl", scored_rows.NAME, "people.json"),
    *KEPT_OF_BASE,
}
HALF_MOVED = re.compile(r"\..+-run(?P<run>\d+)\.(.+\.)?(partial|lock)")


def tidy(folder: Path) -> None:
    """Free what a run that is over needs no more. Log, figures and test scores stay."""
    for path in _inside(folder):
        if path.name not in {*KEPT, "work", "base"}:
            _remove(path)
    for name, kept in (("work", KEPT_OF_WORK), ("base", KEPT_OF_BASE)):
        for path in _inside(folder / name):
            if path.name not in kept:
                _remove(path)


def remove_leftovers() -> int:
    """Tidy after runs that ended without a worker (cancelled or failed as they waited), and
    remove scratch folders of killed workers, small bases out of use and old texts of signals;
    returns how many folders and files it looked at. May run beside workers.
    """
    count = 0
    for run_model, folder_of in (
        (TrainingRun, folders.run_folder),
        (SamplingRun, folders.sample_folder),
        (Matchmaking, folders.match_folder),
        (EvaluationRun, folders.evaluation_folder),
    ):
        for folder in _of_runs_over(run_model, folder_of(0).parent):
            tidy(folder)
            count += 1
    for folder in _older(folders.scratch_folder(), AGE):
        if not _is_locked(folder):
            _remove(folder)
            count += 1
    for folder in _older(folders.base_folder(), BASE_AGE):
        _remove(folder)
        count += 1
    for path in _batches_of_signals():
        _remove(path)
        count += 1
    for path in _half_moved():
        _remove(path)
        count += 1
    return count


def _batches_of_signals() -> Iterator[Path]:
    """Batches that failed runs kept as text, once no signal that they can hold is kept any more."""
    there: dict[int, list[Path]] = {}
    for path in folders.run_folder(0).parent.glob(f"*/*/{BAD_BATCH}"):
        run = path.parent.parent.name
        if run.isdecimal():
            there.setdefault(int(run), []).append(path)
    days = kept_days()
    runs = TrainingRun.objects.filter(pk__in=there, config__signals=True)
    for pk, project, asked in runs.values_list("pk", "project_id", "created_at"):
        if asked < timezone.now() - timedelta(days=days[project]):
            yield from there[pk]


def _half_moved() -> Iterator[Path]:
    """Copies of models to another file system whose run has ended: see training/moving.py."""
    there = {}
    for path in folders.models_folder().glob("*/.*-run*.*"):
        if found := HALF_MOVED.fullmatch(path.name):
            there[path] = int(found["run"])
    over = TrainingRun.objects.filter(
        pk__in=there.values(), finished_at__lt=timezone.now() - AGE
    ).exclude(state__in=["queued", "running"])
    ended = set(over.values_list("pk", flat=True))
    return (path for path, run in there.items() if run in ended)


def _of_runs_over(model: type[Job], parent: Path) -> Iterator[Path]:
    """Folders of the model's runs that have long been over. A folder without a row is left."""
    there = {int(path.name): path for path in _inside(parent) if path.name.isdecimal()}
    over = model.objects.filter(pk__in=there, finished_at__lt=timezone.now() - AGE)
    for pk in over.exclude(state__in=["queued", "running"]).values_list("pk", flat=True):
        yield there[pk]


def _older(parent: Path, age: timedelta) -> Iterator[Path]:
    """What another process removes meanwhile is left out."""
    before = time.time() - age.total_seconds()
    for path in _inside(parent):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                yield path


def _is_locked(folder: Path) -> bool:
    """Whether a child works there: see training/child.py."""
    try:
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    return False


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
