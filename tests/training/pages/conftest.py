"""A project whose owner is logged in, its runs and its versions."""

import pytest

from tests.training.pages.samples import REWARD
from training.models import ModelVersion, TrainingRun


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project


@pytest.fixture
def make_run(project):
    def make(**fields) -> TrainingRun:
        fields.setdefault("recipe", "reward_model")
        return TrainingRun.objects.create(project=project, **fields)

    return make


@pytest.fixture
def make_version(make_run, settings, tmp_path):
    settings.VAR_DIR = tmp_path

    def make(number: int, state: str = "candidate", **fields) -> ModelVersion:
        run = make_run(state="done", phase="over")
        path = f"{run.project_id}/reward_model-run{run.pk}"
        (tmp_path / "models" / path).mkdir(parents=True)
        return ModelVersion.objects.create(
            project=run.project,
            kind="reward_model",
            number=number,
            run=run,
            path=path,
            sha256="0" * 64,
            state=state,
            metrics=REWARD,
            **fields,
        )

    return make
