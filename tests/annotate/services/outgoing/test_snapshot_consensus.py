"""What tasks came to, kept with a snapshot: rows, hash, files, and two snapshots side by side."""

import hashlib
import io
import json

import pytest
from django.db import Error, transaction
from django.urls import reverse
from pyarrow import parquet as pq

from annotate.models import Judgement, Prompt, SnapshotConsensus
from annotate.reports.snapshot_consensus import (
    compare_consensus,
    shifted_consensus,
    shifts_of,
)
from annotate.services.outgoing.snapshot_files import snapshot_files, stream_file
from annotate.services.outgoing.snapshots import create_snapshot, stream_training_file
from tests.annotate.judged_by_many import answer, computed, judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    """Eight tasks with a report on quality."""
    project = judged_project(make_project, make_pair_tasks, make_user, add_member)
    project.test_percent = 0
    project.save()
    computed(project)
    return project


def content(snapshot, name: str) -> bytes:
    [file] = [file for file in snapshot_files(snapshot) if file.name == name]
    return b"".join(stream_file(snapshot, file))


def rows_of(snapshot) -> list[dict]:
    return [json.loads(line) for line in content(snapshot, "consensus.jsonl").splitlines()]


def minds_changed(task, people) -> None:
    """They all say the second now."""
    for person in people:
        mine = Judgement.objects.get(task=task, annotator=person)
        answer(task, person=person, side=1, supersedes=mine)


def test_rows_are_the_reports_and_stay_when_it_is_computed_anew(project) -> None:
    snapshot = create_snapshot(project=project, actor=None)
    kept = content(snapshot, "consensus.jsonl")
    assert hashlib.sha256(kept).hexdigest() == snapshot.consensus_sha256
    rows = rows_of(snapshot)
    assert len(rows) == snapshot.consensus_rows == project.consensus.count() == 8 * 4
    first = project.all[0]
    [found] = [r for r in rows if (r["task_id"], r["method"]) == (first.pk, "dawid_skene")]
    row = first.consensus.get(method="dawid_skene")
    assert (found["answers"], found["entropy"], found["divided"], found["votes"]) == (
        *(row.answers, row.entropy, row.divided, row.votes),
    )
    assert found["answers"][0]["label"] == "first"
    assert found["divergent"] is (row.divided > 0.5)
    assert (found["voices"], found["version"], found["split"]) == ("human", 1, "train")
    assert found["prompt_id"] == first.prompt_id
    places = first.places.order_by("position").values_list("response_id", flat=True)
    assert found["responses"] == list(places)
    by_people = Judgement.objects.filter(task=first, source="person", simulated=False)
    assert found["judgements"] == sorted(by_people.values_list("pk", flat=True))
    minds_changed(first, project.people)
    computed(project)
    assert content(snapshot, "consensus.jsonl") == kept
    assert snapshot.consensus_at < project.consensus.first().computed_at


def test_parquet_holds_the_same_rows(project) -> None:
    snapshot = create_snapshot(project=project, actor=None)
    table = pq.read_table(io.BytesIO(content(snapshot, "consensus.parquet")))
    read = [{**row, "answers": json.loads(row["answers"])} for row in table.to_pylist()]
    assert read == rows_of(snapshot) != []


def test_voices_are_those_of_the_selection_and_no_judge_speaks_on_held_out_prompts(project) -> None:
    people = create_snapshot(
        project=project, actor=None, query={"source": "people", "simulated": "exclude"}
    )
    assert {row["voices"] for row in rows_of(people)} == {"human"}
    project.test_percent = 12
    project.save()
    Prompt.objects.filter(project=project).update(split_bucket=3)
    held_out = rows_of(create_snapshot(project=project, actor=None))
    assert {row["split"] for row in held_out} == {"test"}
    assert {row["voices"] for row in held_out} == {"human", "simulated"}


def test_without_a_report_there_is_none(make_project, make_pair_tasks, make_user) -> None:
    project = make_project()
    [task] = make_pair_tasks(project, 1)
    answer(task, person=make_user("ada"), side=0)
    snapshot = create_snapshot(project=project, actor=None)
    assert (snapshot.consensus_rows, snapshot.consensus_sha256) == (0, "")
    assert [file.name for file in snapshot_files(snapshot) if file.is_consensus] == []
    assert "None: no report on quality" in snapshot.card


