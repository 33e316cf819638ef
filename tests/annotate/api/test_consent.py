"""Consent and answers on oneself over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone

AGE = {"name": "age", "title": "How old?", "kind": "choice", "choices": ["young", "old"]}


@pytest.fixture
def owner(caller):
    return caller("owner")


@pytest.fixture
def project(make_project, owner, make_pair_tasks):
    project = make_project(owner.user)
    make_pair_tasks(project, 1)
    return project


@pytest.fixture
def ann(caller, project, add_member):
    ann = caller("ann")
    add_member(project, ann.user)
    return ann


def test_consent_is_asked_given_and_withdrawn(owner, ann, project, refused):
    root = f"projects/{project.pk}/"
    assert ann.get(root + "consent/").json()["version"] is None
    refused(ann.put(root + "consent/", {"text": "x"}), 403)
    refused(owner.put(root + "consent/", {"text": 3}), 400, "text")
    assert owner.put(root + "consent/", {"text": "Be kind."}).json()["version"] == 1
    refused(ann.get(root + "next/"), 403, says="Before your first task")
    refused(ann.post(root + "consent/mine/", {"version": 2}), 400, "version")
    refused(ann.post(root + "consent/mine/", {}), 400, "version")
    given = ann.post(root + "consent/mine/", {"version": 1}).json()
    assert given["agreed_at"] is not None
    assert ann.get(root + "next/").status_code == 200
    assert owner.get(root + "consent/").json()["agreed_at"] is None
    assert ann.delete(root + "consent/mine/").status_code == 204
    refused(ann.delete(root + "consent/mine/"), 400, "consent")
    refused(ann.get(root + "next/"), 403)


def test_questions_are_set_answered_and_counted(owner, ann, project, caller, refused):
    root = f"projects/{project.pk}/profile/"
    until = (timezone.now().date() + timedelta(days=9)).isoformat()
    refused(owner.put(root, {"questions": [AGE], "until": None}), 400, "until")
    refused(owner.put(root, {"questions": [{**AGE, "name": "A"}], "until": until}), 400, "0.name")
    asked = owner.put(root, {"questions": [AGE], "until": until}).json()
    assert asked == ann.get(root).json() == {"questions": [AGE], "until": until}
    refused(ann.put(root + "mine/", {"answers": {"age": "x"}}), 400, "age")
    assert ann.put(root + "mine/", {"answers": {"age": None}}).json()["answers"] == {"age": None}
    assert ann.get(root + "mine/").json() == {"answers": {"age": None}}
    refused(ann.get(root + "summary/"), 403)
    [row] = owner.get(root + "summary/").json()["results"]
    assert (row["total"], row["counts"], row["declined"]) == (
        *(None, {"young": None, "old": None}, None),
    )
    refused(caller("eve").get(root), 404)
