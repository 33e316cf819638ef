"""Norming over REST."""

import pytest

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
