"""Norming over REST."""

import pytest

from annotate.services.people.consents import set_consent

pytestmark = pytest.mark.django_db


def test_a_manager_starts_reads_and_ends_one(
    make_project, make_pair_tasks, make_user, add_member, caller, refused
):
    project = make_project()
    people = [make_user(name) for name in ("ada", "bob")]
    for person in people:
        add_member(project, person)
    tasks = [task.pk for task in make_pair_tasks(project, 2)]
    owner = caller(project.created_by.username)
    path = f"projects/{project.pk}/norming/"
    body = {"name": "Round", "tasks": tasks, "people": ["ada", people[1].pseudonym]}
    made = owner.post(path, body)
    assert made.status_code == 201
    one = f"norming/{made.json()['id']}/"
    found = owner.get(one).json()
    assert (found["wanted"], found["done"], found["answers"]) == (4, 0, [])
    assert [row["name"] for row in owner.get(path).json()["results"]] == ["Round"]
    refused(owner.post(path, body), 400, "tasks", says="seen already")
    refused(owner.post(path, {**body, "people": ["nobody"]}), 400, "people.0")
    refused(owner.post(path, {**body, "people": [1]}), 400, "people")
    refused(caller("ada").get(one), 403)
    assert owner.post(f"{one}end/").json()["ended_at"]


def test_its_seats_come_through_next_before_all_others(
    make_project, make_pair_tasks, make_user, add_member, caller
):
    project = make_project()
    for name in ("ada", "bob"):
        add_member(project, make_user(name))
    ada, tasks = caller("ada"), [task.pk for task in make_pair_tasks(project, 3)]
    body = {"name": "Round", "tasks": tasks[1:], "people": ["ada", "bob"]}
    caller(project.created_by.username).post(f"projects/{project.pk}/norming/", body)
    got = []
    for _ in range(3):
        lease = ada.get(f"projects/{project.pk}/next/").json()
        got.append(lease["task"])
        assert lease["returned"] is None
        done = ada.post(f"seats/{lease['seat']}/judgement/", {"value": {"verdict": "tie"}})
        assert done.status_code == 201
    assert got == [*tasks[1:], tasks[0]]
    assert ada.get(f"projects/{project.pk}/next/").status_code == 204


def test_whoever_has_to_agree_first_is_told_so_there_too(
    make_project, make_pair_tasks, make_user, add_member, caller, refused
):
    project = make_project()
    for name in ("ada", "bob"):
        add_member(project, make_user(name))
    tasks = [task.pk for task in make_pair_tasks(project, 1)]
    body = {"name": "Round", "tasks": tasks, "people": ["ada", "bob"]}
    caller(project.created_by.username).post(f"projects/{project.pk}/norming/", body)
    set_consent(project=project, actor=project.created_by, text="Be kind.")
    refused(caller("ada").get(f"projects/{project.pk}/next/"), 403)


def test_next_tells_what_a_reviewer_sent_back(
    make_project, make_pair_tasks, make_user, add_member, caller
):
    project = make_project()
    add_member(project, make_user("ada"))
    make_pair_tasks(project, 2)
    ada = caller("ada")
    lease = ada.get(f"projects/{project.pk}/next/").json()
    own = ada.post(f"seats/{lease['seat']}/judgement/", {"value": {"verdict": "tie"}}).json()["id"]
    body = {"decision": "return", "note": "Look again."}
    caller(project.created_by.username).post(f"judgements/{own}/review/", body)
    assert ada.get(f"projects/{project.pk}/next/").json()["returned"] == own
    ada.post(f"judgements/{own}/revise/", {"value": {"verdict": "tie"}})
    assert ada.get(f"projects/{project.pk}/next/").json()["returned"] is None
