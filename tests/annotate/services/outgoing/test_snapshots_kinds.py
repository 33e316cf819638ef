"""Snapshots of projects of every kind: preferences where there are some, else judgements."""

import hashlib
import json

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.urls import reverse

from annotate.interchange import judged_rows
from annotate.interchange.preferences import Judged, PromptText, ResponseText
from annotate.models import Judge, Judgement, Prompt, Snapshot, Task
from annotate.services.outgoing.exports import DoesNotFit, stream_export
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    stream_training_file,
    write_origins,
    write_training_files,
)
from annotate.services.projects import create_project, update_project
from tests.annotate.kinds_at_work import CASES, judge

pytestmark = pytest.mark.django_db
WITHOUT_PAIRS = [name for name, case in CASES.items() if not case.pairs]


@pytest.fixture
def make_judged(make_project, make_pair_tasks, make_user):
    """make_judged("spans") -> a project with five tasks that two people judged."""

    def make(kind: str, tasks: int = 5, **fields):
        case = CASES[kind]
        project = make_project(kind=kind, kind_settings=case.settings, **fields)
        both = [make_user("ada"), make_user("bob")]
        for task in make_pair_tasks(project, tasks):
            judge(project, task, both, case)
        return project

    return make


def lines(snapshot: Snapshot, split: str) -> list[dict]:
    return [json.loads(line) for line in stream_training_file(snapshot=snapshot, split=split)]


@pytest.mark.parametrize("kind", list(CASES))
def test_every_kind_is_frozen_under_a_hash(make_judged, kind, tmp_path) -> None:
    project = make_judged(kind, test_percent=40)
    snapshot = create_snapshot(project=project, actor=None)
    assert snapshot.items.count() == 10
    assert snapshot.holds == ("preferences" if CASES[kind].pairs else "judgements")
    write_training_files(snapshot, tmp_path)
    written = b"".join((tmp_path / f"{name}.jsonl").read_bytes() for name in ("train", "test"))
    assert len(written.splitlines()) == snapshot.rows > 0
    again = create_snapshot(project=project, actor=None)
    assert (again.sha256, again.number) == (snapshot.sha256, 2)
    raw = b"".join(stream_export(snapshot=snapshot, format="raw")).splitlines()
    assert len(raw) == 10


@pytest.mark.parametrize("kind", WITHOUT_PAIRS)
def test_rows_are_the_judgements_in_their_context(make_judged, kind) -> None:
    project = make_judged(kind, test_percent=0)
    snapshot = create_snapshot(project=project, actor=project.created_by)
    assert (snapshot.holds, snapshot.tie_rule, snapshot.aggregation) == ("judgements", "", "")
    rows = lines(snapshot, "train")
    assert [row["id"] for row in rows] == sorted(project.judgements.values_list("pk", flat=True))
    assert {row["id"]: row["value"] for row in rows} == dict(
        project.judgements.values_list("pk", "value")
    )
    task = Task.objects.get(pk=rows[0]["task_id"])
    assert rows[0]["prompt"] == task.prompt.conversation
    assert [response["text"] for response in rows[0]["responses"]] == [
        place.response.text for place in task.places.order_by("position")
    ]
    assert (rows[0]["kind"], rows[0]["source"], rows[0]["context"]) == (kind, "person", {})
    digest = hashlib.sha256(b"".join(stream_training_file(snapshot=snapshot, split="train")))
    assert digest.hexdigest() == snapshot.sha256


def test_what_may_change_later_changes_no_row(make_judged, tmp_path) -> None:
    project = make_judged("spans")
    snapshot = create_snapshot(project=project, actor=None)
    Prompt.objects.update(metadata={"new": 1}, language="en")
    Judgement.objects.create(
        project=project,
        task=project.tasks.first(),
        kind="spans",
        value=project.judgements.first().value,
        source="imported",
        imported_author="later",
    )
    write_training_files(snapshot, tmp_path)
    assert create_snapshot(project=project, actor=None).sha256 != snapshot.sha256


