"""Participants end the accounts that a link made for them."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import AuditEvent, Judgement, Participation, Seat, User
from annotate.services.people import participations
from annotate.services.people.panels import create_study
from annotate.services.people.participations import release
from tests.annotate.pages.panels.participants import Person, State, judge_all

ADDRESS = reverse("delete_account")


@pytest.fixture
def person(study):
    person = Person(study)
    person.enter()
    return person


def end_account(person, name: str):
    return person.client.post(ADDRESS, {"username": name})


def test_a_participant_ends_the_account_without_a_password(study, person) -> None:
    judge_all(person)
    page = person.client.get(reverse("work", args=[study.project_id]), follow=True)
    assert f'href="{ADDRESS}"' in page.content.decode()
    user = person.user
    page = person.client.get(ADDRESS).content.decode()
    assert 'name="password"' not in page
    assert f"<code>{user.username}</code>" in page
    assert "Enter your code on the panel" in page
    assert 'action="/account/password/"' not in person.client.get("/account/").content.decode()
    assert end_account(person, "panel-else").status_code == 422
    assert end_account(person, user.username).status_code == 200
    user.refresh_from_db()
    assert (user.username, user.is_active) == (f"deleted-{user.pseudonym}", False)
    assert Judgement.objects.filter(annotator=user).count() == 2
    row = Participation.objects.get()
    assert row.is_forgotten
    assert (row.session, row.panel_study, row.state) == ("", "", State.COMPLETED)
    assert not AuditEvent.objects.filter(actor=user).exclude(address=None).exists()
    kept = [list(model.objects.values()) for model in (AuditEvent, Participation, User)]
    for gone in ("5f1a", "x1", "127.0.0.1"):
        assert f"'{gone}'" not in str(kept)


def test_nobody_takes_part_twice_by_ending_the_account(study, person, project) -> None:
    assert end_account(person, person.user.username).status_code == 200
    row = Participation.objects.get()
    assert (row.state, row.done) == (State.RETURNED, 0)
    assert not Seat.objects.filter(state="leased").exists()
    for entered in (study, create_study(project=project, actor=project.created_by, name="Next")):
        again = Person(entered).enter()
        assert again.status_code == 410
        assert "You ended the account" in again.content.decode()
    assert Participation.objects.count() == 1
    assert Person(study, "an-other").enter().status_code == 200
    told = release(
        study=study, participant="5f1a", reason="timed_out", actor=project.created_by
    )  # the panel knows nothing of it
    assert (told.pk, told.state) == (row.pk, State.RETURNED)


def test_a_new_secret_key_forgets_nobody(study, person, project, settings) -> None:
    end_account(person, person.user.username)
    row = Participation.objects.get()
    assert "5f1a" not in row.participant
    [before] = participations._forgotten_before(project, "5f1a")
    first = settings.SECRET_KEY
    settings.SECRET_KEY = "another" * 9
    assert Person(study).enter().status_code == 410
    # One that was written under the old key, which the settings still name.
    Participation.objects.update(participant=before)
    settings.SECRET_KEY_FALLBACKS = [first]
    assert Person(study).enter().status_code == 410
    settings.SECRET_KEY_FALLBACKS = []
    assert Person(study).enter().status_code == 410
    assert Participation.objects.get().participant == row.participant


def test_managers_see_that_an_account_ended(study, person, project) -> None:
    end_account(person, person.user.username)
    manager = Client()
    manager.force_login(project.created_by)
    page = manager.get(reverse("panel", args=[study.pk])).content.decode()
    assert "account ended" in page
    assert "ended:" not in page


def test_who_has_a_password_must_give_it(make_user) -> None:
    client = Client()
    client.force_login(make_user("ada"))
    assert 'name="password"' in client.get(ADDRESS).content.decode()
    assert client.post(ADDRESS, {"username": "ada"}).status_code == 422
    assert User.objects.filter(username="ada").exists()
