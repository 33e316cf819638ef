"""Fitted policies over REST, as an engineer drives them."""

import pytest
from rest_framework.test import APIClient

from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from routing.models import FeatureRun, PolicyFit
from routing.services.featurising import run_features
from routing.services.fitting import run_fit
from routing.services.policies import current_judge
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(120, votes=3))
    return project


@pytest.fixture
def client(project) -> APIClient:
    client = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def fit(client, project, **body) -> dict:
    judge = current_judge(project=project)
    body = {"kind": "error", "judges": [judge.pk], "settings": {"share": 0.5}, **body}
    answer = client.post(f"/api/v1/projects/{project.pk}/routing/fits/", body, format="json")
    assert answer.status_code == 202, answer.json()
    run_fit(run=jobs.claim(PolicyFit, answer.json()["id"], owner="test"))
    return client.get(f"/api/v1/routing/fits/{answer.json()['id']}/").json()


def test_from_a_fit_to_a_policy_in_force(client, project) -> None:
    done = fit(client, project)
    assert done["state"] == "done", done
    url = f"/api/v1/routing/policies/{done['policy']}/"
    policy = client.get(url).json()
    assert (policy["state"], policy["settings"]["share"]) == ("draft", 0.5)
    assert policy["metrics"]["tested_on"] > 0
    assert client.post(f"{url}shadow/").json()["state"] == "shadow"
    assert client.post(f"{url}promote/").json()["state"] == "active"
    refused = client.post(f"{url}shadow/")
    assert (refused.status_code, "in force" in str(refused.json())) == (400, True)
    listed = client.get(f"/api/v1/projects/{project.pk}/routing/policies/").json()
    assert [one["state"] for one in listed] == ["active"]


def test_what_is_no_better_needs_a_reason(client, project) -> None:
    first = fit(client, project)
    client.post(f"/api/v1/routing/policies/{first['policy']}/promote/")
    chance = fit(client, project, kind="random")
    url = f"/api/v1/routing/policies/{chance['policy']}/promote/"
    refused = client.post(url, {}, format="json")
    assert (refused.status_code, "reason" in str(refused.json())) == (400, True)
    assert client.post(url, {"reason": "a test"}, format="json").json()["state"] == "active"


def test_specifications_are_listed(client, project) -> None:
    url = f"/api/v1/projects/{project.pk}/routing/specifications/"
    assert client.get(url).json() == []
    fit(client, project)
    [spec] = client.get(url).json()
    assert (spec["version"], spec["encoder"], spec["pool"]) == (1, "", 120)
    low, high = spec["edges"]["longer_length"]
    assert 2 < low <= high < 100


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "kind"),
        ({"kind": "margin", "judges": [1]}, "kind"),
        ({"kind": 3, "judges": [1]}, "kind"),
        ({"kind": "error", "judges": "1"}, "judges"),
        ({"kind": "error", "judges": [True]}, "judges"),
        ({"kind": "error", "judges": [10**30]}, "judges"),
        ({"kind": "error", "judges": [1], "settings": []}, "settings"),
        ({"kind": "error", "judges": [1], "setings": {}}, "setings"),
    ],
)
def test_rubbish_is_told_by_field(client, project, body, field) -> None:
    answer = client.post(f"/api/v1/projects/{project.pk}/routing/fits/", body, format="json")
    assert answer.status_code == 400
    assert field in str(answer.json())
    assert not PolicyFit.objects.exists()


def test_nobody_else_reads_or_promotes(client, project, make_user) -> None:
    done = fit(client, project)
    other = APIClient()
    token = issue_token(user=make_user("eve"), scopes=["read", "manage"])[1]
    other.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    prompt = project.prompts.first()
    for url in (
        f"/api/v1/routing/policies/{done['policy']}/",
        f"/api/v1/routing/fits/{done['id']}/",
        f"/api/v1/prompts/{prompt.pk}/tags/",
        f"/api/v1/projects/{project.pk}/routing/features/",
    ):
        assert other.get(url).status_code == 404
    assert other.post(f"/api/v1/routing/policies/{done['policy']}/promote/").status_code == 404
    assert other.put(f"/api/v1/prompts/{prompt.pk}/tags/", {}, format="json").status_code == 404


def test_features_run_and_tags_are_corrected(client, project) -> None:
    url = f"/api/v1/projects/{project.pk}/routing/features/"
    assert client.post(url).status_code == 409  # nothing is specified yet
    fit(client, project)
    run = client.post(url).json()
    run_features(run=jobs.claim(FeatureRun, run["id"], owner="test"))
    [done] = client.get(url).json()
    assert (done["state"], done["id"]) == ("done", run["id"])

    prompt = project.prompts.first()
    tags = f"/api/v1/prompts/{prompt.pk}/tags/"
    [found] = client.get(tags).json()
    assert found["tagger"] == "rules 1"
    changed = {**found["tags"], "safety": "high", "subjects": ["art"]}
    assert client.put(tags, changed, format="json").json() == {"tagger": "person", "tags": changed}
    assert len(client.get(tags).json()) == 2
    for wrong, field in (
        ({**changed, "safety": "very"}, "tags.safety"),
        ({**changed, "subjects": ["no such"]}, "tags.subjects"),
        ({**changed, "english": "yes"}, "tags.english"),
        ({**changed, "odd": 1}, "tags.odd"),
        ([], "tags"),
    ):
        answer = client.put(tags, wrong, format="json")
        assert (answer.status_code, field in str(answer.json())) == (400, True)
    assert client.delete(tags).status_code == 204
    assert len(client.get(tags).json()) == 1
