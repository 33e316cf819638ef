"""Judged steps leave as TRL's stepwise rows, and our own trainer takes a step on the same ones."""

import pytest

from annotate.services.outgoing.export_options import ExportOptions
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    write_origins,
    write_training_files,
)
from tests.training.recipes.conftest import ignore, never, random_encoder
from tests.training.recipes.test_tuned_heads import config_of
from tests.training.test_objectives_served import make_task, say
from training.data.judged import read_judged
from training.data.segments import step_segments
from training.recipes.reward_model import train_reward_model

pytestmark = pytest.mark.django_db
SOLUTION = ["3 x 4 is 12.", "12 + 1 is 14.", "So it is 14."]


@pytest.fixture
def project(make_project, make_user):
    """Twelve solutions; of half of them the second step is wrong, and the third was not judged."""
    project = make_project(kind="steps", test_percent=0)
    ada = make_user("ada")
    for number in range(12):
        task, (pk,) = make_task(project, number, ["\n".join(SOLUTION)])
        labels = [1, 0, 1] if number % 2 else [1, -1, None]
        value = {"labels": {str(pk): labels}, "mode": "first_wrong", "split": "lines"}
        say(task, "steps", value, ada)
    return project


def test_the_step_trainer_takes_a_step_on_what_is_exported(project, tmp_path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the training extra")
    file, folder = tmp_path / "steps.parquet", tmp_path / "data"
    options = ExportOptions(file_type="parquet")
    file.write_bytes(
        b"".join(stream_export(project=project, format="trl_stepwise", options=options))
    )
    rows = datasets.load_dataset(
        "parquet", data_files=str(file), split="train", cache_dir=tmp_path / "cache"
    )
    assert rows.column_names == ["prompt", "completions", "labels"]
    snapshot = create_snapshot(project=project, actor=None)
    write_training_files(snapshot, folder)
    write_origins(snapshot, folder / "origins.jsonl")

    base = random_encoder(tmp_path / "encoder", {"step", *" ".join(SOLUTION).split()})
    config = config_of("steps", base, max_steps=1, batch_size=4)
    read = step_segments(read_judged(folder).train)
    told = {
        (one.prompt[-1]["content"], *one.response.split("\n\n")): [
            None if label is None else label == 0.0 for label in one.labels
        ]
        for one in read
    }
    assert len(told) == len(rows) == 12
    for row in rows:
        [labels] = [said for (prompt, *_), said in told.items() if prompt == row["prompt"]]
        assert [label for label in labels if label is not None] == row["labels"]
        assert row["completions"] == SOLUTION[: len(row["labels"])]

    result = train_reward_model(config, folder, tmp_path / "run", ignore, never)
    assert (result.status, result.max_steps) == ("done", 1)
