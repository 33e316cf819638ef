"""Fixtures for training: projects with labels, and a state folder of the test's own."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from annotate.models import Project
from annotate.services.outgoing.snapshots import create_snapshot, write_training_files
from tests.training.disks import mounted
from tests.training.judged import label_first
from training import folders
from training.models import ModelVersion, TrainingRun
from training.services.scored_rows import keep_scored_rows


@pytest.fixture
def judged_project(make_project, make_pair_tasks):
    """judged_project(count, **fields) -> a project with that many labelled pairs."""

    def make(count: int, **fields) -> Project:
        project = make_project(**{"test_percent": 25, **fields})
        label_first(project, make_pair_tasks(project, count))
        return project

    return make


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """An empty folder on a disk of two megabytes."""
    with mounted(tmp_path / "small", size=2 * 2**20) as folder:
        yield folder


@pytest.fixture
def other_disk(tmp_path) -> Iterator[Path]:
    """An empty folder on another file system than `tmp_path`: shared memory, or one mounted."""
    shared = Path("/dev/shm")
    if shared.is_dir() and shared.stat().st_dev != tmp_path.stat().st_dev:
        with TemporaryDirectory(dir=shared) as folder:
            yield Path(folder)
    else:
        with mounted(tmp_path / "other", size=2 * 2**20) as folder:
            yield folder


@pytest.fixture
def var_dir(tmp_path, settings) -> Path:
    """A state folder of this test's own."""
    settings.VAR_DIR = tmp_path
    return tmp_path


@pytest.fixture(scope="session")
def published(tmp_path_factory) -> dict[str, Path]:
    """A reward model and a policy of a few thousand parameters."""
    from tests.training.served import write_policy, write_reward_model  # torch

    folder = tmp_path_factory.mktemp("published")
    return {
        "reward_model": write_reward_model(folder / "reward_model"),
        "policy": write_policy(folder / "policy"),
    }


@pytest.fixture
def make_version(var_dir, published):
    """make_version(project, kind, state="in_service") -> a version with files of its own."""
    from tests.training.served import add_version

    return partial(add_version, published)


@pytest.fixture
def make_scored(var_dir):
    """make_scored(project, number, right) -> a version that gets that share of its pairs right."""

    def make(project, number: int, right: float, *, keep: bool = True) -> ModelVersion:
        snapshot = create_snapshot(project=project, actor=None)
        run = TrainingRun.objects.create(
            project=project, recipe="reward_model", snapshot=snapshot, state="done", phase="over"
        )
        folder = folders.run_folder(run.pk)
        write_training_files(snapshot, folder / "data")
        rows = [json.loads(line) for line in (folder / "data" / "test.jsonl").open()]
        (folder / "work").mkdir()
        with (folder / "work" / "test_scores.jsonl").open("w") as out:
            for place, row in enumerate(rows):
                score = 1.0 if place < right * len(rows) else -1.0
                scores = {"id": row["id"], "chosen": score, "rejected": 0.0, "tie": row["tie"]}
                out.write(json.dumps(scores) + "\n")
        if keep:
            keep_scored_rows(run)
        path = f"{project.pk}/reward_model-run{run.pk}"
        folders.model_folder(path).mkdir(parents=True)
        return ModelVersion.objects.create(
            project=project, kind="reward_model", number=number, run=run, path=path
        )

    return make
