"""Many people at once, with real threads and connections."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone

from annotate import handout
from annotate.handout import lease_seat, reopen_expired
from annotate.models import Judgement, Membership, Seat
from annotate.services.projects import update_project
from annotate.services.work.judgements import submit_judgement
from annotate.services.work.seats import SeatGone, release_seat, skip_seat
from tests.annotate.handout.seats import TIE
from tests.waiting import PATIENCE, somebody_waits_for_a_lock, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

PAST = datetime(2020, 1, 1, tzinfo=UTC)


def run_all(jobs) -> None:
    """Run the jobs in threads that start together; raise what any of them raised."""
    barrier = threading.Barrier(len(jobs))

    def begin(job) -> None:
        barrier.wait(PATIENCE)
        with closing(connection):
            job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(begin, job) for job in jobs]:
            future.result(PATIENCE)


def work_until_empty(project, user) -> None:
    while lease := lease_seat(project=project, user=user):
        submit_judgement(seat_id=lease.seat_id, user=user, value=TIE)


def assert_exact(project, wanted: int) -> None:
    judgements = Judgement.objects.filter(project=project)
    assert judgements.count() == wanted
    assert not judgements.values("task", "annotator").annotate(n=Count("*")).filter(n__gt=1)
    assert set(Seat.objects.values_list("state", flat=True)) == {"done"}
    counts = Counter(judgements.values_list("annotator_id", flat=True))
    members = Membership.objects.filter(project=project, role="annotator")
    assert {m.user_id: m.done_count for m in members if m.done_count} == dict(counts)


def test_everybody_works_until_nothing_is_left(crew):
    project, users = crew(60, 12, overlap=3)
    run_all([lambda user=user: work_until_empty(project, user) for user in users])
    assert_exact(project, 180)


def test_more_people_than_seats_share_them_out(crew):
    project, users = crew(2, 12, overlap=2)
    leases = []
    run_all(
        [lambda user=user: leases.append(lease_seat(project=project, user=user)) for user in users]
    )
    seats = [lease.seat_id for lease in leases if lease]
    assert len(seats) == len(set(seats)) == 4


def test_one_person_in_many_tabs_holds_one_seat(crew):
    project, [ann] = crew(20, 1, overlap=2)
    leases = []
    run_all([lambda: leases.append(lease_seat(project=project, user=ann)) for _ in range(8)])
    assert len({lease.seat_id for lease in leases}) == 1
    assert Seat.objects.filter(state="leased").count() == 1


def test_one_person_in_many_tabs_prefetches_one_seat(crew):
    project, [ann] = crew(20, 1)
    first = lease_seat(project=project, user=ann)
    leases = []
    run_all(
        [
            lambda: leases.append(lease_seat(project=project, user=ann, beside=first.seat_id))
            for _ in range(8)
        ]
    )
    assert len({lease.seat_id for lease in leases}) == 1
    assert Seat.objects.filter(state="leased").count() == 2


@pytest.mark.parametrize("key", ["", "once"])
def test_a_double_click_writes_once(crew, key):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    done = []
    run_all(
        [
            lambda: done.append(
                submit_judgement(seat_id=lease.seat_id, user=ann, value=TIE, idempotency_key=key)
            )
            for _ in range(8)
        ]
    )
    assert sorted(result.created for result in done) == [False] * 7 + [True]
    assert len({result.judgement.pk for result in done}) == 1
    assert Membership.objects.get(user=ann).done_count == 1


def test_expiry_skips_and_releases_in_the_middle_lose_nothing(crew):
    project, users = crew(40, 8, overlap=2, lease_seconds=10)
    stop = threading.Event()

    def sweep() -> None:
        while not stop.wait(0.01):
            past = timezone.now() - timedelta(minutes=1)
            some = Seat.objects.filter(state="leased").order_by("?").values("pk")[:2]
            Seat.objects.filter(
                pk__in=list(some.values_list("pk", flat=True)), state="leased"
            ).update(leased_at=past, leased_until=past)
            reopen_expired(limit=5)

    def careless(user) -> None:
        draw = random.Random(user.pk)
        while lease := lease_seat(project=project, user=user):
            deed = draw.random()
            try:
                if deed < 0.1:
                    skip_seat(seat_id=lease.seat_id, user=user, reason="other")
                elif deed < 0.2:
                    release_seat(seat_id=lease.seat_id, user=user)
                else:
                    submit_judgement(seat_id=lease.seat_id, user=user, value=TIE)
            except SeatGone:
                continue

    def crew() -> None:
        try:
            run_all([lambda user=user: careless(user) for user in users])
        finally:
            stop.set()

    run_all([sweep, crew])
    Seat.objects.filter(state="leased").update(leased_at=None, state="open", annotator=None)
    handout._searched_until.clear()
    for user in users:  # what came back after some had gone home
        work_until_empty(project, user)
    judgements = Judgement.objects.all()
    done = Seat.objects.filter(state="done")
    assert done.count() == judgements.filter(late=False).count()
    pairs = judgements.values_list("task", "annotator")
    assert len(pairs) == len(set(pairs))
    left = Seat.objects.exclude(state="done").select_related("task")
    for seat in left:  # whoever is left with a seat open: nobody may still take it
        assert seat.state == "open"
        taken = set(
            Seat.objects.filter(task=seat.task, state="done").values_list("annotator", flat=True)
        )
        declined = set(seat.task.skips.values_list("annotator", flat=True))
        late = set(judgements.filter(task=seat.task).values_list("annotator", flat=True))
        assert {user.pk for user in users} == taken | declined | late


def in_thread(pool: ThreadPoolExecutor, job):
    def begin():
        with closing(connection):
            return job()

    return pool.submit(begin)


def test_a_lease_lost_while_it_is_asked_for_again_is_not_given_out_twice(crew):
    project, [ann, bob] = crew(1, 2)
    lost = lease_seat(project=project, user=ann)
    Seat.objects.update(leased_at=PAST, leased_until=PAST)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert reopen_expired(10) == 1
            Seat.objects.filter(pk=lost.seat_id).update(
                state="leased",
                annotator=bob,
                leased_at=timezone.now(),
                leased_until=timezone.now() + timedelta(minutes=15),
            )
            asked = in_thread(pool, lambda: lease_seat(project=project, user=ann))
            wait_until(somebody_waits_for_a_lock)
        assert asked.result(PATIENCE) is None
    assert Seat.objects.get().annotator == bob


def test_answers_go_on_while_the_project_is_changed(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)

    def submit():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '5s'")
        return submit_judgement(seat_id=lease.seat_id, user=ann, value=TIE)

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        update_project(project=project, actor=project.created_by, name="Renamed", overlap=2)
        assert in_thread(pool, submit).result(PATIENCE).created


def test_a_lease_begins_when_the_waiting_is_over(crew):
    project, [ann] = crew(1, 1)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            Membership.objects.select_for_update().get(project=project, user=ann)
            asked = in_thread(pool, lambda: lease_seat(project=project, user=ann))
            wait_until(somebody_waits_for_a_lock)
            waited_at = timezone.now()
        lease = asked.result(PATIENCE)
    assert Seat.objects.get(pk=lease.seat_id).leased_at > waited_at
