"""A finished run is registered exactly once, wherever it was killed."""

import hashlib
import json

import pytest

from annotate.models import AuditEvent, JobState, Snapshot
from annotate.services import jobs
from tests.training.disks import fill
from training import folders
from training.models import Evaluation, ModelVersion, TrainingRun
from training.services import completion, running
from training.services.completion import NoModel, complete_run, hash_folder
from training.services.runs import queue_run
from training.supervise import Ending, Interrupted

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(make_project, var_dir) -> TrainingRun:
    """A claimed run whose child has just finished."""
    project = make_project()
    queued = queue_run(project=project, actor=None, recipe="reward_model", config={})
    run = jobs.claim(TrainingRun, queued.pk, owner="me")
    run.snapshot = Snapshot.objects.create(
        project=project,
        number=1,
        query={},
        tie_rule="drop",
        aggregation="each",
        split={},
        rows=3,
        sha256="a" * 64,
    )
    run.save()
    made = folders.run_folder(run.pk) / "work" / "model"
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"\0\1\2")
    return run


@pytest.fixture
def result(run) -> dict:
    return {
        "status": "done",
        "global_step": 5,
        "max_steps": 5,
        "model_dir": str(folders.run_folder(run.pk) / "work" / "model"),
        "metrics": {"test": {"rows": 2, "accuracy": {"value": 0.5}}, "history": [1, 2]},
        "peak_memory_mb": 12.5,
    }


def test_everything_is_there_afterwards(run, result):
    version = complete_run(run=run, result=result)
    run.refresh_from_db()
    assert (run.state, run.phase, run.peak_memory_mb) == (JobState.DONE, "over", 12.5)
    assert (version.number, version.state, version.metrics["test"]["rows"]) == (1, "candidate", 2)
    assert "history" not in version.metrics
    folder = folders.model_folder(version.path)
    names = ["README.md", "config.json", "model.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    card = (folder / "README.md").read_bytes()
    by_hand = hashlib.sha256(b"README.md\x00%d\x00%b" % (len(card), card))
    by_hand.update(b"config.json\x002\x00{}" + b"model.safetensors\x003\x00\x00\x01\x02")
    assert version.sha256 == by_hand.hexdigest() == hash_folder(folder)
    assert Evaluation.objects.get().rows == 2
    assert AuditEvent.objects.filter(action="training.model_registered").count() == 1


def test_killed_between_the_move_and_the_transaction(run, result, monkeypatch):
    def die(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(completion, "_register", die)
    with pytest.raises(KeyboardInterrupt):
        complete_run(run=run, result=result)
    monkeypatch.undo()
    run.refresh_from_db()
    assert run.state == JobState.RUNNING
    complete_run(run=run, result=result)
    assert ModelVersion.objects.count() == Evaluation.objects.count() == 1


@pytest.fixture
def finished(run, result) -> TrainingRun:
    """The run, whose child left word of its end."""
    (folders.run_folder(run.pk) / "result.json").write_text(json.dumps(result))
    return run


def test_models_may_lie_on_another_file_system(finished, other_disk):
    folders.models_folder().symlink_to(other_disk)
    running.train(run=finished)
    version = ModelVersion.objects.get()
    assert finished.state == JobState.DONE
    assert hash_folder(folders.model_folder(version.path)) == version.sha256
    assert [path.name for path in (other_disk / str(version.project_id)).iterdir()] == [
        f"reward_model-run{finished.pk}"
    ]


def test_a_finished_model_waits_for_room_in_its_place(finished, small_disk):
    folders.models_folder().symlink_to(small_disk)
    filler = fill(small_disk, leave=0)
    running.train(run=finished)
    finished.refresh_from_db()
    assert (finished.state, finished.attempt) == (JobState.QUEUED, 0)
    assert "No room for the folder reward_model-run" in finished.message
    assert "what was made is kept" in finished.message
    filler.unlink()
    running.train(run=jobs.claim(TrainingRun, finished.pk, owner="me"))
    finished.refresh_from_db()
    assert (finished.state, ModelVersion.objects.count()) == (JobState.DONE, 1)


def test_a_card_without_room_waits_too(finished, small_disk):
    folders.models_folder().symlink_to(small_disk)
    completion.place_model(
        folders.run_folder(finished.pk) / "work" / "model",
        folders.model_folder(f"{finished.project_id}/reward_model-run{finished.pk}"),
    )
    filler = fill(small_disk, leave=0)
    running.train(run=finished)
    finished.refresh_from_db()
    assert finished.state == JobState.QUEUED
    assert "No room for the model's card" in finished.message
    filler.unlink()
    running.train(run=jobs.claim(TrainingRun, finished.pk, owner="me"))
    assert ModelVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("ending", "state"),
    [(Ending.SHUTDOWN, JobState.QUEUED), (Ending.CANCELLED, JobState.CANCELLED)],
)
def test_a_move_that_is_interrupted_is_no_failure(finished, monkeypatch, ending, state):
    def interrupted(*_: object) -> None:
        raise Interrupted(ending)

    monkeypatch.setattr(completion, "move_folder", interrupted)
    running.train(run=finished)
    finished.refresh_from_db()
    assert finished.state == state
    assert not ModelVersion.objects.exists()


def test_a_second_call_registers_nothing(run, result):
    complete_run(run=run, result=result)
    with pytest.raises(jobs.LeaseLost):
        complete_run(run=run, result=result)
    assert ModelVersion.objects.count() == 1


def test_without_the_lease_nothing_is_written(run, result):
    TrainingRun.objects.filter(pk=run.pk).update(owner="somebody else")
    with pytest.raises(jobs.LeaseLost):
        complete_run(run=run, result=result)
    assert not ModelVersion.objects.exists()
    assert not Evaluation.objects.exists()


def test_steps_that_are_missing_make_no_model(run, result):
    with pytest.raises(NoModel, match="step 4 of 5"):
        complete_run(run=run, result={**result, "global_step": 4})


def test_a_folder_that_is_missing_makes_no_model(run, result):
    with pytest.raises(NoModel, match="missing"):
        complete_run(run=run, result={**result, "model_dir": "/nowhere/model"})
    assert not ModelVersion.objects.exists()


def test_versions_are_numbered_by_project_and_kind(run, result, make_project):
    other = TrainingRun.objects.create(project=run.project, recipe="dpo")
    ModelVersion.objects.create(project=run.project, kind="policy", number=7, run=other, path="x")
    assert complete_run(run=run, result=result).number == 1