def test_it_is_no_part_of_the_training_hash_and_never_changes(project) -> None:
    before = create_snapshot(project=project, actor=None)
    project.consensus.all().delete()
    after = create_snapshot(project=project, actor=None)
    assert before.sha256 == after.sha256
    assert (after.consensus_rows, after.consensus_sha256) == (0, "")
    with pytest.raises(Error, match="append-only"), transaction.atomic():
        SnapshotConsensus.objects.filter(snapshot=before).update(votes=9)


def test_the_card_tells_of_it_and_what_came_later(project, tmp_path) -> None:
    answer(project.all[0], person=project.created_by, side=0)
    snapshot = create_snapshot(project=project, actor=None)
    card = snapshot.card
    assert "32 rows (dawid_skene 8 (25.0 %), majority 24 (75.0 %))" in card
    assert "1 of the judgements came after that report." in card
    assert f"`{snapshot.consensus_sha256}`" in card
    datasets = pytest.importorskip("datasets", reason="needs the training extra")
    for file in snapshot_files(snapshot):
        (tmp_path / file.name).write_bytes(b"".join(stream_file(snapshot, file)))
    cache = str(tmp_path / "cache")
    kept = datasets.load_dataset(str(tmp_path), "consensus", cache_dir=cache)["tasks"]
    assert kept["task_id"][:] == [row["task_id"] for row in rows_of(snapshot)]
    train = datasets.load_dataset(str(tmp_path), cache_dir=cache)["train"]
    lines = stream_training_file(snapshot=snapshot, split="train")
    assert train["id"][:] == [json.loads(line)["id"] for line in lines]


def test_two_snapshots_tell_what_shifted(project, client) -> None:
    older = create_snapshot(project=project, actor=None)
    minds_changed(project.all[0], project.people[:2])
    computed(project)
    without_judges = {"query": {"source": "people"}}
    newer = create_snapshot(project=project, actor=None, **without_judges)
    found = compare_consensus(older, newer)
    counts = dict(found.counts)
    assert counts["went"] == 8  # the judge's
    assert counts["other_answer"] >= 1
    assert found.same + sum(counts.values()) == 32
    rows = list(shifted_consensus(older, newer, "other_answer"))
    assert {row.task_id for row in rows} == {project.all[0].pk}
    assert {row.snapshot_id for row in rows} == {newer.pk}
    gone = list(shifted_consensus(older, newer, "went"))
    assert {row.voices for row in gone} == {"judges"}
    assert set(shifts_of(older, newer, [row.pk for row in gone]).values()) == {"went"}
    assert compare_consensus(newer, newer).counts == []
    back = dict(compare_consensus(newer, older).counts)
    assert (back["came"], back["other_answer"]) == (8, counts["other_answer"])

    client.force_login(project.created_by)
    api = f"/api/v1/snapshots/{newer.pk}"
    told = client.get(f"{api}/comparison/?with={older.pk}").json()["consensus"]
    assert told["same"] == found.same
    assert {row["shift"]: row["count"] for row in told["counts"]} == counts
    listed = client.get(f"{api}/consensus-changes/?with={older.pk}&shift=went&page_size=3").json()
    assert [row["task"] for row in listed["results"]] == [row.task_id for row in gone[:3]]
    assert {row["shift"] for row in listed["results"]} == {"went"}
    assert listed["next"]
    refused = client.get(f"{api}/consensus-changes/?with={older.pk}&shift=x")
    assert refused.status_code == 400
    page = client.get(reverse("compare_snapshots", args=[newer.pk]) + "?shift=other_answer")
    text = page.content.decode()
    assert "came to another answer" in text
    assert page.context["shifted"][0][0].task_id == project.all[0].pk


def test_page_and_rest_give_the_files(project, client) -> None:
    snapshot = create_snapshot(project=project, actor=None)
    client.force_login(project.created_by)
    page = client.get(reverse("snapshot", args=[snapshot.pk])).content.decode()
    assert snapshot.consensus_sha256 in page
    for type_ in ("jsonl", "parquet"):
        name = f"consensus.{type_}"
        url = reverse("download_snapshot_consensus", args=[snapshot.pk, type_])
        assert url in page
        assert b"".join(client.get(url).streaming_content) == content(snapshot, name)
        answer_ = client.get(f"/api/v1/snapshots/{snapshot.pk}/files/{name}")
        assert b"".join(answer_.streaming_content) == content(snapshot, name)
        assert answer_["ETag"] == f'"{snapshot.consensus_sha256}-{name}"'
    body = client.get(f"/api/v1/snapshots/{snapshot.pk}/").json()
    assert body["consensus_rows"] == 32
    assert client.get(url.replace("parquet", "csv")).status_code == 404
