"""Simulations of a project: the job, what it tells over REST, and its page."""

import numpy as np
import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import AuditEvent, JobState
from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from annotate.wording import Refusal
from routing.models import PolicySimulation, RoutingPolicy
from routing.policies.ppm import PpmPolicy
from routing.predictor.performance import PerformanceModel
from routing.services import simulating
from routing.services.featurising import freeze_specification
from routing.services.instances import layout_of
from routing.services.policies import current_judge
from routing.services.simulating import run_simulation
from routing.services.simulations import start_simulation
from tests.routing.planted import rows, take_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=30)
    take_in(project, rows(120, votes=3))
    return project


@pytest.fixture
def api(project) -> APIClient:
    client = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


@pytest.fixture
def manager(client, project):
    client.force_login(project.created_by)
    return client


def claim(pk: int) -> PolicySimulation:
    return jobs.claim(PolicySimulation, pk, owner="test")


def simulate(project, **settings) -> PolicySimulation:
    judge = current_judge(project=project)
    settings = {"folds": 3, "repeats": 1, **settings}
    run = start_simulation(project=project, actor=None, judges=[judge.pk], settings=settings)
    run_simulation(run=claim(run.pk))
    run.refresh_from_db()
    return run


def test_from_a_request_to_what_a_budget_gives(api, project) -> None:
    """The judge is wrong on every poem, half of all; people are always right."""
    judge = current_judge(project=project)
    url = f"/api/v1/projects/{project.pk}/routing/simulations/"
    body = {"judges": [judge.pk], "settings": {"folds": 3, "repeats": 1}}
    made = api.post(url, body, format="json")
    assert made.status_code == 202, made.json()
    own = f"/api/v1/routing/simulations/{made.json()['id']}/"
    assert api.get(f"{own}estimate/").status_code == 409
    run_simulation(run=claim(made.json()["id"]))
    done = api.get(own).json()
    assert done["state"] == "done", done
    assert done["result"]["tasks"] == 120
    assert set(done["result"]["curves"]) == {"random", "margin", "error", "cascade"}
    assert done["result"]["all_ai"][0]["value"] == pytest.approx(0.5, abs=0.02)

    found = api.get(f"{own}estimate/?share=0.6&tasks=500").json()
    assert found["chosen"]["error"] < 0.05
    assert found["chosen"]["against_chance"][2] < 0
    assert found["chosen"]["quality"] == pytest.approx(1 - found["chosen"]["error"])
    people = found["chosen"]["people"]
    assert found["chosen"]["cost"] == pytest.approx(500 * people * 0.3)
    names = [one["kind"] for one in found["beside"]]
    assert names == ["cascade", "margin", "random", "people", "ai"]
    by_people = next(one for one in found["beside"] if one["kind"] == "people")
    assert by_people["cost"] == pytest.approx(150)

    prices = f"/api/v1/projects/{project.pk}/routing/prices/"
    assert api.get(prices).json() == {
        "people": "300", "judges": {str(judge.pk): "0.00"}, "set_by_hand": []
    }  # fmt: skip
    changed = api.put(prices, {"people": "100", "judges": {str(judge.pk): "8"}}, format="json")
    assert changed.json()["set_by_hand"] == [judge.pk]
    dearer = api.get(f"{own}estimate/?share=0.6&tasks=500").json()["chosen"]
    assert dearer["cost"] == pytest.approx(500 * (people * 0.1 + 0.008))
    event = AuditEvent.objects.get(action="routing.prices_set")
    assert event.detail["judges"] == {str(judge.pk): "8.000000"}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("share=2", "share"),
        ("share=x", "share"),
        ("share=nan", "share"),
        ("kind=ppm", "kind"),
        ("tasks=0", "tasks"),
        ("odd=1", "odd"),
    ],
)
def test_a_wrong_budget_is_told_by_field(api, project, query, field) -> None:
    run = PolicySimulation.objects.create(project=project, judges=[], state="done", result=RESULT)
    answer = api.get(f"/api/v1/routing/simulations/{run.pk}/estimate/?{query}")
    assert (answer.status_code, field in str(answer.json())) == (400, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "judges"),
        ({"judges": []}, "judges"),
        ({"judges": [99999]}, "judges"),
        ({"judges": [True]}, "judges"),
        ({"judges": "J", "settings": {"folds": 1}}, "settings.folds"),
        ({"judges": "J", "settings": {"repeats": 0}}, "settings.repeats"),
        ({"judges": "J", "settings": {"explore": 0}}, "settings.explore"),
        ({"judges": "J", "settings": {"share": 0.5}}, "settings.share"),
        ({"judges": "J", "settings": []}, "settings"),
    ],
)
def test_a_wrong_simulation_is_told_by_field(api, project, body, field) -> None:
    if body.get("judges") == "J":
        body = {**body, "judges": [current_judge(project=project).pk]}
    url = f"/api/v1/projects/{project.pk}/routing/simulations/"
    answer = api.post(url, body, format="json")
    assert (answer.status_code, field in str(answer.json())) == (400, True)
    assert not PolicySimulation.objects.exists()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"people": "-1"}, "people"),
        ({"people": "x"}, "people"),
        ({}, "people"),
        ({"people": "1", "judges": {"99999": "1"}}, "judges.99999"),
        ({"people": "1", "judges": []}, "judges"),
    ],
)
def test_a_wrong_price_is_told_by_field(api, project, body, field) -> None:
    answer = api.put(f"/api/v1/projects/{project.pk}/routing/prices/", body, format="json")
    assert (answer.status_code, field in str(answer.json())) == (400, True)
    assert not AuditEvent.objects.filter(action="routing.prices_set").exists()


