"""Stopping what runs through the API, as the pages do: who may, what is kept, what is written."""

import pytest
from django.test import Client

from annotate.models import AuditEvent, QualityRun
from annotate.services.people.tokens import issue_token
from routing.models import FeatureRun, FeatureSpecification, JudgeRun, RoutingPolicy, RoutingRun
from routing.services.judges import save_judge

pytestmark = pytest.mark.django_db


def client_of(user) -> Client:
    _, secret = issue_token(user=user, scopes=["read", "manage"])
    return Client(headers={"Authorization": f"Token {secret}"})


@pytest.fixture
def manager(make_user, make_project):
    user = make_user("olga")
    client = client_of(user)
    client.project = make_project(user)
    client.judge = save_judge(
        project=client.project, actor=user, name="n", kind="simulated", config={"noise": 1.0}
    )
    return client


@pytest.fixture
def runs(manager):
    """A queued run of each sort, by the address that stops it."""
    project, judge = manager.project, manager.judge
    policy = RoutingPolicy.objects.create(project=project, version=1, judge=judge, threshold=0.9)
    spec = FeatureSpecification.objects.create(project=project, version=1, body={}, pool=1)
    return {
        "quality/{}/cancel/": QualityRun.objects.create(project=project),
        "routing/runs/{}/cancel/": RoutingRun.objects.create(project=project, policy=policy),
        "routing/features/{}/cancel/": FeatureRun.objects.create(project=project, spec=spec),
        f"projects/{project.pk}/judges/runs/{{}}/cancel/": JudgeRun.objects.create(
            project=project, judge=judge
        ),
    }


def test_what_waits_is_over_at_once_and_stays_so(manager, runs):
    for path, run in runs.items():
        for _ in range(2):
            answer = manager.post(f"/api/v1/{path.format(run.pk)}", content_type="application/json")
            assert answer.status_code == 200, (path, answer.content)
            assert answer.json()["state"] == "cancelled", path
            assert answer.json()["id"] == run.pk
    written = AuditEvent.objects.filter(action__endswith="cancel_asked")
    assert sorted(written.values_list("action", flat=True)) == [
        "judge.cancel_asked",
        "quality.cancel_asked",
        "routing.cancel_asked",
    ]


def test_only_managers_stop_it(runs, manager, make_user, add_member):
    reviewer = make_user("rita")
    add_member(manager.project, reviewer, "reviewer")
    for path, run in runs.items():
        asked = {
            client_of(user)
            .post(f"/api/v1/{path.format(run.pk)}", content_type="application/json")
            .status_code: user.username
            for user in (reviewer, make_user(f"eve{run.pk}{path[:3]}"))
        }
        assert sorted(asked) == [403, 404]
        run.refresh_from_db()
        assert run.state == "queued"
