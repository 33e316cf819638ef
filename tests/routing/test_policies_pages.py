"""The pages of policies, as a manager clicks through them."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from annotate.models import QueueRoll
from annotate.services import jobs
from routing.models import FeatureRun, PolicyFit, RoutingPolicy
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
def manager(client, project):
    client.force_login(project.created_by)
    return client


def ask_for(manager, project, **changes):
    judge = current_judge(project=project)
    form = {
        **{"kind": "error", "judge_1": judge.pk, "judge_2": "", "judge_3": "", "share": "50"},
        **{"money": "", "price": "0.3", "window": "all", "explore": "5", "risk": "15"},
        **{"tags": ["safety: high"], "encoder": "", "mixes": "200", "boosting": "on"},
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
    assert policy.settings["boosting"] is True
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
        ({"kind": "margin"}, "margin"),
        ({"encoder": "../model"}, "Hugging Face"),
        ({"mixes": "3"}, "20"),
    ],
)
def test_a_wrong_form_is_told_and_kept(manager, project, changes, said) -> None:
    answer = ask_for(manager, project, **changes)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not PolicyFit.objects.exists()


def test_what_the_service_alone_refuses_stands_at_its_fields(manager, project) -> None:
    answer = ask_for(manager, project, encoder="../model", experts="on", expert_tags="English")
    assert set(answer.context["form"].errors) == {"encoder"}
    answer = ask_for(manager, project, encoder="", expert_tags="English")
    assert set(answer.context["form"].errors) == {"experts"}
    both = ask_for(manager, project, encoder="../model", expert_tags="English")
    assert set(both.context["form"].errors) == {"encoder", "experts"}


def test_shares_below_nought_are_shown_as_nought(manager, project) -> None:
    """The noise of people's votes is taken out of them, and with few votes too much of it."""
    policy = fitted(manager, project)
    assert "What sends a task to people" in page(manager, policy)
    told = "Those are shown as 0: too few to tell, not without errors."
    policy.metrics["curve"] = [
        {**one, "error": 0.1, "chance": 0.1} for one in policy.metrics["curve"]
    ]
    policy.metrics |= {"all_people": 0.1, "all_ai": {}, "reliability": []}
    losses = policy.metrics["error_models"][0]["log_loss"]
    losses["logistic"] = 0.2
    policy.save()
    assert told not in page(manager, policy)
    losses["logistic"] = -0.01
    policy.save()
    assert told in page(manager, policy)
    losses["logistic"] = 0.2
    for model in policy.artifact["better"]:
        model["coefficients"] = [1e-6 for _ in model["coefficients"]]
    policy.metrics["all_ai"] = {str(policy.judge): -0.023}
    policy.metrics["reliability"] = [[0.1, -0.2, 5], [0.4, 0.3, 9]]
    policy.save()
    text = page(manager, policy)
    assert f"{policy.judge}: 0.0 %" in text
    assert told in text
    assert not re.search(r"(?<![\w-])-20", text)  # it may be the 20th
    assert "What sends a task to people" not in text
    assert "No single tag or signal weighs much" in text


def page(manager, policy) -> str:
    return manager.get(reverse("policy", args=[policy.pk])).content.decode()


def test_features_are_told_and_computed(manager, project) -> None:
    assert manager.post(reverse("compute_features", args=[project.pk]), follow=True)
    assert not FeatureRun.objects.exists()  # nothing is specified before the first fit
    policy = fitted(manager, project)
    url = reverse("policies", args=[project.pk])
    page = manager.get(url).content.decode()
    assert "Version 1, its edges frozen from 120 pairs; computed for 120 tasks." in page
    assert "three of nine scores are unknown" in page
    assert "without an encoder" in manager.get(reverse("policy", args=[policy.pk])).content.decode()
    take_in(project, rows(30, votes=0, start=500))
    assert manager.post(reverse("compute_features", args=[project.pk])).status_code == 302
    run = FeatureRun.objects.get()
    assert reverse("cancel_features", args=[run.pk]) in manager.get(url).content.decode()
    run_features(run=jobs.claim(FeatureRun, run.pk, owner="test"))
    page = manager.get(url).content.decode()
    assert "computed for 150 tasks" in page
    assert "tasks a second" in page
    take_in(project, rows(10, votes=0, start=700))
    manager.post(reverse("compute_features", args=[project.pk]))
    again = FeatureRun.objects.latest("pk")
    assert manager.post(reverse("cancel_features", args=[again.pk])).status_code == 302
    again.refresh_from_db()
    assert again.state == "cancelled"


def test_what_predicts_the_reward_model_is_told(manager, project) -> None:
    policy = fitted(manager, project)
    ppm = {
        **{"mixes": 200, "trained_on": 90, "scored_on": 40, "kept": "linear", "rho_budget": 0.31},
        **{"rho": {"linear": 0.72, "quadratic": 0.7}, "scores": [0.5, 0.55, 0.6, 0.62, 0.7]},
        "gains": [["English", 0.4], ["safety: high", -0.2]],
        "reward_model": [{"share": 0.0, "policy": 0.6, "chance": 0.6},
                         {"share": 1.0, "policy": 0.8, "chance": 0.8}],
    }  # fmt: skip
    RoutingPolicy.objects.filter(pk=policy.pk).update(metrics={**policy.metrics, "ppm": ppm})
    page = manager.get(reverse("policy", args=[policy.pk])).content.decode()
    for said in ("linear 0.72, quadratic 0.70", "0.31", "Accuracy of the reward model", ">-0.2<"):
        assert said in page


def test_a_fit_without_trees_can_be_cancelled(manager, project) -> None:
    url = reverse("policies", args=[project.pk])
    current_judge(project=project)
    box = re.search(r'<input[^>]*name="boosting"[^>]*>', manager.get(url).content.decode())
    assert box is not None
    assert "checked" in box[0]
    ask_for(manager, project, boosting="")
    run = PolicyFit.objects.get()
    assert run.settings["boosting"] is False
    assert "Neither beat" not in manager.get(url).content.decode()  # it was queued just now
    PolicyFit.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    QueueRoll.objects.create(queue="serving", called_at=timezone.now())
    why = "No worker that takes the queue serving has ever been seen"
    assert why in manager.get(url).content.decode()
    told = manager.get(f"/api/v1/routing/fits/{run.pk}/").json()
    assert told["waits_because"].startswith(why)
    assert manager.post(reverse("cancel_fit", args=[run.pk])).status_code == 302
    run.refresh_from_db()
    assert run.state == "cancelled"


def test_strangers_see_nothing(client, manager, project, make_user) -> None:
    policy = fitted(manager, project)
    client.force_login(make_user("eve"))
    for url in (reverse("policies", args=[project.pk]), reverse("policy", args=[policy.pk])):
        assert client.get(url).status_code == 404
