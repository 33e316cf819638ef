"""Answers to seats: what is stored, sent twice, changed later."""

import pytest
from django.http import Http404
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Membership, Seat
from annotate.services.work import judgements
from annotate.services.work.judgements import revise_judgement
from annotate.services.work.seats import SeatGone
from tests.annotate.handout.seats import BAD, TIE, answer

pytestmark = pytest.mark.django_db


def test_a_member_who_never_held_the_seat_cannot_answer(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    with pytest.raises(SeatGone, match="never yours"):
        answer(lease, bob)
    assert not Judgement.objects.exists()


def test_a_judgement_records_what_was_shown_and_who(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    preferred = lease.responses[1]["id"]
    value = {"verdict": "prefer", "preferred": preferred, "strength": 2}
    done = answer(
        lease, ann, value, rationale="Better", seconds_active=3.5, started_at=timezone.now()
    )
    stored = Judgement.objects.get()
    assert stored == done.judgement
    for field in Judgement._meta.concrete_fields:
        assert getattr(stored, field.attname) == getattr(done.judgement, field.attname), field
    assert stored.shown_order == [shown["id"] for shown in lease.responses]
    assert (stored.value, stored.kind, stored.source) == (value, "pairwise", "person")
    assert not stored.simulated
    assert Membership.objects.get(user=ann).done_count == 1


def test_simulated_people_make_simulated_judgements(crew, make_user, add_member):
    project, [] = crew(1, 0)
    robot = make_user("robot", is_simulated=True)
    add_member(project, robot)
    assert answer(lease_seat(project=project, user=robot), robot).judgement.simulated


def test_the_same_key_again_is_the_same_judgement(crew):
    project, [ann] = crew(2, 1)
    lease = lease_seat(project=project, user=ann)
    first = answer(lease, ann, idempotency_key="k1")
    again = answer(lease, ann, BAD, idempotency_key="k1")
    assert (again.judgement, again.created) == (first.judgement, False)
    other = lease_seat(project=project, user=ann)
    with pytest.raises(InvalidValue, match="another answer"):
        answer(other, ann, idempotency_key="k1")
    assert Judgement.objects.count() == 1


def test_a_double_click_is_one_judgement_and_a_change_is_refused(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    first = answer(lease, ann)
    again = answer(lease, ann)
    assert (again.judgement, again.created) == (first.judgement, False)
    with pytest.raises(SeatGone, match="use undo"):
        answer(lease, ann, BAD)
    with pytest.raises(SeatGone, match="use undo"):
        answer(lease, ann, rationale="Thought of later.")
    assert Membership.objects.get(user=ann).done_count == 1


def test_revising_supersedes_once(crew):
    project, [ann, bob] = crew(1, 2)
    first = answer(lease_seat(project=project, user=ann), ann).judgement
    second = revise_judgement(
        judgement_id=first.pk, user=ann, value=BAD, reason="misread"
    ).judgement
    assert (second.supersedes, second.value, second.seat) == (first, BAD, first.seat)
    assert list(Judgement.objects.current()) == [second]
    with pytest.raises(SeatGone, match="newest"):
        revise_judgement(judgement_id=first.pk, user=ann, value=TIE)
    third = revise_judgement(judgement_id=second.pk, user=ann, value=TIE, idempotency_key="r")
    again = revise_judgement(judgement_id=second.pk, user=ann, value=TIE, idempotency_key="r")
    assert (again.judgement, again.created) == (third.judgement, False)
    with pytest.raises(Http404):
        revise_judgement(judgement_id=third.judgement.pk, user=bob, value=TIE)
    assert Membership.objects.get(user=ann).done_count == 1


def test_the_key_of_an_answer_does_not_swallow_its_revision(crew):
    project, [ann] = crew(1, 1)
    first = answer(lease_seat(project=project, user=ann), ann, idempotency_key="k").judgement
    with pytest.raises(InvalidValue, match="idempotency_key"):
        revise_judgement(judgement_id=first.pk, user=ann, value=BAD, idempotency_key="k")
    for created in (True, False):
        again = revise_judgement(judgement_id=first.pk, user=ann, value=BAD, idempotency_key="r")
        assert (again.created, again.judgement.value) == (created, BAD)


@pytest.mark.django_db(transaction=True)
def test_a_key_that_went_to_another_task_meanwhile_is_refused(crew, monkeypatch):
    project, [ann] = crew(2, 1)
    one = lease_seat(project=project, user=ann)
    two = lease_seat(project=project, user=ann, beside=one.seat_id)
    look = judgements._look

    def look_then_lose(seat_id, user, key, form):
        seen = look(seat_id, user, key, form)
        monkeypatch.setattr(judgements, "_look", look)
        answer(one, ann, idempotency_key="k")
        return seen

    monkeypatch.setattr(judgements, "_look", look_then_lose)
    with pytest.raises(InvalidValue, match="idempotency_key"):
        answer(two, ann, idempotency_key="k")
    assert Judgement.objects.count() == 1
    assert Seat.objects.get(pk=two.seat_id).state == "leased"
