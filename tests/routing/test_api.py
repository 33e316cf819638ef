import pytest
from rest_framework.test import APIClient

from annotate.services.people.tokens import issue_token
from routing.services.policies import save_policy

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_for():
    def make(user, scopes=("read", "annotate", "manage")) -> APIClient:
        client = APIClient()
        _, secret = issue_token(user=user, scopes=list(scopes))
        client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
        return client

    return make


def test_a_manager_saves_a_policy_and_reads_figures(
    make_project, make_pair_tasks, client_for, length_judge
) -> None:
    project = make_project()
    make_pair_tasks(project, 2)
    client = client_for(project.created_by)
    base = f"/api/v1/projects/{project.pk}/routing"

    assert client.post(f"{base}/runs/").status_code == 409
    made = client.post(f"{base}/policies/", {"threshold": 0.9}, format="json")
    assert (made.status_code, made.data["version"], made.data["audit_share"]) == (201, 1, 0.1)
    run = client.post(f"{base}/runs/")
    assert (run.status_code, run.data["state"]) == (202, "queued")
    assert client.post(f"{base}/runs/").data["id"] == run.data["id"]
    figures = client.get(f"{base}/figures/").data
    assert figures["routes"] == {}
    assert figures["agreement"]["rate"] is None
    assert figures["people"] == {"labels": 0, "simulated": 0, "counts_simulated": True}
    assert client.get(f"{base}/decisions/").data["results"] == []
    assert client.delete(f"{base}/policies/").status_code == 204
    assert client.get(f"{base}/policies/").data[0]["state"] == "retired"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"threshold": 2}, "threshold"),
        ({"threshold": "high"}, "threshold"),
        ({}, "threshold"),
        ({"threshold": None}, "threshold"),
        ({"threshold": 0.9, "audit_share": 0}, "audit_share"),
    ],
)
def test_wrong_policies_are_told_by_field(
    make_project, client_for, length_judge, body, field
) -> None:
    project = make_project()
    answer = client_for(project.created_by).post(
        f"/api/v1/projects/{project.pk}/routing/policies/", body, format="json"
    )
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.data["errors"][0]["field"] == field


def test_without_a_reward_model_the_remedy_is_told(make_project, client_for, length_judge) -> None:
    length_judge.clear()
    project = make_project()
    answer = client_for(project.created_by).post(
        f"/api/v1/projects/{project.pk}/routing/policies/", {"threshold": 0.9}, format="json"
    )
    assert answer.status_code == 400
    assert "train one" in answer.data["detail"]


def test_strangers_annotators_and_readers_are_refused(
    make_project, make_user, add_member, client_for, length_judge
) -> None:
    project = make_project()
    save_policy(project=project, actor=None, threshold=0.9)
    base = f"/api/v1/projects/{project.pk}/routing"
    annotator = make_user("anna")
    add_member(project, annotator)
    assert client_for(make_user("stranger")).get(f"{base}/figures/").status_code == 404
    assert client_for(annotator).get(f"{base}/figures/").status_code == 403
    reader = client_for(project.created_by, ["read"])
    assert reader.get(f"{base}/figures/").status_code == 200
    assert reader.post(f"{base}/runs/").status_code == 403
    assert APIClient().get(f"{base}/figures/").status_code == 401