def test_test_rows_are_human_and_split_by_prompt(make_judged) -> None:
    project = make_judged("spans", tasks=8, test_percent=50, seed=1)
    value = project.judgements.first().value
    judge_row = Judge.objects.create(
        project=project, name="machine", version=1, kind="reward_model"
    )
    for task in project.tasks.all():
        Judgement.objects.create(
            project=project, task=task, kind="spans", value=value, source="judge", judge=judge_row
        )
    snapshot = create_snapshot(project=project, actor=None)
    held_out = set(Prompt.objects.filter(split_bucket__lt=50).values_list("pk", flat=True))
    assert 0 < len(held_out) < 8
    test, train = lines(snapshot, "test"), lines(snapshot, "train")
    assert {row["prompt_id"] for row in test} == held_out
    assert {row["source"] for row in test} == {"person"}
    assert {row["source"] for row in train} == {"person", "judge"}
    assert not {row["prompt_id"] for row in train} & held_out


def test_formats_are_those_that_fit(make_judged) -> None:
    project = make_judged("spans")
    snapshot = create_snapshot(project=project, actor=None)
    assert b"".join(stream_export(snapshot=snapshot, format="fine_grained_segments"))
    with pytest.raises(DoesNotFit, match=r"hold none\. Formats that fit: fine_grained"):
        stream_export(snapshot=snapshot, format="trl")
    with pytest.raises(
        DoesNotFit, match=r"tie_rule is a rule for preferences.*Leave the rules out"
    ):
        create_snapshot(project=project, actor=None, tie_rule="half")
    with pytest.raises(ValidationError, match="unknown"):
        create_snapshot(project=project, actor=None, query={"source": "nobody"})


def test_judgements_may_be_frozen_where_there_are_preferences_too(make_judged, tmp_path) -> None:
    project = make_judged("form", test_percent=40)
    snapshot = create_snapshot(project=project, actor=None, holds="judgements")
    assert (snapshot.holds, snapshot.tie_rule) == ("judgements", "")
    write_training_files(snapshot, tmp_path)
    assert {row["kind"] for row in lines(snapshot, "train")} == {"form"}
    with pytest.raises(DoesNotFit, match="this snapshot was made of judgements"):
        stream_export(snapshot=snapshot, format="trl")
    with pytest.raises(ValidationError, match=r"holds judgements\. Leave the rules out"):
        create_snapshot(project=project, actor=None, holds="judgements", tie_rule="drop")
    with pytest.raises(ValidationError, match="Choose one of: preferences, judgements"):
        create_snapshot(project=project, actor=None, holds="everything")


def test_there_are_no_preferences_to_freeze_where_answers_hold_none(make_judged) -> None:
    with pytest.raises(DoesNotFit, match="hold none"):
        create_snapshot(project=make_judged("spans"), actor=None, holds="preferences")


def test_origins_tell_who_judged_and_what_types_were(make_judged, tmp_path) -> None:
    project = make_judged("spans")
    snapshot = create_snapshot(project=project, actor=None)
    write_origins(snapshot, tmp_path / "origins.jsonl")
    found = [json.loads(line) for line in (tmp_path / "origins.jsonl").read_text().splitlines()]
    assert [row["id"] for row in found] == sorted(project.judgements.values_list("pk", flat=True))
    names = set(project.judgements.values_list("annotator__pseudonym", flat=True))
    assert {row["annotator"] for row in found} == names
    assert len(names) == 2
    assert all(row["categories"]["irrelevant"] == "C1" for row in found)


def test_a_snapshot_stays_what_it_was_when_the_questions_change(
    make_project, make_pair_tasks, tmp_path
) -> None:
    rating = {"name": "quality", "kind": "critique"}
    project = make_project(kind="form", kind_settings={"questions": [rating]})
    make_pair_tasks(project, 1)
    snapshot = create_snapshot(project=project, actor=None)
    assert snapshot.holds == "judgements"
    questions = [rating, {"name": "best", "kind": "pairwise", "required": False}]
    settings = {"questions": questions}
    update_project(project=project, actor=project.created_by, kind_settings=settings)
    snapshot = Snapshot.objects.get(pk=snapshot.pk)
    assert create_snapshot(project=snapshot.project, actor=None).holds == "preferences"
    with pytest.raises(DoesNotFit, match="this snapshot was made of judgements"):
        stream_export(snapshot=snapshot, format="trl")
    write_training_files(snapshot, tmp_path)


def test_rules_and_what_it_holds_agree_in_the_database(make_project) -> None:
    project = make_project()
    for holds, tie_rule in (("judgements", "drop"), ("preferences", "")):
        with pytest.raises(IntegrityError, match="snapshot_rules"), transaction.atomic():
            Snapshot.objects.create(
                project=project, number=1, query={}, holds=holds, tie_rule=tie_rule,
                aggregation=tie_rule and "each", split={}, rows=0, sha256="0",
            )  # fmt: skip


