"""Participants of a panel: in by a link, through, and back with a code."""

import csv
import io
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotate.handout import lease_seat, release_all
from annotate.models import (
    AuditEvent,
    Judgement,
    Membership,
    Participation,
    Seat,
    Standing,
    User,
    WorkRules,
)
from annotate.services.people.consents import set_consent
from annotate.services.people.panels import create_study, entry_link, signature
from annotate.services.people.participations import release
from annotate.services.people.standing import pause_member, set_rules
from annotate.services.work.judgements import submit_judgement

BACK = "https://panel.example/complete?cc={code}"
State = Participation.State


@pytest.fixture
def project(make_project, make_user, make_pair_tasks):
    project = make_project(make_user("olga"), name="Answers")
    make_pair_tasks(project, 3)
    return project


@pytest.fixture
def study(project):
    return create_study(
        project=project, actor=project.created_by, name="Pairs", tasks_each=2, return_url=BACK
    )


class Person:
    """A participant in a browser of their own."""

    def __init__(self, study, pid: str = "5f1a", **more: str) -> None:
        self.study, self.client = study, Client()
        self.query = {"PROLIFIC_PID": pid, "STUDY_ID": "s1", "SESSION_ID": "x1", **more}

    @property
    def address(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{reverse('panel_entry', args=[self.study.code])}?{query}"

    def enter(self):
        return self.client.post(self.address, follow=True)

    @property
    def user(self) -> User:
        return self.row.user

    @property
    def row(self) -> Participation:
        return Participation.objects.get(study=self.study, participant=self.query["PROLIFIC_PID"])


def judge_all(person) -> None:
    """Answers through the service, as many as are handed out."""
    project = person.study.project
    while lease := lease_seat(project=project, user=person.user):
        value = {"verdict": "prefer", "preferred": lease.responses[0]["id"], "strength": 1}
        submit_judgement(seat_id=lease.seat_id, user=person.user, value=value)


def test_opening_the_address_changes_nothing(study) -> None:
    person = Person(study)
    page = person.client.get(person.address)
    assert page.status_code == 200
    assert "You are asked about 2 tasks" in page.content.decode()
    assert page["Referrer-Policy"] == "same-origin"  # the address names the participant
    assert not Participation.objects.exists()
    assert "_auth_user_id" not in person.client.session


def test_through_to_the_code(study) -> None:
    person = Person(study)
    page = person.enter()
    assert page.redirect_chain[-1][0] == reverse("work", args=[study.project_id])
    user = person.user
    assert user.username == f"panel-{user.pseudonym}"
    assert not user.has_usable_password()
    assert user.email == ""
    assert "5f1a" not in user.username
    judge_all(person)
    assert Judgement.objects.filter(annotator=user).count() == 2
    page = person.client.get(reverse("work", args=[study.project_id]), follow=True)
    assert page.redirect_chain[-1][0] == reverse("panel_end", args=[study.code])
    text = page.content.decode()
    assert study.code_completed in text
    assert f'href="{BACK.replace("{code}", study.code_completed)}"' in text
    assert (person.row.state, person.row.done) == (State.COMPLETED, 2)
    assert not Seat.objects.filter(annotator=user, state="leased").exists()
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"panel.entered", "panel.ended"} <= actions


def test_never_more_than_the_limit_also_leased_ahead(study, client) -> None:
    person = Person(study)
    person.enter()
    first = lease_seat(project=study.project, user=person.user)
    second = lease_seat(project=study.project, user=person.user, beside=first.seat_id)
    assert second is not None
    judge_all(person)
    assert Judgement.objects.filter(annotator=person.user).count() == 2


def test_the_same_participant_goes_on_where_they_were(study) -> None:
    person = Person(study)
    person.enter()
    seat = Seat.objects.get(annotator=person.user, state="leased")
    again = Person(study, SESSION_ID="x2")
    again.enter()
    assert Participation.objects.get().session == "x2"
    assert Seat.objects.get(annotator=again.user, state="leased") == seat
    assert User.objects.filter(username__startswith="panel-").count() == 1
    judge_all(person)
    again.client.get(reverse("work", args=[study.project_id]))
    page = Person(study).enter()
    assert study.code_completed in page.content.decode()
    study.refresh_from_db()
    assert study.taken == 1