def test_too_little_labelled_says_how_much_is_needed(make_project, length_judge) -> None:
    small = make_project(overlap=1, seed=3)
    take_in(small, rows(20, votes=3))
    run = simulate(small, folds=5)
    assert run.state == JobState.FAILED
    assert run.message.startswith("20 tasks of 20 prompts")
    assert "63 tasks of 10 prompts are needed" in run.message


def test_one_at_a_time_and_cancelled_at_its_next_step(api, project) -> None:
    judge = current_judge(project=project)
    url = f"/api/v1/projects/{project.pk}/routing/simulations/"
    run = api.post(url, {"judges": [judge.pk]}, format="json").json()
    again = api.post(url, {"judges": [judge.pk]}, format="json")
    assert (again.status_code, "under way" in str(again.json())) == (400, True)
    claimed = claim(run["id"])
    jobs.request_cancel(claimed)
    run_simulation(run=claimed)
    assert api.get(f"/api/v1/routing/simulations/{run['id']}/").json()["state"] == "cancelled"


def test_a_cancel_over_rest_ends_what_waits(api, project) -> None:
    judge = current_judge(project=project)
    run = start_simulation(project=project, actor=None, judges=[judge.pk], settings={})
    answer = api.post(f"/api/v1/routing/simulations/{run.pk}/cancel/")
    assert answer.json()["state"] == "cancelled"


def test_strangers_see_nothing(project, make_user, client) -> None:
    run = PolicySimulation.objects.create(project=project, judges=[], state="done", result=RESULT)
    eve = make_user("eve")
    api = APIClient()
    token = issue_token(user=eve, scopes=["read", "manage"])[1]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    base = f"/api/v1/projects/{project.pk}/routing"
    for url in (
        f"{base}/simulations/",
        f"{base}/prices/",
        f"/api/v1/routing/simulations/{run.pk}/",
        f"/api/v1/routing/simulations/{run.pk}/estimate/",
    ):
        assert api.get(url).status_code == 404
    client.force_login(eve)
    assert client.get(reverse("simulator", args=[project.pk])).status_code == 404
    assert client.post(reverse("save_prices", args=[project.pk])).status_code == 404
    assert client.post(reverse("cancel_simulation", args=[run.pk])).status_code == 404


def test_an_empty_project_says_what_to_do(client, make_project) -> None:
    project = make_project()
    client.force_login(project.created_by)
    page = client.get(reverse("simulator", args=[project.pk])).content.decode()
    assert reverse("judges", args=[project.pk]) in page


def test_the_page_says_how_many_tasks_are_lacking(client, make_project, length_judge) -> None:
    project = make_project(overlap=1)
    take_in(project, rows(10, votes=1))
    current_judge(project=project)
    client.force_login(project.created_by)
    page = client.get(reverse("simulator", args=[project.pk])).content.decode()
    assert "53 more tasks" in page
    assert "people label" in page


