"""Preferences under a context: what the task states is part of the prompt that trainers read."""

import hashlib
import json

import pytest

from annotate.models import Judgement, Snapshot
from annotate.models.snapshot import SnapshotJudgement
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    stream_training_file,
    write_training_files,
)
from tests.annotate.interchange.test_fitting import k_responses
from tests.annotate.services.sending import outcome, send

pytestmark = pytest.mark.django_db
CRITERIA = ("Which is shorter?", "Which is longer?")
FORM = {
    "questions": [
        {"name": "best", "kind": "context"},
        {"name": "why", "kind": "critique", "required": False},
    ]
}


def rows_of(lines) -> list[dict]:
    return [json.loads(line) for line in b"".join(lines).splitlines()]


@pytest.fixture
def contrary(make_project):
    """contrary("context") -> a project with one pair, judged one way and the other."""

    def make(kind: str, **fields):
        project = make_project(kind=kind, test_percent=0, **fields)
        rows = [
            k_responses(2, prompt="Why?", context={"criterion": text}, label=n, annotator="w")
            for n, text in enumerate(CRITERIA)
        ]
        assert outcome(send(project, rows, format="responses")) == (2, 0, 0, 0)
        return project

    return make


@pytest.mark.parametrize(("kind", "asked"), [("context", {}), ("form", FORM)])
def test_the_same_pair_has_two_prompts(contrary, kind, asked):
    project = contrary(kind, kind_settings=asked)
    found = rows_of(stream_export(project=project, format="trl"))
    told = {row["prompt"]: row["chosen"] for row in found}
    assert told == {f"Why?\n\n{CRITERIA[0]}": "text 0", f"Why?\n\n{CRITERIA[1]}": "text 1"}
    snapshot = create_snapshot(project=project, actor=None, aggregation="majority")
    assert snapshot.row_format == 2
    frozen = rows_of(stream_training_file(snapshot=snapshot, split="train"))
    assert {row["prompt"][-1]["content"]: row["chosen"] for row in frozen} == told
    exported = rows_of(stream_export(snapshot=snapshot, format="trl_conversational"))
    assert [row["prompt"] for row in exported] == [row["prompt"] for row in frozen]


def test_a_form_states_nothing_where_its_pairs_are_asked_in_general(contrary):
    questions = [{"name": "all", "kind": "pairwise"}]
    project = contrary("form", kind_settings={"questions": questions})
    assert {row["prompt"] for row in rows_of(stream_export(project=project, format="trl"))} == {
        "Why?"
    }


def test_a_snapshot_from_before_keeps_its_rows(contrary, tmp_path):
    """Its hash was taken when prompts told nothing of contexts."""
    project = contrary("context")
    first, second = Judgement.objects.order_by("pk")
    texts = ("text 0", "text 1")
    told = [
        {
            "id": judgement.pk,
            "prompt_id": judgement.task.prompt_id,
            "prompt": [{"role": "user", "content": "Why?"}],
            "chosen": chosen,
            "rejected": rejected,
            "margin": round(1 / 3, 6),
            "weight": 1.0,
            "source": "imported",
            "tie": False,
        }
        for judgement, (chosen, rejected) in ((first, texts), (second, texts[::-1]))
    ]
    written = b"".join(json.dumps(row, sort_keys=True).encode() + b"\n" for row in told)
    old = Snapshot.objects.create(
        project=project, number=1, query={}, tie_rule="drop", aggregation="each",
        split={"test_percent": 0}, rows=2, sha256=hashlib.sha256(written).hexdigest(),
    )  # fmt: skip
    SnapshotJudgement.objects.bulk_create(
        SnapshotJudgement(snapshot=old, judgement=one) for one in (first, second)
    )
    assert old.row_format == 1
    write_training_files(old, tmp_path)
    assert (tmp_path / "train.jsonl").read_bytes() == written
    new = create_snapshot(project=project, actor=None)
    assert new.sha256 != old.sha256


def test_in_projects_of_pairs_a_context_changes_nothing(contrary):
    project = contrary("pairwise")
    assert {row["prompt"] for row in rows_of(stream_export(project=project, format="trl"))} == {
        "Why?"
    }
