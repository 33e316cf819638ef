"""Second looks over REST and in the browser: the dry run, the look, what became of it."""

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from annotate.models import LabelFlip
from annotate.services.people.tokens import issue_token
from routing.models import SecondLook
from routing.services.policies import current_judge
from routing.services.second_looks import start_second_look
from routing.tasks import look_again
from tests.routing.doubted import fill

pytestmark = pytest.mark.django_db
SETTINGS = {"labels": 20, "explore": 0.1, "flip": 0.75, "trust": 0.2}


@pytest.fixture
def project(make_project, length_judge, make_user):
    project = make_project(overlap=1, seed=3, test_percent=0)
    fill(project, make_user("ann"), audited=100, alone=40)
    return project


def api_of(user) -> APIClient:
    client = APIClient()
    token = issue_token(user=user, scopes=["read", "manage"])[1]
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def work(pk: int) -> None:
    look_again(pk)  # as the worker does


def test_from_a_dry_run_to_the_way_back_over_rest(project) -> None:
    api = api_of(project.created_by)
    url = f"/api/v1/projects/{project.pk}/routing/second_looks/"
    made = api.post(url, {"settings": SETTINGS}, format="json")
    assert made.status_code == 202, made.json()
    assert made.json()["dry_run"] is True
    assert made.json()["settings"]["judge"] == current_judge(project=project).pk
    again = api.post(url, {}, format="json")
    assert (again.status_code, "under way" in str(again.json())) == (400, True)
    work(made.json()["id"])
    dry = api.get(f"/api/v1/routing/second_looks/{made.json()['id']}/").json()
    assert (dry["state"], dry["report"]["read"]) == ("done", 40)

    look = api.post(url, {"settings": SETTINGS, "dry_run": False}, format="json").json()
    own = f"/api/v1/routing/second_looks/{look['id']}/"
    assert api.post(f"{own}take_back/").status_code == 400  # it is under way
    work(look["id"])
    done = api.get(own).json()
    assert done["report"] == dry["report"]
    assert done["tasks"] == {"planned": 0, "applied": 40, "passed_over": 0}
    assert [one["outcome"] for one in done["held"]] == ["trust", "flip", "people"]
    assert sum(one["asked"] for one in done["held"]) == done["report"]["asked"]
    flips = api.get(f"{own}tasks/?outcome=flip&page_size=3").json()
    assert len(flips["results"]) == 3
    assert {row["outcome"] for row in flips["results"]} == {"flip"}
    assert api.get(flips["next"]).status_code == 200
    assert api.get(f"{own}tasks/?outcome=cats").status_code == 400

    assert LabelFlip.objects.in_force().count() == done["report"]["counts"]["flip"]
    taken = api.post(f"{own}take_back/")
    assert taken.json()["taken_back_at"]
    assert not LabelFlip.objects.in_force().exists()
    assert [one["id"] for one in api.get(url).json()] == [look["id"], dry["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"settings": {"trust": 0.6}}, "settings.trust"),
        ({"settings": {"flip": 0.4}}, "settings.flip"),
        ({"settings": {"flip": "x"}}, "settings.flip"),
        ({"settings": {"labels": 0}}, "settings.labels"),
        ({"settings": {"explore": 0.01}}, "settings.explore"),
        ({"settings": {"most": 10**9}}, "settings.most"),
        ({"settings": {"judge": 0}}, "settings.judge"),
        ({"settings": {"judge": 10**9}}, "settings.judge"),
        ({"settings": {"odd": 1}}, "settings.odd"),
        ({"settings": []}, "settings"),
        ({"dry_run": "no"}, "dry_run"),
        ({"odd": 1}, "odd"),
    ],
)
def test_a_wrong_look_is_told_by_field(make_project, length_judge, body, field) -> None:
    project = make_project()
    url = f"/api/v1/projects/{project.pk}/routing/second_looks/"
    answer = api_of(project.created_by).post(url, body, format="json")
    assert (answer.status_code, field in str(answer.json())) == (400, True)
    assert not SecondLook.objects.exists()


def test_a_cancel_over_rest_ends_what_waits(make_project, length_judge) -> None:
    project = make_project()
    look = start_second_look(project=project, actor=None, settings={})
    answer = api_of(project.created_by).post(f"/api/v1/routing/second_looks/{look.pk}/cancel/")
    assert answer.json()["state"] == "cancelled"


def test_strangers_see_nothing_and_reviewers_only_read(
    make_project, length_judge, make_user, add_member, client
) -> None:
    project, eve, bob = make_project(), make_user("eve"), make_user("bob")
    add_member(project, bob, "reviewer")
    look = start_second_look(project=project, actor=None, settings={})
    listed = f"/api/v1/projects/{project.pk}/routing/second_looks/"
    own = f"/api/v1/routing/second_looks/{look.pk}/"
    reads, writes = [listed, own, f"{own}tasks/"], [listed, f"{own}cancel/", f"{own}take_back/"]
    stranger, reviewer = api_of(eve), api_of(bob)
    assert {stranger.get(url).status_code for url in reads} == {404}
    assert {stranger.post(url).status_code for url in writes} == {404}
    assert {reviewer.get(url).status_code for url in reads} == {200}
    assert {reviewer.post(url).status_code for url in writes} == {403}
    client.force_login(eve)
    assert client.get(reverse("second_looks", args=[project.pk])).status_code == 404
    for name in ("begin_second_look", "cancel_second_look", "take_back_second_look"):
        assert client.post(reverse(name, args=[look.pk])).status_code == 404
    look.refresh_from_db()
    assert look.state == "queued"


def test_the_page_from_the_dry_run_to_the_way_back(client, project) -> None:
    client.force_login(project.created_by)
    page = reverse("second_looks", args=[project.pk])
    form = {
        "judge": "", "trust": "20", "flip": "75", "labels": "20", "explore": "10", "most": "1000"
    }  # fmt: skip
    assert client.get(page).status_code == 200
    wrong = client.post(page, {**form, "flip": "40"})
    assert (wrong.status_code, SecondLook.objects.count()) == (422, 0)
    assert client.post(page, form).status_code == 302
    dry = SecondLook.objects.get()
    assert dry.settings["flip"] == 0.75
    text = client.get(page).content.decode()
    assert reverse("cancel_second_look", args=[dry.pk]) in text
    begin = reverse("begin_second_look", args=[dry.pk])
    assert begin not in text
    assert "a second look is under way" in client.post(page, form).content.decode()
    work(dry.pk)
    text = client.get(page).content.decode()
    assert begin in text
    assert "What a margin is worth is learned from 100 labels" in text

    assert client.post(begin).status_code == 302
    look = SecondLook.objects.get(dry_run=False)
    assert look.settings == dry.settings
    work(look.pk)
    text = client.get(page).content.decode()
    assert "What people said" in text
    back = reverse("take_back_second_look", args=[look.pk])
    assert back in text
    assert client.post(back).status_code == 302
    assert not LabelFlip.objects.in_force().exists()
    text = client.get(page, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in text
    assert "Taken back" in text
    assert back not in text


def test_a_look_that_failed_says_why(client, make_project, length_judge) -> None:
    project = make_project()
    look = start_second_look(project=project, actor=None, settings={})
    work(look.pk)
    client.force_login(project.created_by)
    page = client.get(reverse("second_looks", args=[project.pk])).content.decode()
    assert "0 labels of the judge that people were asked about by chance" in page
