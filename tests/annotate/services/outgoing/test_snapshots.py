"""Snapshots: frozen, hashed, split by prompt, tested on people only."""

import hashlib
import io
import json

import pytest
from django.core.exceptions import ValidationError
from django.db import Error, transaction

from annotate.models import AuditEvent, Judge, Judgement, Prompt
from annotate.services.incoming.imports import ImportOptions, import_stream
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    stream_training_file,
    write_training_files,
)
from tests.hearing import heard, listen

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project):
    project = make_project(test_percent=30)
    rows = [
        {"prompt": f"Q{n}", "responses": ["a", "b"], "label": "tie" if n % 10 == 0 else n % 2}
        for n in range(60)
    ]
    data = "\n".join(map(json.dumps, rows)).encode()
    import_stream(
        project=project,
        actor=None,
        stream=io.BytesIO(data),
        format="responses",
        options=ImportOptions(),
    )
    return project


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_files_split_by_prompt(project, tmp_path):
    snapshot = create_snapshot(project=project, actor=project.created_by)
    write_training_files(snapshot, tmp_path / "data")
    train, test = (read(tmp_path / "data" / f"{name}.jsonl") for name in ("train", "test"))
    held_out = set(Prompt.objects.filter(split_bucket__lt=30).values_list("pk", flat=True))
    assert {row["prompt_id"] for row in test} == held_out
    assert not {row["prompt_id"] for row in train} & held_out
    assert not any(row["tie"] for row in train)
    ties = Judgement.objects.filter(value__verdict="tie", task__prompt__in=held_out).count()
    assert sum(row["tie"] for row in test) == ties > 0
    assert snapshot.rows == len(train) + len(test)
    assert set(train[0]) == {
        *("id", "prompt_id", "prompt", "chosen", "rejected", "margin", "weight", "source", "tie"),
    }
    assert train[0]["prompt"][0]["role"] == "user"


def test_the_hash_is_of_the_rows(project, tmp_path):
    snapshot = create_snapshot(project=project, actor=None)
    lines = {
        split: list(stream_training_file(snapshot=snapshot, split=split))
        for split in ("train", "test")
    }
    both = sorted(lines["train"] + lines["test"], key=lambda line: json.loads(line)["id"])
    assert hashlib.sha256(b"".join(both)).hexdigest() == snapshot.sha256


def test_same_rows_same_hash_and_numbers_count_up(project):
    first = create_snapshot(project=project, actor=None)
    second = create_snapshot(project=project, actor=None, query={"source": "human"})
    assert (first.number, second.number) == (1, 2)
    assert first.sha256 == second.sha256
    half = create_snapshot(project=project, actor=None, tie_rule="half")
    assert half.sha256 != first.sha256
    assert half.rows > first.rows


def test_later_judgements_change_nothing(project, tmp_path, make_user):
    snapshot = create_snapshot(project=project, actor=None)
    old = Judgement.objects.filter(value__verdict="prefer").first()
    Judgement.objects.create(
        project=project,
        task=old.task,
        kind="pairwise",
        value={"verdict": "tie"},
        source="imported",
        idempotency_key="later",
        supersedes=old,
    )
    project.test_percent = 5
    project.save()
    snapshot.refresh_from_db()
    write_training_files(snapshot, tmp_path)
    assert snapshot.rows == len(read(tmp_path / "train.jsonl")) + len(read(tmp_path / "test.jsonl"))
    newer = create_snapshot(project=project, actor=None)
    assert newer.sha256 != snapshot.sha256


def test_the_test_split_has_no_ai_labels(project, tmp_path):
    judge = Judge.objects.create(project=project, name="rm", version=1, kind="reward_model")
    for old in Judgement.objects.filter(value__verdict="prefer"):
        Judgement.objects.create(
            project=project,
            task=old.task,
            kind="pairwise",
            value=old.value,
            source="judge",
            judge=judge,
        )
    write_training_files(create_snapshot(project=project, actor=None), tmp_path)
    assert {row["source"] for row in read(tmp_path / "test.jsonl")} == {"imported"}
    assert {row["source"] for row in read(tmp_path / "train.jsonl")} == {"imported", "judge"}


def test_snapshots_are_append_only_and_audited(project):
    snapshot = create_snapshot(project=project, actor=project.created_by)
    assert AuditEvent.objects.get(action="snapshot.created").detail["sha256"] == snapshot.sha256
    snapshot.rows = 1
    with pytest.raises(Error), transaction.atomic():
        snapshot.save()


def test_unknown_filters_and_rules(project):
    for bad in ({"query": {"x": 1}}, {"tie_rule": "both"}, {"aggregation": "x"}):
        with pytest.raises(ValidationError):
            create_snapshot(project=project, actor=None, **bad)


def test_empty_project(make_project, tmp_path):
    snapshot = create_snapshot(project=make_project(), actor=None)
    write_training_files(snapshot, tmp_path)
    assert snapshot.rows == 0
    assert (tmp_path / "train.jsonl").read_bytes() == b""


def test_two_in_one_transaction(project):
    with transaction.atomic():
        create_snapshot(project=project, actor=None)
        create_snapshot(project=project, actor=None)
    assert project.snapshots.count() == 2


def test_a_snapshot_exports_by_its_own_rules(project):
    snapshot = create_snapshot(project=project, actor=None, tie_rule="half")
    rows = b"".join(stream_export(snapshot=snapshot, format="trl")).splitlines()
    assert len(rows) == 60 + 6
    raw = b"".join(stream_export(snapshot=snapshot, format="raw")).splitlines()
    assert len(raw) == 60
    with pytest.raises(ValidationError):
        stream_export(snapshot=snapshot, format="trl", filters=object())


def test_whoever_watches_the_rows_may_stop_it(project, tmp_path):
    class EnoughError(Exception):
        pass

    seen = []

    def on_row() -> None:
        seen.append(1)
        if len(seen) == 20:
            raise EnoughError

    with pytest.raises(EnoughError):
        create_snapshot(project=project, actor=None, on_row=on_row)
    assert not project.snapshots.exists()
    snapshot = create_snapshot(project=project, actor=None)
    del seen[:]
    with pytest.raises(EnoughError):
        write_training_files(snapshot, tmp_path, on_row)


def test_webhooks_are_told_of_it(project):
    listen(project, "snapshot.finished")
    snapshot = create_snapshot(project=project, actor=None)
    [event] = heard()
    assert event["data"] == {
        "snapshot": snapshot.pk,
        "number": 1,
        "holds": "preferences",
        "rows": snapshot.rows,
        "sha256": snapshot.sha256,
        "query": snapshot.query,
    }
