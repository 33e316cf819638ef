"""Quality over REST: the report under pseudonyms, what tasks came to, who may see what."""

import json

import pytest

from annotate.models import QualityRun
from tests.annotate.judged_by_many import computed, judged_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_pair_tasks, make_user, add_member):
    return judged_project(make_project, make_pair_tasks, make_user, add_member)


@pytest.fixture
def owner(caller, project):
    return caller(project.created_by.username)


def test_the_report_names_nobody(owner, project):
    empty = owner.get(f"projects/{project.pk}/quality/").json()
    assert (empty["computed_at"], empty["voices"], empty["new"]) == (None, {}, 40)
    answer = owner.post(f"projects/{project.pk}/quality/")
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    assert owner.post(f"projects/{project.pk}/quality/").json()["id"] == answer.json()["id"]
    QualityRun.objects.all().delete()
    computed(project)
    answer = owner.get(f"projects/{project.pk}/quality/")
    body = answer.json()
    assert (body["judgements"], body["new"], body["version"]) == (40, 0, 1)
    assert body["run"]["state"] == "done"
    people = body["voices"]["human"]["people"]
    names = {person.pseudonym for person in project.people}
    assert {one["rater"] for one in people} == names
    [question] = body["voices"]["human"]["questions"]
    assert {one["first"] for one in question["pairs"]} <= names
    assert body["voices"]["judges"]["against_people"][0]["rater"] == "J v1"
    assert '"ada"' not in answer.content.decode()


def test_consensus_is_listed_and_of_one_task(owner, project, refused):
    computed(project)
    path = f"projects/{project.pk}/consensus/"
    first = owner.get(f"{path}?method=majority&page_size=5").json()
    assert [len(first["results"]), first["results"][0]["task"]] == [5, project.all[6].pk]
    second = owner.client.get(first["next"]).json()
    assert (len(second["results"]), second["next"]) == (3, None)
    low = min(project.all[0].places.values_list("response_id", flat=True))
    rows = owner.get(f"tasks/{project.all[0].pk}/consensus/").json()
    assert [(one["voices"], one["method"]) for one in rows] == [
        ("human", "dawid_skene"), ("human", "majority"),
        ("simulated", "majority"), ("judges", "majority"),
    ]  # fmt: skip
    assert rows[1]["answers"][0]["preferred"] == low
    assert owner.get(f"{path}?voices=judges").json()["results"][0]["method"] == "majority"
    assert owner.get(f"{path}?divided=1").json()["results"] == []
    assert owner.get(f"{path}?language=de").json()["results"] == []
    refused(owner.get(f"{path}?voices=all"), 400, "voices", "human, judges, simulated")
    refused(owner.get(f"{path}?method=x"), 400, "method")
    refused(owner.get(f"{path}?cursor=x"), 400, "cursor")
    refused(owner.get(f"{path}?sort=x"), 400, "sort")


def test_the_rows_behind_figures_are_listed(owner, project, refused):
    path = f"projects/{project.pk}/quality"
    assert owner.get(f"{path}/answers/").json() == {"next": None, "results": []}
    computed(project)
    ada, _bob, carl = (person.pseudonym for person in project.people)
    first = owner.get(f"{path}/answers/?voices=human&rater={carl}&habit=first&page_size=4").json()
    second = owner.client.get(first["next"]).json()
    rows = [*first["results"], *second["results"]]
    assert [len(first["results"]), len(rows), second["next"]] == [4, 6, None]
    assert {row["annotator"] for row in rows} == {carl}
    assert {row["task"] for row in rows} == {task.pk for task in project.all[:6]}
    items = owner.get(f"{path}/items/?question=&rater={ada}&other={carl}&checks=without").json()
    assert [one["task"] for one in items["results"]] == [task.pk for task in project.all]
    low, high = sorted(project.all[7].places.values_list("response_id", flat=True))
    last = items["results"][7]
    assert last["about"] == f"{low},{high}"
    said = {one["rater"]: one["says"] for one in last["answers"]}
    label = {"question": "", "about": last["about"]}
    assert said[ada] == [{**label, "label": "first"}]
    assert said[carl] == [{**label, "label": "second"}]
    assert len(owner.get(f"{path}/items/?page_size=3").json()["results"]) == 3
    assert owner.get(f"{path}/answers/?voices=judges&new=1").json()["results"] == []
    refused(owner.get(f"{path}/answers/?rater=ada"), 400, "rater", "nobody")
    refused(owner.get(f"{path}/answers/?habit=x"), 400, "habit", "hasty")
    refused(owner.get(f"{path}/answers/?cursor=x"), 400, "cursor")
    refused(owner.get(f"{path}/items/?first=2026-02-30"), 400, "first", "day")
    refused(owner.get(f"{path}/items/?sort=x"), 400, "sort")


def test_annotators_get_their_own_figures_if_allowed(owner, project, caller, refused):
    computed(project)
    ada = caller("ada")
    for path in ("quality/", "consensus/", "quality/me/"):
        refused(ada.get(f"projects/{project.pk}/{path}"), 403)
    refused(ada.get(f"tasks/{project.all[0].pk}/consensus/"), 403)
    refused(ada.post(f"projects/{project.pk}/quality/"), 403)
    changed = owner.patch(f"projects/{project.pk}/", {"own_figures": True})
    assert changed.json()["own_figures"] is True
    refused(owner.patch(f"projects/{project.pk}/", {"own_figures": 1}), 400, "own_figures")
    mine = ada.get(f"projects/{project.pk}/quality/me/").json()
    assert (mine["figures"]["judgements"], mine["figures"]["hasty"]) == (8, 8)
    refused(caller("eve").get(f"projects/{project.pk}/quality/me/"), 404)


def test_what_tasks_came_to_is_exported(owner, project, refused, monkeypatch):
    path = f"projects/{project.pk}/export/"
    refused(owner.get(f"{path}?aggregate=majority"), 400, "aggregate", "Compute the report")
    computed(project)
    monkeypatch.setattr("annotate.services.outgoing.consensus_export.BATCH", 3)
    answer = owner.get(f"{path}?aggregate=majority")
    rows = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert [row["task_id"] for row in rows] == [task.pk for task in project.all]
    assert rows[7]["answers"][0]["label"] == "first"
    ids = list(project.all[7].places.order_by("position").values_list("response_id", flat=True))
    assert rows[7]["responses"] == ids
    answer = owner.get(f"{path}?aggregate=majority&voices=judges")
    [first, *_] = b"".join(answer.streaming_content).splitlines()
    assert json.loads(first)["answers"][0]["label"] == "second"
    refused(owner.get(f"{path}?aggregate=best"), 400, "aggregate", "span_vote")
    refused(owner.get(f"{path}?voices=judges"), 400, "aggregate")
    refused(owner.get(f"{path}?aggregate=majority&format=trl"), 400, "aggregate", "leave the")
    refused(owner.get(f"{path}?aggregate=majority&voices=all"), 400, "voices")
