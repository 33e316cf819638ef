"""The card that is written with a version tells of its rows and names nobody."""

import json

import pytest
from django.urls import reverse

from annotate.models import JobState
from annotate.services import jobs
from annotate.services.outgoing.snapshots import create_snapshot
from training import folders
from training.models import TrainingRun
from training.services.cards import model_card
from training.services.completion import complete_run
from training.services.runs import queue_run

pytestmark = pytest.mark.django_db

METRICS = {"test": {"rows": 3, "accuracy": {"value": 1.0, "low": 0.44, "high": 1.0, "rows": 3}}}


@pytest.fixture
def version(judged_project, var_dir):
    project = judged_project(12)
    project.created_by.username = "grace.hopper"
    project.created_by.save()
    queued = queue_run(
        project=project, actor=project.created_by, recipe="reward_model", config={"seed": 41}
    )
    run = jobs.claim(TrainingRun, queued.pk, owner="me")
    run.snapshot = create_snapshot(project=project, actor=project.created_by)
    run.environment = {"base_model": "minilm", "code": "abc123", "packages": {"torch": "2.13.0"}}
    run.save()
    made = folders.run_folder(run.pk) / "work" / "model"
    made.mkdir(parents=True)
    (made / "config.json").write_text("{}")
    result = {"status": "done", "global_step": 1, "max_steps": 1, "model_dir": str(made)}
    result |= {"metrics": METRICS, "peak_memory_mb": 1.0}
    version = complete_run(run=run, result=result)
    run.refresh_from_db()
    assert run.state == JobState.DONE
    return version


def test_it_lies_in_the_models_folder(version):
    card = (folders.model_folder(version.path) / "README.md").read_text()
    snapshot = version.run.snapshot
    for said in (
        snapshot.sha256,
        "12: imported 12 (100.0 %)",
        "abc123",
        "torch 2.13.0",
        "| `seed` | `41` |",
        "| accuracy | 1 | 0.440 to 1.000 | 3 |",
        f"/api/v1/projects/{version.project_id}/export/?snapshot={snapshot.number}&format=raw",
    ):
        assert said in card, said
    assert "- Started by: not recorded\n" in card
    assert "grace" not in card
    assert str(folders.models_folder()) not in card
    assert card == model_card(version)
    (folders.model_folder(version.path) / "README.md").unlink()
    assert card == model_card(version), "an older version's card is made from its rows"


def test_page_rest_and_rows_behind_it(client, version):
    client.force_login(version.project.created_by)
    page = client.get(reverse("model_version", args=[version.pk])).content.decode()
    assert "<td>0.440 to 1.000</td>" in page
    export = reverse("download_snapshot", args=[version.run.snapshot_id, "raw"])
    assert export in page
    lines = b"".join(client.get(export).streaming_content).splitlines()
    judged = set(version.run.snapshot.judgements.values_list("pk", flat=True))
    assert {json.loads(line)["id"] for line in lines} == judged
    assert len(judged) == 12
    card = model_card(version)
    assert client.get(reverse("model_card", args=[version.pk])).content.decode() == card
    answer = client.get(f"/api/v1/training/models/{version.pk}/card/")
    assert answer.json() == {"markdown": card}


def test_a_page_in_german_has_german_figures_and_the_file_does_not(client, version):
    client.force_login(version.project.created_by)
    german = {"Accept-Language": "de"}
    page = client.get(reverse("model_version", args=[version.pk]), headers=german).text
    assert "<td>0,440 bis 1,000</td>" in page
    file = client.get(reverse("model_card", args=[version.pk]), headers=german).text
    assert "| 0.440 to 1.000 |" in file
