"""Judges' labels turned round: beside what the judge said, in exports and snapshots if asked."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.db import Error, transaction
from django.urls import reverse

from annotate.models import Judge, Judgement, LabelFlip
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.exports import ExportOptions, stream_export
from annotate.services.outgoing.flips import take_back, turn_label
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    stream_training_file,
    write_training_files,
)

pytestmark = pytest.mark.django_db

WHY = {"second_look": 5, "p_wrong": 0.9}


@pytest.fixture
def project(make_project, make_pair_tasks):
    """Two tasks on which a judge prefers the first response."""
    project = make_project(test_percent=0)
    judge = Judge.objects.create(project=project, name="llm", version=1, kind="openai")
    for task in make_pair_tasks(project, 2):
        first = task.places.get(position=0).response_id
        Judgement.objects.create(
            project=project, task=task, kind="pairwise", source="judge", judge=judge,
            value={"verdict": "prefer", "preferred": first, "strength": 1},
        )  # fmt: skip
    return project


@pytest.fixture
def flip(project) -> LabelFlip:
    label = project.judgements.order_by("pk").first()
    ids = list(label.task.places.order_by("position").values_list("response_id", flat=True))
    return turn_label(judgement=label, response_ids=ids, why=WHY)


def export(project, flipped, format="trl", **options) -> list[dict]:
    filters = ExportFilters(flipped=flipped)
    options = ExportOptions(**options)
    stream = stream_export(project=project, format=format, filters=filters, options=options)
    return [json.loads(line) for line in b"".join(stream).splitlines()]


def chosen(rows) -> list[str]:
    return [row["chosen"] for row in rows]


JUDGED, TURNED = "Answer a to 0.", "Answer b to 0."


def test_a_label_is_as_judged_turned_or_left_out(project, flip) -> None:
    assert chosen(export(project, "as_judged")) == [JUDGED, "Answer a to 1."]
    assert chosen(export(project, "turned")) == [TURNED, "Answer a to 1."]
    assert chosen(export(project, "turned", aggregation="majority")) == [TURNED, "Answer a to 1."]
    assert chosen(export(project, "left_out")) == ["Answer a to 1."]
    with pytest.raises(ValidationError, match="as_judged, turned, left_out"):
        ExportFilters(flipped="yes")


def test_raw_rows_tell_what_the_judge_said_and_why_it_was_turned(project, flip) -> None:
    turned, other = export(project, "turned", "raw")
    assert turned["value"] == flip.value != flip.judgement.value
    assert turned["flipped"] == {"as_judged": flip.judgement.value, "why": WHY}
    assert "flipped" not in other
    assert all("flipped" not in row for row in export(project, "as_judged", "raw"))


def test_what_is_taken_back_is_again_what_the_judge_said(project, flip) -> None:
    assert take_back(flips=LabelFlip.objects.in_force(), why={}) == 1
    assert not LabelFlip.objects.in_force().exists()
    for flipped in ("turned", "left_out"):
        assert chosen(export(project, flipped)) == [JUDGED, "Answer a to 1."]
    again = turn_label(
        judgement=flip.judgement,
        response_ids=[flip.judgement.value["preferred"], flip.value["preferred"]],
        why=WHY,
    )
    assert list(LabelFlip.objects.in_force()) == [again]
    assert chosen(export(project, "turned"))[0] == TURNED


def test_a_snapshot_keeps_to_what_it_was_made_with(project, flip, tmp_path) -> None:
    plain = create_snapshot(project=project, actor=None)
    turned = create_snapshot(project=project, actor=None, query={"flipped": "turned"})
    without = create_snapshot(project=project, actor=None, query={"flipped": "left_out"})
    assert [one.query["flipped"] for one in (plain, turned, without)] == [
        "as_judged", "turned", "left_out"
    ]  # fmt: skip
    assert len({plain.sha256, turned.sha256, without.sha256}) == 3
    assert [one.items.exclude(flip=None).count() for one in (plain, turned, without)] == [0, 1, 0]

    take_back(flips=[flip], why={})
    for number, snapshot in enumerate((plain, turned, without)):
        write_training_files(snapshot, tmp_path / str(number))  # or it says that the hash differs
    rows = [json.loads(line) for line in stream_training_file(snapshot=turned, split="train")]
    assert [(row["chosen"], row.get("flipped")) for row in rows] == [
        (TURNED, True),
        ("Answer a to 1.", None),
    ]
    exported = b"".join(stream_export(snapshot=turned, format="trl")).splitlines()
    assert chosen(map(json.loads, exported))[0] == TURNED


def test_only_preferences_of_judges_are_turned_and_rows_only_grow(project, flip, make_user) -> None:
    task = flip.judgement.task
    ids = list(task.places.order_by("position").values_list("response_id", flat=True))
    person = Judgement.objects.create(
        project=project, task=task, kind="pairwise", source="person", annotator=make_user("ann"),
        value={"verdict": "prefer", "preferred": ids[0], "strength": 1},
    )  # fmt: skip
    with pytest.raises(ValueError, match="no preference of a judge"):
        turn_label(judgement=person, response_ids=ids, why={})
    for change in (
        lambda: LabelFlip.objects.update(value=None),
        lambda: LabelFlip.objects.all().delete(),
    ):
        with pytest.raises(Error, match="append-only"), transaction.atomic():
            change()


def test_the_page_offers_the_choice_where_there_is_one(client, project) -> None:
    client.force_login(project.created_by)
    page = reverse("exports", args=[project.pk])
    assert "snapshot-flipped" not in client.get(page).content.decode()
    label = project.judgements.order_by("pk").first()
    ids = list(label.task.places.order_by("position").values_list("response_id", flat=True))
    turn_label(judgement=label, response_ids=ids, why=WHY)
    assert "snapshot-flipped" in client.get(page).content.decode()

    form = {
        "snapshot-source": "all", "snapshot-simulated": "include", "snapshot-tie_rule": "drop",
        "snapshot-aggregation": "each", "snapshot-flipped": "turned",
    }  # fmt: skip
    made = client.post(reverse("create_snapshot", args=[project.pk]), form)
    assert made.status_code == 302
    assert "turned round (1)" in client.get(made.url).content.decode()
    download = reverse("download_export", args=[project.pk])
    asked = {"format": "trl", "source": "all", "simulated": "include", "split": "all",
             "tie_rule": "drop", "aggregation": "each", "flipped": "turned"}  # fmt: skip
    rows = b"".join(client.get(download, asked).streaming_content).splitlines()
    assert chosen(map(json.loads, rows))[0] == TURNED
