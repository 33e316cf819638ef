"""Studies at panels over REST."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import PanelStudy, Participation, Seat


@pytest.fixture
def olga(caller, make_project, make_pair_tasks):
    olga = caller("olga")
    olga.project = make_project(olga.user)
    make_pair_tasks(olga.project, 2)
    return olga


@pytest.fixture
def study(olga) -> PanelStudy:
    made = olga.post(f"projects/{olga.project.pk}/panels/", {"name": "Pairs", "tasks_each": 1})
    assert made.status_code == 201, made.content
    return PanelStudy.objects.get(pk=made.json()["id"])


def enter(study: PanelStudy, pid: str) -> Participation:
    path = reverse("panel_entry", args=[study.code])
    answer = Client().post(path, query_params={"PROLIFIC_PID": pid}, follow=True)
    assert answer.status_code == 200
    return Participation.objects.get(participant=pid)


def test_a_study_is_made_read_changed_and_closed(olga, study) -> None:
    [listed] = olga.get(f"projects/{olga.project.pk}/panels/").json()["results"]
    assert listed == olga.get(f"panels/{study.pk}/").json()
    assert listed["link"].startswith(f"http://testserver/p/{study.code}/?PROLIFIC_PID=")
    assert (listed["open"], listed["signing_key"], listed["taken"]) == (True, None, 0)
    changed = olga.patch(f"panels/{study.pk}/", {"open": False, "signed": True, "places": 4})
    assert changed.status_code == 200
    assert changed.json()["open"] is False
    assert len(changed.json()["signing_key"]) == 64
    assert changed.json()["tasks_each"] == 1


def test_a_release_gives_back_what_they_hold(olga, study) -> None:
    row = enter(study, "5f1a")
    assert Seat.objects.filter(annotator=row.user, state="leased").count() == 1
    path = f"panels/{study.pk}/release/"
    ended = olga.post(path, {"participant": "5f1a", "reason": "returned"})
    assert ended.status_code == 200
    assert (ended.json()["state"], ended.json()["done"], ended.json()["code"]) == (
        "returned",
        0,
        "",
    )
    assert not Seat.objects.filter(annotator=row.user, state="leased").exists()
    again = olga.post(path, {"participant": "5f1a", "reason": "timed_out"})
    assert again.json() == ended.json()
    [listed] = olga.get(f"panels/{study.pk}/participants/").json()["results"]
    assert listed == ended.json()
    assert listed["pseudonym"] == row.user.pseudonym


def test_what_is_wrong_is_named(olga, study, refused) -> None:
    projects = f"projects/{olga.project.pk}/panels/"
    refused(olga.post(projects, {}), 400, "name")
    refused(olga.post(projects, {"name": ""}), 400, "name")
    refused(olga.post(projects, {"name": "A", "return_url": "https://x/"}), 400, "return_url")
    refused(olga.post(projects, {"name": "A", "tasks_each": -1}), 400, "tasks_each")
    refused(olga.post(projects, {"name": "A", "code_completed": "=1"}), 400, "code_completed")
    refused(olga.post(projects, {"name": "A", "study_parameter": "SIGNATURE"}), 400)
    refused(olga.patch(f"panels/{study.pk}/", {"open": "no"}), 400, "open")
    path = f"panels/{study.pk}/release/"
    refused(olga.post(path, {"participant": "nobody", "reason": "returned"}), 400, "participant")
    enter(study, "5f1a")
    refused(olga.post(path, {"participant": "5f1a", "reason": "completed"}), 400, "reason")
    refused(olga.post(path, {"participant": ["5f1a"], "reason": "returned"}), 400, "participant")
    for _ in range(2):
        enter(study, f"p{_}")
    refused(olga.patch(f"panels/{study.pk}/", {"places": 2}), 400, "places", says="3 people came")


def test_panels_are_for_managers_with_the_scope(caller, study, add_member, refused) -> None:
    ada = caller("ada")
    refused(ada.get(f"panels/{study.pk}/"), 404)
    add_member(study.project, ada.user)
    refused(ada.get(f"panels/{study.pk}/participants/"), 403)
    refused(
        ada.post(f"panels/{study.pk}/release/", {"participant": "a", "reason": "returned"}), 403
    )
    reader = caller("olga", "read")
    refused(reader.patch(f"panels/{study.pk}/", {"open": False}), 403)
