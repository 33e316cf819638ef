"""Evaluation sets and runs over REST."""

import json

import pytest
from rest_framework.test import APIClient

from annotate.services.people.tokens import issue_token
from tests.training.pages.test_evaluations import ROWS, finished
from training.models import EvaluationRun, EvaluationSet

pytestmark = pytest.mark.django_db
BODY = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


@pytest.fixture
def client_for():
    def make(user) -> APIClient:
        client = APIClient()
        _, secret = issue_token(user=user, scopes=["read", "annotate", "manage"])
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        return client

    return make


@pytest.fixture
def project(judged_project, var_dir):
    return judged_project(4)


@pytest.fixture
def owner(project, client_for):
    return client_for(project.created_by)


def send(client: APIClient, project, query: str, body: bytes = BODY):
    address = f"/api/v1/projects/{project.pk}/evaluation-sets/?{query}"
    return client.post(address, body, content_type="application/octet-stream")


def test_a_set_is_sent_listed_and_deleted(project, owner):
    made = send(owner, project, "name=Bench&filename=bench.jsonl")
    assert made.status_code == 201, made.content
    assert made.json()["subsets"] == {"chat": 4, "code": 4}
    listed = owner.get(f"/api/v1/projects/{project.pk}/evaluation-sets/").json()
    assert [row["name"] for row in listed["results"]] == ["Bench"]
    address = f"/api/v1/evaluation-sets/{made.json()['id']}/"
    assert owner.get(address).json() == made.json()
    assert owner.delete(address).status_code == 204
    assert owner.get(address).status_code == 404


def test_refused_rows_are_answered_by_line_and_field(project, owner):
    body = BODY + b'{"prompt": "p", "chosen": "a"}\n'
    refused = send(owner, project, "name=Bench", body)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["line"], error["field"]) == (9, "rejected")
    assert "missing" in error["message"]
    assert not EvaluationSet.objects.exists()
    for query, field in (("", "name"), ("name=x&kind=triples", "kind"), ("name=x&z=1", "z")):
        refused = send(owner, project, query)
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == field


def test_a_run_is_queued_compared_and_cancelled(project, owner, make_scored):
    found = EvaluationSet.objects.get(pk=send(owner, project, "name=Bench").json()["id"])
    first, second = (make_scored(project, number, 1.0) for number in (1, 2))
    address = f"/api/v1/projects/{project.pk}/evaluations/"
    wish = {"evaluation_set": found.pk, "model_version": first.pk}
    made = owner.post(address, wish, format="json")
    assert made.status_code == 201
    assert (made.json()["state"], made.json()["total"]) == ("queued", 8)
    for more, field in (
        ({"config": {"samples": 4}}, "config"),
        ({"model_version": 0}, "model_version"),
        ({}, "model_version"),
    ):
        refused = owner.post(address, {**wish, **more}, format="json")
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == field
    run = f"/api/v1/evaluations/{made.json()['id']}/"
    assert owner.post(f"{run}cancel/").json()["state"] == "cancelled"
    assert owner.get(run).json()["state"] == "cancelled"
    finished(found, first, [1.0] * 8)
    newest = finished(found, second, [-1.0] * 8)
    body = owner.get(f"/api/v1/evaluation-sets/{found.pk}/comparison/").json()
    assert [row["model_version"] for row in body["runs"]] == [second.pk, first.pk]
    (test,) = body["tests"]
    assert (test["first"], test["second"], test["only_a"], test["only_b"]) == (
        second.pk,
        first.pk,
        0,
        8,
    )
    assert test["difference"]["value"] == -1
    listed = owner.get(address).json()["results"]
    assert next(row["id"] for row in listed) == newest.pk
    assert owner.delete(f"/api/v1/evaluation-sets/{found.pk}/").status_code == 400


def test_reviewers_read_and_strangers_see_nothing(
    project, owner, client_for, make_user, add_member
):
    found = send(owner, project, "name=Bench").json()["id"]
    reviewer, stranger = make_user("rita"), make_user("sam")
    add_member(project, reviewer, "reviewer")
    readers = client_for(reviewer)
    assert readers.get(f"/api/v1/evaluation-sets/{found}/").status_code == 200
    assert readers.delete(f"/api/v1/evaluation-sets/{found}/").status_code == 403
    assert send(readers, project, "name=Other").status_code == 403
    assert client_for(stranger).get(f"/api/v1/evaluation-sets/{found}/").status_code == 404
    assert EvaluationSet.objects.count() == 1
    assert not EvaluationRun.objects.exists()
