"""What is freed after runs, and what must stay."""

import fcntl
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from annotate.models import JobState
from annotate.services.signals.rules import set_rules
from training import folders
from training.models import TrainingRun
from training.services import leftovers
from training.services.leftovers import remove_leftovers, tidy
from training.services.runs import queue_run

pytestmark = pytest.mark.django_db
LONG_AGO = "2020-01-01T00:00Z"


def fill(folder: Path) -> None:
    """As a child leaves it that was killed while it wrote its model."""
    for name in [
        "job.json",
        "log.txt",
        "progress.jsonl",
        "result.json",
        "texts.jsonl",
        "data/train.jsonl",
        "base/run.json",
        "base/bad_batch.json",
        "work/bad_batch.json",
        ".data.partial/train.jsonl",
        "work/run.json",
        "work/metrics.json",
        "work/test_scores.jsonl",
        "work/adapter/a",
        "work/.model.partial/model.safetensors",
        "work/checkpoints/checkpoint-1/a",
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


RECORD = {
    *("job.json", "log.txt", "progress.jsonl", "result.json"),
    *("work/run.json", "work/metrics.json", "work/test_scores.jsonl"),
    *("base/bad_batch.json", "work/bad_batch.json"),
}


def test_what_tells_how_a_run_went_stays(tmp_path):
    fill(tmp_path)
    tidy(tmp_path)
    assert files(tmp_path) == RECORD
    tidy(tmp_path / "never made")


def test_runs_that_ended_as_they_waited_are_tidied(make_project, var_dir):
    project = make_project()
    states = (JobState.CANCELLED, JobState.QUEUED, JobState.FAILED)
    runs = []
    for state in states:
        run = queue_run(project=project, actor=None, recipe="dpo", config={})
        fill(folders.run_folder(run.pk))
        over = None if state == JobState.QUEUED else LONG_AGO
        TrainingRun.objects.filter(pk=run.pk).update(state=state, finished_at=over)
        runs.append(run)
    fill(folders.run_folder(10**9))  # no row of ours: not ours to touch
    remove_leftovers()
    whole = files(folders.run_folder(10**9))
    kept = [files(folders.run_folder(run.pk)) for run in runs]
    assert kept == [RECORD, whole, RECORD]


def test_texts_of_signals_go_when_the_project_forgets_them(make_project, var_dir):
    project = make_project()
    set_rules(project=project, actor=project.created_by, keep_days=10)
    kept = {}
    for days, signals in ((9, True), (11, True), (11, False)):
        run = queue_run(project=project, actor=None, recipe="dpo", config={})
        fill(folders.run_folder(run.pk))
        asked = timezone.now() - timedelta(days=days)
        config = {**run.config, "signals": signals}
        wrote = {"created_at": asked, "finished_at": asked, "config": config}
        TrainingRun.objects.filter(pk=run.pk).update(state=JobState.FAILED, **wrote)
        kept[days, signals] = run.pk
    remove_leftovers()
    texts = {"base/bad_batch.json", "work/bad_batch.json"}
    found = {key: files(folders.run_folder(pk)) for key, pk in kept.items()}
    assert found == {(9, True): RECORD, (11, True): RECORD - texts, (11, False): RECORD}


def test_what_others_remove_meanwhile_is_no_error(var_dir, monkeypatch):
    passing, left = (folders.scratch_folder() / name for name in ("passing", "left"))
    for folder in (passing, left):
        folder.mkdir()
        os.utime(folder, (0, 0))
    look = leftovers._inside

    def while_another_works(folder):
        found = look(folder)
        if passing in found:
            passing.rmdir()
        return found

    monkeypatch.setattr(leftovers, "_inside", while_another_works)
    remove_leftovers()
    assert not left.exists()


def test_scratch_of_killed_workers_and_bases_out_of_use_go(var_dir):
    scratch, bases = folders.scratch_folder(), folders.base_folder()
    for folder in (scratch / "used", scratch / "left", scratch / "young", bases / "a", bases / "b"):
        folder.mkdir(parents=True)
        (folder / "lock").touch()
    for folder in (scratch / "used", scratch / "left", bases / "a"):
        os.utime(folder, (0, 0))
    with (scratch / "used" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers()
    assert sorted(p.name for p in scratch.iterdir()) == ["used", "young"]
    assert [p.name for p in bases.iterdir()] == ["b"]


def test_half_moved_models_of_runs_that_are_over_go(var_dir, make_project):
    project = make_project()
    runs = [queue_run(project=project, actor=None, recipe="dpo", config={}) for _ in range(2)]
    ended, waiting = (run.pk for run in runs)
    TrainingRun.objects.filter(pk=ended).update(state=JobState.CANCELLED, finished_at=LONG_AGO)
    models = folders.models_folder() / str(project.pk)
    for name in (
        f"policy-run{ended}",
        f".policy-run{ended}.partial",
        f".policy-run{waiting}.partial",
    ):
        (models / name).mkdir(parents=True)
    (models / f".policy-run{ended}.lock").touch()
    (models / f".policy-run{ended}.README.md.partial").touch()
    remove_leftovers()
    assert {path.name for path in models.iterdir()} == {
        f"policy-run{ended}",
        f".policy-run{waiting}.partial",
    }