def test_the_page_from_the_form_to_a_budget(manager, project) -> None:
    judge = current_judge(project=project)
    url = reverse("simulator", args=[project.pk])
    form = {"judge_1": judge.pk, "judge_2": "", "judge_3": "", "folds": "3", "repeats": "1"}
    assert manager.post(url, {**form, "folds": "1"}).status_code == 422
    assert manager.post(url, {**form, "domains": "moon"}).status_code == 422
    assert manager.post(url, {**form, "domains": "stratum"}).status_code == 302
    kept = PolicySimulation.objects.get()
    assert kept.settings["domains"] == "stratum"
    kept.delete()
    assert manager.post(url, form).status_code == 302
    run = PolicySimulation.objects.get()
    assert reverse("cancel_simulation", args=[run.pk]) in manager.get(url).content.decode()
    run_simulation(run=claim(run.pk))
    page = manager.get(url, {"kind": "error", "share": "60", "tasks": "2000"})
    assert page.context["chosen"].share == 0.6
    assert page.context["labels"] == round(2000 * page.context["chosen"].people)
    text = page.content.decode()
    assert "Wrong labels, %, by the cost of 1,000 tasks" in text
    assert text.count('class="band series-0"') == 2
    assert manager.get(url, {"share": "900"}).status_code == 200  # told at the field
    saved = manager.post(
        reverse("save_prices", args=[project.pk]), {"people": "200", f"judge-{judge.pk}": "5"}
    )
    assert saved.status_code == 302
    assert manager.get(url).context["stored"].prices.people == 200


def test_by_htmx_only_what_changed_comes(manager, project) -> None:
    simulate(project)
    url = reverse("simulator", args=[project.pk])
    part = manager.get(url, {"share": "10"}, headers={"HX-Request": "true"})
    assert part.content.decode().lstrip().startswith('<div class="stack" id="answer"')
    assert "page-head" not in part.content.decode()
    live = manager.get(url, headers={"HX-Request": "true"})
    assert 'id="live"' in live.content.decode()
    assert "<h1>" not in live.content.decode()


def fitted_ppm(project) -> RoutingPolicy:
    """By a model that gains from every English prompt that people label."""
    judge, spec = current_judge(project=project), project.feature_specs.get()
    layout = layout_of(spec, [judge], {})
    english = layout.tags.index("English")
    model = PerformanceModel(
        (english,), 0.0, np.ones(1), np.zeros((1, 1)), alpha=1.0, rho=0.5, rho_budget=0.1
    )
    carried = np.zeros(len(layout.tags))
    policy = PpmPolicy(layout, model, carried, np.zeros(201))
    return RoutingPolicy.objects.create(
        project=project, version=7, kind="ppm", judge=judge, spec=spec, artifact=policy.to_json()
    )


def test_a_fitted_ppm_is_replayed_on_held_out_prompts(project) -> None:
    simulate(project)
    policy = fitted_ppm(project)
    run = simulate(project)
    found = run.result["curves"]["ppm"]
    held_out = project.prompts.filter(split_bucket__lt=project.test_percent).count()
    assert (found["policy"], found["tested_on"]) == (policy.pk, held_out)
    assert found["points"][-1]["people"] > 0.9


def test_one_of_other_features_is_replayed_with_its_own(project, monkeypatch) -> None:
    """Newer features do not keep it out; what cannot be computed any more does, and is told."""
    simulate(project)
    policy = fitted_ppm(project)
    before = simulate(project).result["curves"]["ppm"]
    freeze_specification(project=project)
    newest = project.feature_specs.order_by("-version").first()
    assert policy.spec != newest
    found = simulate(project).result["curves"]["ppm"]
    assert (found["tested_on"], found["points"]) == (before["tested_on"], before["points"])
    monkeypatch.setattr(simulating, "instances", lost)
    skipped = simulate(project).result["skipped"]["ppm"]
    assert "other features, which cannot be computed here: its weights are gone." in skipped


def lost(*args) -> None:
    raise Refusal("its weights are gone.")


MEAN = {"value": 0.2, "low": 0.1, "high": 0.3}
POINTS = [
    {"share": x, "people": x, "error": MEAN, "against_chance": None, "judged": []}
    for x in (0.0, 1.0)
]
RESULT = {
    "tasks": 100,
    "prompts": 50,
    "judges": [],
    "curves": {"error": {"tested_on": 100, "points": POINTS}},
    "skipped": {},
    "all_people": MEAN,
    "all_ai": [],
}
