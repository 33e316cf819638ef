"""The pages of policies, as a manager clicks through them."""

import pytest
from django.urls import reverse

from annotate.services import jobs
from routing.models import PolicyFit, RoutingPolicy
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
def manager(client, project):
    client.force_login(project.created_by)
    return client


def ask_for(manager, project, **changes):
    judge = current_judge(project=project)
    form = {
        **{"kind": "error", "judge_1": judge.pk, "judge_2": "", "judge_3": "", "share": "50"},
        **{"money": "", "price": "0.3", "window": "all", "explore": "5", "risk": "15"},
        "tags": ["safety: high"],
    }
    return manager.post(reverse("policies", args=[project.pk]), {**form, **changes})


def fitted(manager, project, **changes) -> RoutingPolicy:
    assert ask_for(manager, project, **changes).status_code == 302
    run = jobs.claim(PolicyFit, PolicyFit.objects.latest("pk").pk, owner="test")
    run_fit(run=run)
    run.refresh_from_db()
    assert run.policy is not None, run.message
    return run.policy


def test_an_empty_project_says_what_to_do(client, make_project) -> None:
    project = make_project()
    client.force_login(project.created_by)
    page = client.get(reverse("policies", args=[project.pk])).content.decode()
    assert "No policy has been fitted yet" in page
    assert reverse("judges", args=[project.pk]) in page


def test_from_the_form_to_a_policy_in_force(manager, project) -> None:
    policy = fitted(manager, project)
    assert policy.settings["rules"][0]["tags"] == ["safety: high"]
    page = manager.get(reverse("policies", args=[project.pk])).content.decode()
    assert reverse("policy", args=[policy.pk]) in page
    own = manager.get(reverse("policy", args=[policy.pk])).content.decode()
    assert "Wrong labels, %, by the share of people" in own
    assert "people label at most 50" in own
    assert manager.post(reverse("shadow_policy", args=[policy.pk])).status_code == 302
    assert manager.post(reverse("promote_policy", args=[policy.pk])).status_code == 302
    policy.refresh_from_db()
    assert policy.state == "active"
    routing = manager.get(reverse("routing", args=[project.pk])).content.decode()
    assert reverse("policy", args=[policy.pk]) in routing


def test_a_reason_is_asked_for_where_nothing_was_gained(manager, project) -> None:
    manager.post(reverse("promote_policy", args=[fitted(manager, project).pk]))
    chance = fitted(manager, project, kind="random")
    own = manager.get(reverse("policy", args=[chance.pk])).content.decode()
    assert 'name="reason"' in own
    refused = manager.post(reverse("promote_policy", args=[chance.pk]))
    assert refused.status_code == 422
    assert "say why" in refused.content.decode()
    said = manager.post(reverse("promote_policy", args=[chance.pk]), {"reason": "a baseline"})
    assert said.status_code == 302
    chance.refresh_from_db()
    assert chance.state == "active"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"share": "101"}, "100"),
        ({"judge_1": "99999"}, "99999"),
        ({"explore": "1"}, "5"),
        ({"kind": "ppm"}, "ppm"),
    ],
)
def test_a_wrong_form_is_told_and_kept(manager, project, changes, said) -> None:
    answer = ask_for(manager, project, **changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PolicyFit.objects.exists()


def test_a_fit_can_be_cancelled(manager, project) -> None:
    ask_for(manager, project)
    run = PolicyFit.objects.get()
    assert manager.post(reverse("cancel_fit", args=[run.pk])).status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_strangers_see_nothing(client, manager, project, make_user) -> None:
    policy = fitted(manager, project)
    client.force_login(make_user("eve"))
    for url in (reverse("policies", args=[project.pk]), reverse("policy", args=[policy.pk])):
        assert client.get(url).status_code == 404