def test_one_person_in_two_studies_of_a_project(study, project) -> None:
    other = create_study(project=project, actor=project.created_by, name="More", tasks_each=1)
    person, later = Person(study), Person(other)
    person.enter()
    page = later.enter()
    assert page.status_code == 410
    assert "finish there first" in page.content.decode()
    judge_all(person)
    person.client.get(reverse("work", args=[project.pk]))
    later.enter()
    assert later.user == person.user
    judge_all(later)
    assert Judgement.objects.filter(annotator=later.user).count() == 3
    assert later.row.done_before == 2


def test_who_does_not_agree_is_asked_nothing(study, project) -> None:
    set_consent(project=project, actor=project.created_by, text="Be kind.")
    person = Person(study)
    page = person.enter()
    assert page.redirect_chain[-1][0] == reverse("consent", args=[project.pk])
    assert reverse("leave_panel", args=[study.code]) in page.content.decode()
    sent = {"outcome": "no_consent"}
    page = person.client.post(reverse("leave_panel", args=[study.code]), sent, follow=True)
    assert study.code_no_consent in page.content.decode()
    assert person.row.state == State.NO_CONSENT
    assert study.code_no_consent in person.enter().content.decode()


def test_nothing_left_is_told_and_finished_by_hand(study, project) -> None:
    judging = Person(study, "first")
    judging.enter()
    judge_all(judging)
    person = Person(study, "second")
    person.enter()
    leave = reverse("leave_panel", args=[study.code])
    page = person.client.post(leave, {"outcome": "nothing_left"})
    assert page.status_code == 409
    judge_all(person)
    page = person.client.get(reverse("work", args=[project.pk]), follow=True)
    assert "Nothing left for you just now" in page.content.decode()
    assert person.row.state == State.ACTIVE
    page = person.client.post(leave, {"outcome": "nothing_left"}, follow=True)
    assert study.code_nothing_left in page.content.decode()
    assert person.row.done == 1
    assert person.client.post(leave, {"outcome": "completed"}).status_code == 409


def test_checks_screen_out_and_a_manager_s_pause_does_not(study, project) -> None:
    person = Person(study)
    person.enter()
    member = Membership.objects.get(user=person.user)
    release_all(project=project, user=person.user)
    pause_member(membership=member, actor=project.created_by)
    page = person.client.get(reverse("work", args=[project.pk]))
    assert "Your work here is paused" in page.content.decode()
    Standing.objects.filter(membership=member).update(paused_why=Standing.Why.GOLD)
    page = person.client.get(reverse("work", args=[project.pk]), follow=True)
    assert study.code_screened_out in page.content.decode()
    assert person.row.state == State.SCREENED_OUT


def test_whom_checks_hold_back_has_not_found_that_nothing_is_left(study, project) -> None:
    """A code is worth money: who failed, or never took the quiz, gets none by asking for it."""
    person = Person(study)
    person.enter()
    release_all(project=project, user=person.user)
    leave = reverse("leave_panel", args=[study.code])
    WorkRules.objects.create(project=project, training=True)
    page = person.client.post(leave, {"outcome": "nothing_left"})
    assert page.status_code == 409
    assert "not through yet" in page.content.decode()
    member = Membership.objects.get(user=person.user)
    pause_member(membership=member, actor=project.created_by)
    assert person.client.post(leave, {"outcome": "nothing_left"}).status_code == 409
    assert person.row.state == State.ACTIVE
    Standing.objects.filter(membership=member).update(paused_why=Standing.Why.GOLD)
    page = person.client.post(leave, {"outcome": "nothing_left"}, follow=True)
    assert study.code_screened_out in page.content.decode()
    assert study.code_nothing_left not in page.content.decode()
    assert person.row.state == State.SCREENED_OUT


def test_entering_locks_the_project_before_it_looks_for_the_participant(study) -> None:
    """Else one person who enters two of its studies at once gets two accounts."""
    with CaptureQueriesContext(connection) as queries:
        Person(study).enter()
    said = [one["sql"] for one in queries]
    locked = next(
        number
        for number, sql in enumerate(said)
        if 'FROM "annotate_project"' in sql and "FOR NO KEY UPDATE" in sql
    )
    made = next(number for number, sql in enumerate(said) if 'INTO "annotate_user"' in sql)
    assert any('FROM "annotate_participation"' in sql for sql in said[locked:made])
    assert 'FROM "annotate_participation"' in said[made - 1]


