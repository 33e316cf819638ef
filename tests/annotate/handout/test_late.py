"""What ran out: seats go back, answers that come late are kept."""

import pytest
from django.utils import timezone

from annotate.handout import lease_seat, reopen_expired
from annotate.models import Judgement, Membership, Seat, Skip
from annotate.services.work.seats import SeatGone, release_seat, renew_lease, skip_seat
from tests.annotate.handout.seats import BAD, answer, expire

pytestmark = pytest.mark.django_db


def test_an_expired_lease_nobody_took_is_still_mine(crew):
    project, [ann] = crew(2, 1)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    again = lease_seat(project=project, user=ann)
    assert again.seat_id == lease.seat_id
    assert again.leased_until > timezone.now()


def test_an_expired_lease_goes_to_the_next_and_its_holder_comes_late(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    taken = lease_seat(project=project, user=bob)
    assert taken.seat_id == lease.seat_id
    late = answer(lease, ann)
    assert (late.late, late.created, late.judgement.seat_id) == (True, True, lease.seat_id)
    on_time = answer(taken, bob, BAD)
    assert not on_time.late
    assert Judgement.objects.count() == 2
    counts = Membership.objects.filter(role="annotator").values_list("done_count", flat=True)
    assert list(counts) == [1, 1]
    assert lease_seat(project=project, user=ann) is None


def test_a_late_answer_keeps_its_author_from_the_task(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    taken = lease_seat(project=project, user=bob)
    answer(lease, ann)
    release_seat(seat_id=taken.seat_id, user=bob)
    assert lease_seat(project=project, user=ann) is None
    assert lease_seat(project=project, user=bob).task_id == lease.task_id


def test_an_answer_after_expiry_takes_the_seat_that_is_still_free(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    assert reopen_expired(limit=10) == 1
    seat = Seat.objects.get()
    assert (seat.state, seat.annotator, seat.former_holders) == ("open", None, [ann.pk])
    done = answer(lease, ann)
    assert not done.late
    assert Seat.objects.get().state == "done"


def test_an_answer_from_the_page_of_an_earlier_lease_goes_to_the_seat_held_now(crew):
    project, [ann] = crew(1, 1, overlap=2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    reopen_expired(limit=10)
    Seat.objects.filter(pk=lease.seat_id).update(state="void", reopened_key=None)
    held = lease_seat(project=project, user=ann)
    assert held.seat_id != lease.seat_id
    done = answer(lease, ann)
    assert (done.late, done.judgement.seat_id) == (False, held.seat_id)


def test_reopening_takes_the_limit_and_leaves_live_leases(crew):
    project, users = crew(3, 3)
    leases = [lease_seat(project=project, user=user) for user in users]
    for lease in leases[:2]:
        expire(lease.seat_id)
    assert reopen_expired(limit=1) == 1
    assert reopen_expired(limit=5) == 1
    assert Seat.objects.filter(state="leased").count() == 1


def test_renewal(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    assert renew_lease(seat_id=lease.seat_id, user=ann) > timezone.now()
    expire(lease.seat_id)
    reopen_expired(limit=1)
    assert renew_lease(seat_id=lease.seat_id, user=ann) > timezone.now()
    assert Seat.objects.get().annotator == ann
    expire(lease.seat_id)
    lease_seat(project=project, user=bob)
    with pytest.raises(SeatGone):
        renew_lease(seat_id=lease.seat_id, user=ann)


def test_whoever_answered_late_does_not_block_the_seat_by_renewing(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    reopen_expired(10)
    lease_seat(project=project, user=bob)
    assert answer(lease, ann).late
    expire(lease.seat_id)
    reopen_expired(10)
    with pytest.raises(SeatGone):
        renew_lease(seat_id=lease.seat_id, user=ann)
    assert Seat.objects.get().state == "open"


def test_a_skip_is_kept_even_when_the_lease_ran_out(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    lease_seat(project=project, user=bob)
    skip_seat(seat_id=lease.seat_id, user=ann, reason="language")
    assert Skip.objects.count() == 1
    assert Seat.objects.get().annotator == bob
