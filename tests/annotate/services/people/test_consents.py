"""Consent: asked before the first task, recorded with its version and time, withdrawn."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from annotate.handout import Unasked, lease_seat
from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, Consent, ConsentText, Draft, Judgement, ProfileAnswer, Seat
from annotate.reports.profiles import consent_texts, single_answers, summaries
from annotate.services.people.consents import give_consent, set_consent, withdraw_consent
from annotate.services.people.profiles import (
    delete_due_answers,
    own_answers,
    save_profile,
    set_questions,
)
from annotate.services.work.drafts import save_draft
from annotate.services.work.judgements import submit_judgement

pytestmark = pytest.mark.django_db
AGE = {"name": "age", "title": "How old?", "kind": "choice", "choices": ["young", "old"]}
JOB = {"name": "job", "title": "What do you do?", "kind": "text"}


@pytest.fixture
def olga(make_user):
    return make_user("olga")


@pytest.fixture
def project(make_project, olga, make_pair_tasks):
    project = make_project(olga)
    make_pair_tasks(project, 3)
    return project


@pytest.fixture
def ada(project, make_user, add_member):
    return add_member(project, make_user("ada"))


@pytest.fixture
def ask(project, olga):
    """ask(text, **more) -> another consent text in force."""
    return lambda text="Be **kind**.", **more: set_consent(
        project=project, actor=olga, text=text, **more
    )


@pytest.fixture
def question(project, olga):
    """question(*questions) -> asked for a year."""
    until = timezone.now().date() + timedelta(days=365)
    return lambda *questions: set_questions(
        project=project, actor=olga, questions=list(questions), until=until
    )


def test_nothing_is_handed_out_before_the_consent(project, ada, ask) -> None:
    assert lease_seat(project=project, user=ada.user) is not None
    ask()
    with pytest.raises(Unasked):
        lease_seat(project=project, user=ada.user)
    give_consent(membership=ada, number=1, address="192.0.2.1")
    give_consent(membership=ada, number=1)
    assert lease_seat(project=project, user=ada.user) is not None
    [given] = Consent.objects.all()
    assert (given.text.number, given.user, given.withdrawn_at) == (1, ada.user, None)
    event = AuditEvent.objects.get(action="consent.given")
    assert (event.actor, event.address, event.detail) == (ada.user, "192.0.2.1", {"version": 1})


def test_a_new_text_asks_again_and_the_old_one_stays(project, ada, ask) -> None:
    ask("One")
    give_consent(membership=ada, number=1)
    ask("One")  # nothing changed
    ask("Two")
    with pytest.raises(Unasked):
        lease_seat(project=project, user=ada.user)
    with pytest.raises(InvalidValue, match="changed meanwhile"):
        give_consent(membership=ada, number=1)
    give_consent(membership=ada, number=2)
    assert lease_seat(project=project, user=ada.user) is not None
    assert [(one.number, one.agreed) for one in consent_texts(project)] == [(2, 1), (1, 0)]
    assert Consent.objects.filter(withdrawn_at=None).count() == 2


def test_an_empty_text_asks_nobody(project, ada, ask) -> None:
    ask()
    ask(" ")
    assert lease_seat(project=project, user=ada.user) is not None
    with pytest.raises(InvalidValue, match="asks for no consent"):
        give_consent(membership=ada, number=1)
    assert ask("Again").consent.number == 2
    deeds = AuditEvent.objects.filter(action__startswith="consent.").order_by("pk")
    assert [event.action for event in deeds] == [
        *("consent.changed", "consent.ended", "consent.changed"),
    ]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [({"text": None}, "text"), ({"text": "a\0"}, "text"), ({"shows_answers": 1}, "shows_answers")],
)
def test_what_is_no_text_is_refused(ask, fields, wrong) -> None:
    with pytest.raises(InvalidValue) as refused:
        ask(**fields)
    assert refused.value.field == wrong
    assert not ConsentText.objects.exists()


def test_a_text_never_changes(ask) -> None:
    ask()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ConsentText.objects.update(text="Else")


def test_withdrawing_ends_the_work_and_keeps_what_was_judged(project, ada, ask, question) -> None:
    ask()
    question(AGE)
    give_consent(membership=ada, number=1)
    save_profile(membership=ada, answers={"age": "old"})
    lease = lease_seat(project=project, user=ada.user)
    submit_judgement(seat_id=lease.seat_id, user=ada.user, value={"verdict": "tie"})
    lease = lease_seat(project=project, user=ada.user)
    save_draft(seat_id=lease.seat_id, user=ada.user, value={"rationale": "hm"})
    withdraw_consent(membership=ada)
    assert Seat.objects.get(pk=lease.seat_id).state == "open"
    assert not Draft.objects.exists()
    assert not ProfileAnswer.objects.exists()
    assert Judgement.objects.count() == 1
    assert Consent.objects.get().withdrawn_at is not None
    with pytest.raises(Unasked):
        lease_seat(project=project, user=ada.user)
    with pytest.raises(InvalidValue, match="not agreed"):
        withdraw_consent(membership=ada)
    give_consent(membership=ada, number=1)
    save_profile(membership=ada, answers={})
    assert lease_seat(project=project, user=ada.user) is not None
    assert Consent.objects.count() == 2


def test_questions_are_asked_once_and_may_stay_open(project, ada, question) -> None:
    question(AGE, JOB)
    with pytest.raises(Unasked):
        lease_seat(project=project, user=ada.user)
    save_profile(membership=ada, answers={})
    assert lease_seat(project=project, user=ada.user) is not None
    save_profile(membership=ada, answers={"age": None, "job": "nurse"})
    assert own_answers(ada) == {"age": None, "job": "nurse"}
    save_profile(membership=ada, answers={"job": "nurse"})
    assert own_answers(ada) == {"job": "nurse"}
    assert "nurse" not in str(list(AuditEvent.objects.values()))


def test_changed_questions_lose_their_answers_and_new_ones_are_asked(
    project, ada, question
) -> None:
    question(AGE, JOB)
    save_profile(membership=ada, answers={"age": "old", "job": "nurse"})
    question({**AGE, "choices": ["young", "old", "older"]}, JOB)
    assert own_answers(ada) == {"age": "old", "job": "nurse"}
    assert lease_seat(project=project, user=ada.user) is not None
    question({**AGE, "choices": ["young", "older"]})
    assert own_answers(ada) == {}
    with pytest.raises(Unasked):
        lease_seat(project=project, user=ada.user)


@pytest.mark.parametrize("until", [None, "", "soon", "2030-02-30", "1999-01-01", "2999-01-01", 7])
def test_answers_have_a_last_day(project, olga, until) -> None:
    with pytest.raises(InvalidValue) as refused:
        set_questions(project=project, actor=olga, questions=[AGE], until=until)
    assert refused.value.field == "until"


def test_answers_go_after_their_last_day_and_nobody_is_asked(project, ada, question) -> None:
    question(AGE)
    save_profile(membership=ada, answers={"age": "old"})
    assert delete_due_answers() == 0
    project.profile_until = timezone.now().date() - timedelta(days=1)
    project.save()
    ada.profile_asked_at = None
    ada.save()
    assert lease_seat(project=project, user=ada.user) is not None
    assert delete_due_answers() == 1
    assert delete_due_answers() == 0
    event = AuditEvent.objects.get(action="profile.answers_expired")
    assert (event.actor, event.detail) == (None, {"answers_deleted": 1})


def test_managers_see_single_answers_only_where_the_consent_says_so(
    project, ada, ask, question, make_user, add_member
) -> None:
    question(AGE)
    ask("Counts only.")
    give_consent(membership=ada, number=1)
    save_profile(membership=ada, answers={"age": "old"})
    project.refresh_from_db()
    assert single_answers(project) == []
    ask("Managers see what you answer.", shows_answers=True)
    assert single_answers(project) == []  # she agreed to the other one
    give_consent(membership=ada, number=2)
    [one] = single_answers(project)
    assert one.answers == [("How old?", "old", True)]
    [counts] = summaries(project)
    assert counts.total is None
    for number in range(6):
        member = add_member(project, make_user(f"m{number}"))
        save_profile(membership=member, answers={"age": "young"})
    [counts] = summaries(project)
    assert (counts.total, counts.cells["young"], counts.cells["old"]) == (7, None, None)