def test_the_panel_takes_somebody_out(study, project, client) -> None:
    person = Person(study)
    person.enter()
    assert Seat.objects.filter(annotator=person.user, state="leased").exists()
    client.force_login(project.created_by)
    page = client.get(reverse("panel", args=[study.pk])).content.decode()
    assert "5f1a" in page
    sent = {"participant": "5f1a", "reason": "timed_out"}
    page = client.post(reverse("release_participant", args=[study.pk]), sent, follow=True)
    assert "5f1a: Timed out" in page.content.decode()
    assert not Seat.objects.filter(annotator=person.user, state="leased").exists()
    page = person.client.get(reverse("work", args=[project.pk]), follow=True)
    assert "Your time for this study is over" in page.content.decode()
    again = release(study=study, participant="5f1a", reason="returned", actor=project.created_by)
    assert again.state == State.TIMED_OUT


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


def test_a_manager_makes_and_changes_a_study(client, project) -> None:
    client.force_login(project.created_by)
    page = client.get(reverse("panels", args=[project.pk])).content.decode()
    assert "No studies yet" in page
    sent = {
        "name": "Pairs",
        "tasks_each": 3,
        "places": 10,
        "return_url": BACK,
        "participant_parameter": "PROLIFIC_PID",
        "study_parameter": "STUDY_ID",
        "session_parameter": "SESSION_ID",
        "code_completed": "C1",
    }
    wrong = sent | {"return_url": "ftp://x/{code}", "code_completed": "a b"}
    page = client.post(reverse("create_panel", args=[project.pk]), wrong)
    assert page.status_code == 422
    assert "begins with http" in page.content.decode()
    page = client.post(reverse("create_panel", args=[project.pk]), sent, follow=True)
    study = project.panel_studies.get()
    text = page.content.decode()
    link = f"http://testserver/p/{study.code}/?PROLIFIC_PID={{{{%PROLIFIC_PID%}}}}&amp;STUDY_ID="
    assert link in text
    assert study.code_completed == "C1"
    assert len(study.code_screened_out) == 8
    changed = sent | {"name": "Better", "signed": "on", "session_parameter": "STUDY_ID"}
    page = client.post(reverse("change_panel", args=[study.pk]), changed)
    assert page.status_code == 422
    changed["session_parameter"] = "S"
    page = client.post(reverse("change_panel", args=[study.pk]), changed, follow=True)
    assert "SIGNATURE" in page.content.decode()
    study.refresh_from_db()
    assert (study.name, study.signed, study.code_completed) == ("Better", True, "C1")


def test_the_list_for_approval(client, study, project) -> None:
    person = Person(study)
    person.enter()
    judge_all(person)
    person.client.get(reverse("work", args=[project.pk]))
    Person(study, "5f1b").enter()
    client.force_login(project.created_by)
    answer = client.get(reverse("panel_csv", args=[study.pk]))
    first, second = csv.DictReader(io.StringIO(answer.content.decode()))
    assert (first["participant"], first["state"]) == ("5f1a", "completed")
    assert (first["code"], first["tasks_done"]) == (study.code_completed, "2")
    assert (second["participant"], second["state"], second["code"]) == ("5f1b", "active", "")


def test_panels_are_for_managers(client, study, make_user, add_member) -> None:
    ada = make_user("ada")
    pages = ("panel", "panel_csv")
    client.force_login(ada)
    assert {client.get(reverse(page, args=[study.pk])).status_code for page in pages} == {404}
    add_member(study.project, ada)
    assert {client.get(reverse(page, args=[study.pk])).status_code for page in pages} == {403}
    assert client.get(reverse("panel_end", args=[study.code])).status_code == 404


def test_the_page_of_participants_asks_once(client, study, django_assert_max_num_queries) -> None:
    for number in range(6):
        Person(study, f"p{number}").enter()
    client.force_login(study.project.created_by)
    client.get(reverse("panel", args=[study.pk]))
    with django_assert_max_num_queries(12):
        client.get(reverse("panel", args=[study.pk]))


def test_the_project_s_own_limit_ends_a_participation_too(study, project) -> None:
    set_rules(project=project, actor=project.created_by, cap_total=1)
    person = Person(study)
    person.enter()
    judge_all(person)
    person.client.get(reverse("work", args=[project.pk]))
    assert (person.row.state, person.row.done) == (State.COMPLETED, 1)
    more = create_study(project=project, actor=project.created_by, name="More", tasks_each=1)
    later = Person(more)
    page = later.enter().content.decode()
    assert more.code_nothing_left in page
    assert more.code_completed not in page
    assert (later.row.state, later.row.done) == (State.NOTHING_LEFT, 0)


def test_what_prolific_fills_in_stands_in_the_link(study) -> None:
    query = parse_qs(urlsplit(entry_link(study, "https://host/")).query)
    assert query["PROLIFIC_PID"] == ["{{%PROLIFIC_PID%}}"]
