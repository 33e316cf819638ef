"""Whom a link lets in, and under which parameters."""

import pytest
from django.test import Client
from django.urls import reverse

from annotate.models import (
    Membership,
    Participation,
    User,
)
from annotate.services.people.panels import create_study, signature
from tests.annotate.pages.panels.participants import Person


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({}, "PROLIFIC_PID is missing"),
        ({"PROLIFIC_PID": "=HYPERLINK(1)"}, "PROLIFIC_PID is damaged"),
        ({"PROLIFIC_PID": "a" * 101}, "PROLIFIC_PID is damaged"),
        ({"PROLIFIC_PID": "a", "SESSION_ID": "<b>"}, "SESSION_ID is damaged"),
    ],
)
def test_parameters_that_are_damaged_are_refused(study, client, query, says) -> None:
    for method in (client.get, client.post):
        page = method(reverse("panel_entry", args=[study.code]), query_params=query)
        assert page.status_code == 403
        assert says in page.content.decode()
    assert not Participation.objects.exists()


def test_a_signed_study_lets_in_what_is_signed_alone(study) -> None:
    study.signed = True
    study.save()
    mine = signature(study, "5f1a", "s1", "x1")
    for wrong in ({}, {"SIGNATURE": "0" * 64}, {"SIGNATURE": signature(study, "5f1b", "s1", "x1")}):
        assert Person(study, **wrong).enter().status_code == 403
    assert Person(study, "5f1b", SIGNATURE=mine).enter().status_code == 403
    assert not Participation.objects.exists()
    assert Person(study, SIGNATURE=mine).enter().status_code == 200
    assert Participation.objects.get().participant == "5f1a"


def test_closed_and_full_studies_let_nobody_new_in(study, project, client) -> None:
    study.places = 1
    study.save()
    first = Person(study, "first")
    first.enter()
    page = Person(study, "second").enter()
    assert page.status_code == 410
    assert "all the people" in page.content.decode()
    client.force_login(project.created_by)
    client.post(reverse("open_panel", args=[study.pk]), {"open": "0"})
    study.refresh_from_db()
    assert study.closed_at is not None
    assert Person(study, "third").enter().status_code == 410
    assert first.enter().status_code == 200


def test_one_address_makes_so_many_accounts_by_links_without_a_signature(study, settings) -> None:
    """Ids can be made up: each would be an account and a place taken."""
    registered = {"most": 1, "seconds": 600}
    settings.INVITATION_LIMITS = {**settings.INVITATION_LIMITS, "registered": registered}
    Person(study, "first").enter()
    page = Person(study, "made-up").enter()
    assert page.status_code == 429
    assert int(page["Retry-After"]) > 0
    assert Participation.objects.count() == 1
    assert User.objects.filter(username__startswith="panel-").count() == 1
    assert Person(study, "first").enter().status_code == 200
    study.signed = True
    study.save()
    signed = signature(study, "second", "s1", "x1")
    assert Person(study, "second", SIGNATURE=signed).enter().status_code == 200


def test_a_link_opens_no_account_that_may_do_more(study) -> None:
    person = Person(study)
    person.enter()
    Membership.objects.filter(user=person.user).update(role="manager")
    again = Person(study)
    assert again.enter().status_code == 410
    assert "_auth_user_id" not in again.client.session
    Membership.objects.filter(user=person.user).update(role="annotator")
    User.objects.filter(pk=person.user.pk).update(is_staff=True)
    assert again.enter().status_code == 410


def test_other_parameter_names(project) -> None:
    study = create_study(
        project=project,
        actor=project.created_by,
        name="Other",
        participant_parameter="workerId",
        study_parameter="hitId",
        session_parameter="assignmentId",
    )
    client = Client()
    query = {"workerId": "w1", "hitId": "h1", "assignmentId": "a1"}
    path = reverse("panel_entry", args=[study.code])
    assert client.post(path, query_params=query).status_code == 302
    row = Participation.objects.get()
    assert (row.participant, row.panel_study, row.session) == ("w1", "h1", "a1")
