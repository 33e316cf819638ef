"""Limits of one person's work: exact, ahead of time too, and told."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat, reopen_expired
from annotate.models import Judgement, Membership, Standing
from annotate.services.work.judgements import revise_judgement
from annotate.services.work.seats import SeatGone, renew_lease
from tests.annotate.api.conftest import Caller
from tests.annotate.handout.seats import expire

pytestmark = pytest.mark.django_db


def back(hours: float) -> None:
    """As if what was answered had been answered so many hours earlier."""
    gap = timedelta(hours=hours)
    for standing in Standing.objects.all():
        standing.hour_began -= gap
        standing.day_began -= gap
        standing.save()


@pytest.mark.parametrize("cap", ["cap_hour", "cap_day", "cap_total"])
def test_nothing_is_handed_out_beyond_the_limit_nor_ahead_of_it(cap, shop, answer):
    project, [ann], _items = shop(10, **{cap: 3})
    first = lease_seat(project=project, user=ann)
    second = lease_seat(project=project, user=ann, beside=first.seat_id)
    answer(first, ann)
    third = lease_seat(project=project, user=ann, beside=second.seat_id)
    assert third is not None
    answer(second, ann)
    # One answer is left to give, and it is in their hands.
    assert lease_seat(project=project, user=ann, beside=third.seat_id) is None
    assert lease_seat(project=project, user=ann).seat_id == third.seat_id
    answer(third, ann)
    assert lease_seat(project=project, user=ann) is None


def test_it_goes_on_when_the_time_is_over(shop, answer):
    project, [ann], _items = shop(10, cap_hour=2, cap_day=3)
    for _ in range(2):
        answer(lease_seat(project=project, user=ann), ann)
    assert lease_seat(project=project, user=ann) is None
    back(0.9)
    assert lease_seat(project=project, user=ann) is None
    back(0.2)
    answer(lease_seat(project=project, user=ann), ann)
    assert lease_seat(project=project, user=ann) is None  # three in 24 hours
    back(23)
    assert lease_seat(project=project, user=ann) is not None


def test_a_correction_counts_no_second_time(shop, answer):
    project, [ann], _items = shop(10, cap_hour=2)
    done = answer(lease_seat(project=project, user=ann), ann).judgement
    revise_judgement(judgement_id=done.pk, user=ann, value={"verdict": "both_bad"})
    assert lease_seat(project=project, user=ann) is not None


def test_what_ran_out_is_not_taken_again_beyond_the_limit(shop, answer):
    project, [ann], _items = shop(10, cap_total=1)
    old = lease_seat(project=project, user=ann)
    expire(old.seat_id)
    reopen_expired(limit=10)
    Membership.objects.filter(user=ann).update(done_count=1)
    with pytest.raises(SeatGone):
        renew_lease(seat_id=old.seat_id, user=ann)
    Membership.objects.filter(user=ann).update(done_count=0)
    assert renew_lease(seat_id=old.seat_id, user=ann) > timezone.now()


def test_the_work_page_and_rest_say_why_and_until_when(shop, answer, client, refused):
    project, [ann], _items = shop(10, cap_hour=1)
    answer(lease_seat(project=project, user=ann), ann)
    client.force_login(ann)
    page = client.get(reverse("work", args=[project.pk]))
    text = page.content.decode()
    assert "as many tasks as this project allows in an hour" in text
    until = page.context["held"].until
    assert abs(until - timezone.now() - timedelta(hours=1)) < timedelta(minutes=10)
    caller = Caller(ann, ["annotate"])
    told = caller.get(f"projects/{project.pk}/next/")
    refused(told, 429, says="in an hour")
    assert 3000 < int(told["Retry-After"]) <= 3600
    Standing.objects.update(paused_at=timezone.now(), paused_why="manager")
    refused(caller.get(f"projects/{project.pk}/next/"), 403, says="paused")
    assert "Your work here is paused" in client.get(page.request["PATH_INFO"]).content.decode()


def test_a_pause_is_suggested_once_in_each_stretch_of_so_many_minutes(shop, answer):
    project, [ann], _items = shop(20, break_minutes=30)

    def after(minutes: float, rest: float = 1) -> bool:
        """Whether an answer that far into the stretch suggests a pause."""
        now = timezone.now()
        Standing.objects.update(
            stretch_began=now - timedelta(minutes=minutes),
            last_answer_at=now - timedelta(minutes=rest),
        )
        return answer(lease_seat(project=project, user=ann), ann).wants_pause

    assert not answer(lease_seat(project=project, user=ann), ann).wants_pause
    told = [after(minutes) for minutes in (29, 30.5, 32, 59, 60.5, 70)]
    assert told == [False, True, False, False, True, False]
    assert not after(30.5, rest=6)  # they had a rest


def test_the_work_page_suggests_the_pause(shop, client):
    project, [ann], _items = shop(5, break_minutes=30)
    client.force_login(ann)
    first = lease_seat(project=project, user=ann)
    place = reverse("submit_judgement", args=[project.pk, first.seat_id])
    headers = {"Accept": "application/json"}
    assert client.post(place, {"answer": "tie"}, headers=headers).json()["message"] == ""
    now = timezone.now()
    Standing.objects.update(
        stretch_began=now - timedelta(minutes=31), last_answer_at=now - timedelta(minutes=2)
    )
    second = lease_seat(project=project, user=ann)
    place = reverse("submit_judgement", args=[project.pk, second.seat_id])
    said = client.post(place, {"answer": "tie"}, headers=headers).json()
    assert "Take a few minutes off" in said["message"]


@pytest.mark.django_db(transaction=True)
def test_two_browsers_at_once_stay_within_the_limit(shop, answer):
    project, [ann], _items = shop(60, cap_day=15)
    start, ended = threading.Barrier(2), []

    def browse() -> None:
        try:
            start.wait(timeout=60)
            while (lease := lease_seat(project=project, user=ann)) is not None:
                beside = lease_seat(project=project, user=ann, beside=lease.seat_id)
                for one in filter(None, (lease, beside)):
                    answer(one, ann)
            ended.append(True)
        finally:
            connection.close()

    threads = [threading.Thread(target=browse) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert ended == [True, True]
    assert Judgement.objects.count() == 15