def test_conversations_go_with_their_verdicts() -> None:
    prompt = PromptText(1, "", "Be brief.", [], "", False)
    reply = {"letter": "A", "attempt": 1, "state": "done", "text": "Hi.", "seconds": 0.1}
    chat = {"models": {}, "turns": [{"message": "Hello", "follows": None, "replies": [reply]}]}
    provenance = {"kind": "chat", "schema_version": 1, "rationale": "", "chat": chat}
    row = judged_rows.write(Judged(1, 2, {"turns": []}, "person", prompt, (), provenance))
    assert row["prompt"] == [{"role": "system", "content": "Be brief."}]
    [turn] = row["turns"]
    assert turn["replies"] == [{"letter": "A", "attempt": 1, "state": "done", "text": "Hi."}]
    part = {"type": "image", "file": 3, "sha256": "0"}
    picture = ResponseText(5, "", "", "", [part])
    del provenance["chat"]
    row = judged_rows.write(Judged(1, 2, {}, "person", prompt, (picture,), provenance))
    assert row["responses"] == [{"id": 5, "text": "", "content": [part]}]
    assert "turns" not in row


def test_over_rest_and_on_the_pages(make_judged, client) -> None:
    project = make_judged("critique", test_percent=0)
    client.force_login(project.created_by)
    exports = client.get(reverse("exports", args=[project.pk])).content.decode()
    assert "its rows are the judgements as they are" in exports
    assert 'name="snapshot-tie_rule"' not in exports
    url = reverse("create_snapshot", args=[project.pk])
    answer = client.post(url, {"snapshot-source": "all", "snapshot-simulated": "include"})
    made = Snapshot.objects.get()
    assert answer.url == reverse("snapshot", args=[made.pk])
    page = client.get(answer.url).content.decode()
    assert reverse("download_snapshot", args=[made.pk, "raw"]) in page
    assert reverse("download_snapshot", args=[made.pk, "trl"]) not in page
    assert client.get(reverse("exports", args=[project.pk])).status_code == 200
    api = reverse("api_snapshots", args=[project.pk])
    body = client.post(api, {}, content_type="application/json").json()
    assert (body["holds"], body["tie_rule"], body["rows"]) == ("judgements", "", 10)
    file = client.get(f"/api/v1/snapshots/{body['id']}/files/train.jsonl")
    assert len(file.getvalue().splitlines()) == 10
    refused = client.post(api, {"tie_rule": "half"}, content_type="application/json")
    assert refused.status_code == 409
    assert "Leave the rules out" in refused.json()["detail"]


@pytest.mark.parametrize("before", [1, 3])
def test_a_frozen_margin_stays_when_the_project_asks_for_other_strengths(
    make_user, make_pair_tasks, tmp_path, before
) -> None:
    owner = make_user("owner")
    settings = {"strength_levels": before}
    project = create_project(actor=owner, name="A", test_percent=0, kind_settings=settings)
    [old, imported, new] = make_pair_tasks(project, 3)

    def prefer(task: Task, **fields) -> Judgement:
        ids = sorted(task.places.values_list("response", flat=True))
        value = {"verdict": "prefer", "preferred": ids[0], "strength": 1}
        fields = {"kind": "pairwise", "value": value, "shown_order": ids, **fields}
        return Judgement.objects.create(project=project, task=task, **fields)

    prefer(old, source="person", annotator=owner, form_version=project.form_version)
    prefer(imported, source="imported", imported_author="file")
    snapshot = create_snapshot(project=project, actor=owner)
    told = 1 / 3 if before == 3 else 0
    assert [row["margin"] for row in lines(snapshot, "train")] == pytest.approx(
        [told] * 2, abs=1e-6
    )
    settings = {"strength_levels": 4 - before}
    project = update_project(project=project, actor=owner, kind_settings=settings)
    write_training_files(Snapshot.objects.get(pk=snapshot.pk), tmp_path)
    prefer(new, source="person", annotator=owner, form_version=project.form_version)
    for aggregation in ("each", "majority"):
        later = create_snapshot(project=project, actor=owner, aggregation=aggregation)
        margins = [row["margin"] for row in lines(later, "train")]
        assert margins == pytest.approx([told, told, 1 / 3 - told], abs=1e-6)
