"""A policy at work that cannot be looked after says so until it can be."""

import pytest
from django.urls import reverse
from django.utils import translation
from rest_framework.test import APIClient

from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from routing.models import PolicyFit, RoutingPolicy
from routing.reports.policy import upkeep_failure_of
from routing.services import upkeep
from routing.services.fitting import run_fit
from routing.services.policies import current_judge, promote_policy, retire_policy, start_fit
from routing.tasks import look_after_policies
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def policy(make_project, length_judge, monkeypatch) -> RoutingPolicy:
    """In force; it is due to be fitted anew, and an encoder that is no longer allowed forbids it.

    A kind without regressions: this is about what becomes of it, not about what it learned.
    """
    project = make_project(overlap=1, seed=3, test_percent=0)
    take_in(project, rows(50, votes=1))
    run = start_fit(
        project=project,
        actor=None,
        kind="random",
        judges=[current_judge(project=project).pk],
        settings={},
    )
    run_fit(run=jobs.claim(PolicyFit, run.pk, owner="test"))
    PolicyFit.objects.update(created_by=project.created_by)  # a manager's; one by itself is daily
    policy = promote_policy(policy=RoutingPolicy.objects.get(), actor=None)
    set_encoder(policy, "../gone")
    monkeypatch.setattr(upkeep, "NEW_ROWS", 0)
    return policy


def set_encoder(policy: RoutingPolicy, name: str) -> None:
    policy.settings = {**policy.settings, "encoder": name}
    policy.save(update_fields=["settings"])


def told_over_rest(policy: RoutingPolicy) -> dict | None:
    client = APIClient()
    token = issue_token(user=policy.project.created_by, scopes=["read"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client.get(f"/api/v1/routing/policies/{policy.pk}/").json()["upkeep_failure"]


def test_a_failure_is_told_until_the_upkeep_works_again(client, policy) -> None:
    assert look_after_policies() == 0
    first = told_over_rest(policy)
    assert first["message"].startswith("settings.encoder: must be minilm")
    assert first["since"] == first["at"]
    assert look_after_policies() == 0
    again = told_over_rest(policy)
    assert again["since"] == first["since"] < again["at"]

    client.force_login(policy.project.created_by)
    for url in (reverse("policies", args=[policy.project_id]), reverse("policy", args=[policy.pk])):
        page = client.get(url).content.decode()
        assert "version 1 could not be measured" in page
        assert "settings.encoder: must be minilm" in page
    policy.refresh_from_db()
    with translation.override("de"):
        assert "must be minilm" not in upkeep_failure_of(policy).why

    set_encoder(policy, "")
    assert look_after_policies() == 1
    assert told_over_rest(policy) is None
    assert PolicyFit.objects.filter(state="queued").exists()  # what was due is done now


def test_what_is_not_ours_is_told_with_its_class_and_only_while_at_work(policy) -> None:
    upkeep.record_failure(policy=policy, error=KeyError("layout"))
    policy.refresh_from_db()
    assert upkeep_failure_of(policy).why == "KeyError: 'layout'"
    retire_policy(project=policy.project, actor=None)
    policy.refresh_from_db()
    assert upkeep_failure_of(policy) is None
    promote_policy(policy=policy, actor=None)
    policy.refresh_from_db()
    assert upkeep_failure_of(policy) is None
