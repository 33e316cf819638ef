"""The page and the REST addresses of what is labelled next."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import TaskPlace
from annotate.services import jobs
from annotate.services.people.tokens import issue_token
from routing.models import SelectionRun
from routing.services.ranking import run_ranking
from routing.words.reasons import in_english
from tests.routing.planted import take_in
from tests.routing.test_ranking import pairs

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, length_judge):
    project = make_project(overlap=1, seed=3, test_percent=20)
    take_in(project, pairs(30, start=1))
    return project


@pytest.fixture
def manager(client, project):
    client.force_login(project.created_by)
    return client


@pytest.fixture
def api(project) -> APIClient:
    api = APIClient()
    token = issue_token(user=project.created_by, scopes=["read", "manage"])[1]
    api.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return api


def work() -> SelectionRun:
    run = jobs.claim(SelectionRun, SelectionRun.objects.latest("pk").pk, owner="test")
    run_ranking(run=run)
    run.refresh_from_db()
    return run


FORM = {"strategy": "uncertainty", "judge": "", "most": "10", "pool": "30", "every_hours": "6"}


def test_from_the_form_to_the_order_and_back(manager, project) -> None:
    url = reverse("selection", args=[project.pk])
    assert "No task is ranked" in manager.get(url).content.decode()
    assert manager.post(url, FORM).status_code == 302
    assert "Cancel the ranking" in manager.get(url).content.decode()
    run = work()
    page = manager.get(url).content.decode()
    assert "10 open tasks come before all others" not in page  # and those drawn by chance
    assert f"{run.report['ranked']} open tasks come before all others of their priority" in page
    assert f"{run.report['by_chance']} of them" in page
    assert 'name="every_hours" value="6"' in page
    first = TaskPlace.objects.get(place=0)
    assert reverse("task", args=[first.task_id]) in page
    assert in_english(first.reasons)[0] in page
    live = manager.get(url, headers={"hx-request": "true"}).content.decode()
    assert live.lstrip().startswith('<div class="stack" id="live"')
    assert manager.post(reverse("rank_now", args=[project.pk])).status_code == 302
    [waiting] = SelectionRun.objects.filter(state="queued")
    assert manager.post(reverse("cancel_ranking", args=[waiting.pk])).status_code == 302
    waiting.refresh_from_db()
    assert waiting.state == "cancelled"
    assert manager.post(reverse("stop_selection", args=[project.pk])).status_code == 302
    assert "No task is ranked" in manager.get(url).content.decode()
    assert not TaskPlace.objects.exists()


def test_what_is_missing_is_told(manager, project, length_judge) -> None:
    length_judge.clear()
    url = reverse("selection", args=[project.pk])
    manager.post(url, FORM)
    work()
    page = manager.get(url).content.decode()
    assert "Train a reward model" in page
    assert 'role="alert"' in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"most": "0"}, "1"), ({"pool": "5"}, "10"), ({"strategy": "in_order"}, "in_order")],
)
def test_a_wrong_form_is_told_and_kept(manager, project, changes, said) -> None:
    answer = manager.post(reverse("selection", args=[project.pk]), {**FORM, **changes})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not SelectionRun.objects.exists()


def test_without_a_strategy_there_is_nothing_to_rank_by(manager, project) -> None:
    answer = manager.post(reverse("rank_now", args=[project.pk]), follow=True)
    assert "Choose one first" in answer.content.decode()


def test_strangers_see_nothing_and_annotators_may_not(
    client, project, make_user, add_member
) -> None:
    client.force_login(make_user("eve"))
    assert client.get(reverse("selection", args=[project.pk])).status_code == 404
    ann = make_user("ann")
    add_member(project, ann)
    client.force_login(ann)
    for name in ("selection", "rank_now", "stop_selection"):
        assert client.post(reverse(name, args=[project.pk]), FORM).status_code == 403


def test_over_rest(api, project) -> None:
    base = f"/api/v1/projects/{project.pk}/routing/selection/"
    assert api.get(base).json()["strategy"] == "in_order"
    assert api.post(f"{base}rankings/", {}, format="json").status_code == 409
    body = {"strategy": "uncertainty", "settings": {"most": 10}}
    chosen = api.put(base, body, format="json")
    assert chosen.status_code == 200, chosen.json()
    assert chosen.json()["latest"]["state"] == "queued"
    run = work()
    told = api.get(base).json()
    assert (told["ranked"], told["ranking"]["id"]) == (run.report["ranked"], run.pk)
    assert told["ranking"]["report"]["open"] == 30
    page = api.get(f"{base}tasks/?page_size=4").json()
    assert [row["place"] for row in page["results"]] == [0, 1, 2, 3]
    following = api.get(page["next"]).json()
    assert following["results"][0]["place"] == 4
    again = api.post(f"{base}rankings/", {}, format="json")
    assert again.status_code == 202
    cancelled = api.post(
        f"/api/v1/routing/rankings/{again.json()['id']}/cancel/", {}, format="json"
    )
    assert cancelled.json()["state"] == "cancelled"
    assert len(api.get(f"{base}rankings/").json()) == 2
    wrong = api.put(base, {"strategy": "uncertainty", "settings": {"most": -1}}, format="json")
    assert wrong.status_code == 400
    assert "settings.most" in str(wrong.json())
    assert api.delete(base).status_code == 204
    assert api.get(base).json()["ranked"] == 0
