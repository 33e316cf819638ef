"""The page and the REST of features of preferences: asked for, shown, refused."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import Response
from annotate.services.people.tokens import issue_token
from tests.training.planted_pairs import plant_pairs
from training import tasks
from training.models import PreferenceFeatureRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, make_user, client):
    project = make_project(owner=make_user("owner"), seed=1)
    client.force_login(project.created_by)
    return project


@pytest.fixture
def api(project):
    _, secret = issue_token(user=project.created_by, scopes=["read", "manage"])
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def test_a_report_is_asked_for_shown_and_answered(
    client, api, project, make_user, add_member
) -> None:
    address = reverse("preferences", args=[project.pk])
    empty = client.get(address).content.decode()
    assert "No report yet" in empty
    assert address in client.get(reverse("factors", args=[project.pk])).content.decode()

    plant_pairs(project, [make_user("p0"), make_user("p1")])
    given = {"pairs": 220, "features": 8, "active": 2}
    client.post(reverse("find_preferences", args=[project.pk]), given)
    run = PreferenceFeatureRun.objects.get()
    live = client.get(address, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in live
    assert reverse("cancel_preferences", args=[run.pk]) in live
    tasks.find_preference_features(run.pk)
    run.refresh_from_db()

    page = client.get(address).content.decode()
    first = run.result["features"][0]
    assert f"Feature {first['feature'] + 1}" in page
    assert "Feature 0" not in page
    assert "matters" in page
    assert "Intervals are over 88 prompts" in page
    example = first["examples"][0]
    assert Response.objects.get(pk=example["less"]).text in page
    assert reverse("task", args=[example["task"]]) in page
    body = api.get(f"/api/v1/preference-features/{run.pk}/").json()
    assert body["result"] == run.result
    file = client.get(reverse("download_preferences", args=[run.pk])).json()
    assert file == {"config": run.config, **run.result}
    listed = api.get(f"/api/v1/projects/{project.pk}/preference-features/").json()
    assert [one["id"] for one in listed["results"]] == [run.pk]

    member = make_user("member")
    add_member(project, member)
    client.force_login(member)
    assert client.get(address).status_code == 403


def test_what_is_refused_says_why(client, api, project) -> None:
    page = client.post(
        reverse("find_preferences", args=[project.pk]), {"pairs": 5, "features": 32, "active": 4}
    )
    assert page.status_code == 422
    assert "200" in page.content.decode()
    address = f"/api/v1/projects/{project.pk}/preference-features/"
    answer = api.post(address, {"judge": 7}, format="json")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "judge")
    queued = api.post(address, {"pairs": 200}, format="json")
    assert (queued.status_code, queued.json()["config"]["pairs"]) == (202, 200)
    gone = api.delete(f"/api/v1/preference-features/{queued.json()['id']}/")
    assert gone.json()["state"] == "cancelled"
