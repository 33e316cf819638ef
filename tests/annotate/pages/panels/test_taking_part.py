"""Through a study, and back with the code of the outcome."""

from django.db import connection
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
from annotate.services.people.panels import create_study
from annotate.services.people.participations import release
from annotate.services.people.standing import pause_member, set_rules
from tests.annotate.pages.panels.participants import BACK, Person, State, judge_all


def test_opening_the_address_changes_nothing(study) -> None:
    person = Person(study)
    page = person.client.get(person.address)
    assert page.status_code == 200
    assert "You are asked about 2 tasks" in page.content.decode()
    assert page["Referrer-Policy"] == "same-origin"  # the address names the participant
    assert not Participation.objects.exists()
    assert "_auth_user_id" not in person.client.session


def test_through_to_the_code(study) -> None:
    person = Person(study, "zoe7")  # letters that no pseudonym has
    page = person.enter()
    assert page.redirect_chain[-1][0] == reverse("work", args=[study.project_id])
    user = person.user
    assert user.username == f"panel-{user.pseudonym}"
    assert not user.has_usable_password()
    assert user.email == ""
    assert "zoe7" not in user.username
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


def test_whom_the_panel_replaces_leave_their_place(study, project) -> None:
    set_consent(project=project, actor=project.created_by, text="Be kind.")
    study.places = 1
    study.save()
    leave = reverse("leave_panel", args=[study.code])
    for name in ("first", "second"):
        person = Person(study, name)
        person.enter()
        assert Person(study, "beside").enter().status_code == 410
        person.client.post(leave, {"outcome": "no_consent"})
        person.client.post(leave, {"outcome": "no_consent"})  # twice gives one place back
    third = Person(study, "third")
    third.enter()
    release(study=study, participant="third", reason="returned", actor=project.created_by)
    study.refresh_from_db()
    assert study.taken == 0
    assert Person(study, "first").enter().status_code == 200  # told the code, not counted anew
    study.refresh_from_db()
    assert study.taken == 0


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
