"""Tasks that a strategy put first: their lane, their cursor, and everybody else's order."""

import threading
from contextlib import closing

import pytest
from django.db import connection, transaction

from annotate import handout
from annotate.handout import lease_seat
from annotate.models import Judgement, Membership, Seat, Task, TaskPlace
from annotate.services.projects import update_project
from annotate.services.work import places
from annotate.services.work.judgements import submit_judgement
from annotate.services.work.places import Place, clear_places, put_first
from annotate.services.work.seats import release_seat, skip_seat
from annotate.services.work.tasks import open_seats, queue_key, ranked_key, void_surplus
from tests.annotate.handout.seats import TIE, answer
from tests.annotate.handout.test_together import run_all, work_until_empty
from tests.waiting import PATIENCE, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def ids(project) -> list[int]:
    return list(Task.objects.filter(project=project).order_by("pk").values_list("pk", flat=True))


def all_of(project, user) -> list[int]:
    """The tasks in the order in which this person gets them; each is answered."""
    found = []
    while lease := lease_seat(project=project, user=user):
        found.append(lease.task_id)
        answer(lease, user)
    return found


def rank(project, task_ids) -> int:
    return put_first(project=project, places=[Place(pk, 0.5, ["why"]) for pk in task_ids])


def ranked(project) -> int:
    return Seat.objects.filter(task__project=project, ranked_key__isnull=False).count()


@pytest.mark.parametrize("order", ["in_order", "random", "least_covered"])
def test_ranked_tasks_come_first_and_the_others_in_the_projects_order(crew, order):
    project, [ann, bob] = crew(10, 2, overlap=2, order=order, seed=5)
    others = [pk for pk in all_of(project, bob) if pk not in (wanted := ids(project)[7:2:-2])]
    assert rank(project, wanted) == 3  # bob has the other seat of each
    assert all_of(project, ann) == wanted + others


def test_many_are_put_in_order_in_pieces_and_each_is_told(crew, monkeypatch):
    project, [ann] = crew(7, 1)
    monkeypatch.setattr(places, "AT_ONCE", 3)
    told = []
    wanted = [Place(pk) for pk in reversed(ids(project))]
    put_first(project=project, places=wanted, between=lambda: told.append(ranked(project)))
    assert told == [3, 6, 7]
    assert all_of(project, ann) == [one.task_id for one in wanted]


def test_a_higher_priority_still_comes_first_on_either_side(crew, make_pair_tasks):
    project, [ann] = crew(3, 1)
    urgent = [task.pk for task in make_pair_tasks(project, 3, priority=1000)]
    high = [task.pk for task in make_pair_tasks(project, 2, priority=700)]
    low = [task.pk for task in make_pair_tasks(project, 2, priority=0)]
    normal = [pk for pk in ids(project) if pk not in urgent + high + low]
    rank(project, [low[1], normal[2], urgent[2], normal[1]])
    assert all_of(project, ann) == [
        *(urgent[2], urgent[0], urgent[1], *high),
        *(normal[2], normal[1], normal[0], low[1], low[0]),
    ]


def test_a_rank_lies_between_the_queues_of_two_priorities(make_project):
    project = make_project(order="least_covered")
    for priority in (0, 1, 500, 999, 1000):
        first, last = (ranked_key(priority=priority, place=place) for place in (0, 2**31 - 1))
        assert first < last
        assert last < queue_key(project=project, priority=priority, number=0, task_id=1)
        if priority < 1000:
            last_of_higher = queue_key(
                project=project, priority=priority + 1, number=99, task_id=2**44 - 1
            )
            assert last_of_higher < first
        assert first > -(2**62)


def test_the_same_places_again_change_nothing(crew):
    project, _ = crew(6, 1, overlap=2)
    wanted = ids(project)[3:]
    assert rank(project, wanted) == 6
    assert rank(project, wanted) == 0
    assert rank(project, wanted[::-1]) == 4  # the one in the middle stays
    assert (
        list(TaskPlace.objects.order_by("place").values_list("task_id", flat=True))
        == (wanted[::-1])
    )


def test_undone_it_is_the_order_of_before(crew):
    project, [ann] = crew(6, 1)
    before = list(Seat.objects.order_by("pk").values())
    rank(project, ids(project)[::-1])
    assert clear_places(project=project) == 6
    assert list(Seat.objects.order_by("pk").values()) == before
    assert not TaskPlace.objects.exists()
    assert all_of(project, ann) == ids(project)


def test_what_somebody_holds_is_left_alone_and_comes_back_as_ever(crew):
    project, [ann, bob] = crew(4, 2)
    held = lease_seat(project=project, user=ann)
    assert rank(project, [held.task_id, ids(project)[3]]) == 1
    seat = Seat.objects.get(pk=held.seat_id)
    assert (seat.state, seat.annotator, seat.leased_until, seat.ranked_key) == (
        *("leased", ann, held.leased_until),
        None,
    )
    release_seat(seat_id=held.seat_id, user=ann)
    assert all_of(project, bob) == [ids(project)[n] for n in (0, 3, 1, 2)]


def test_a_seat_that_came_back_has_no_rank_left_over(crew):
    project, [ann] = crew(3, 1)
    rank(project, ids(project)[::-1])
    lease = lease_seat(project=project, user=ann)
    assert lease.task_id == ids(project)[2]
    skip_seat(seat_id=lease.seat_id, user=ann, reason="other")
    assert Seat.objects.get(pk=lease.seat_id).ranked_key is None
    clear_places(project=project)
    assert not Seat.objects.exclude(ranked_key=None).exists()


def test_a_new_ranking_is_seen_by_whoever_passed_the_old_one(crew):
    project, [ann] = crew(6, 1, overlap=2)
    first, second = ids(project)[:2], ids(project)[3:5]
    rank(project, first)
    for wanted in first:
        lease = lease_seat(project=project, user=ann)
        assert lease.task_id == wanted
        answer(lease, ann)
    queue_at = Membership.objects.get(user=ann).queue_cursor
    rank(project, second + first)
    assert Membership.objects.get(user=ann).queue_cursor == queue_at  # that lane stays passed
    assert all_of(project, ann) == [*second, ids(project)[2], ids(project)[5]]


def test_whoever_has_passed_all_ranks_looks_for_none_until_there_are_new_ones(crew):
    project, [ann] = crew(5, 1)
    rank(project, ids(project)[:1])
    for _ in range(2):
        answer(lease_seat(project=project, user=ann), ann)
    assert Membership.objects.get(user=ann).ranked_cursor == 2**62
    rank(project, ids(project)[4:])
    assert lease_seat(project=project, user=ann).task_id == ids(project)[4]


def test_new_members_and_new_seats_know_the_ranks(crew, add_member, make_user):
    project, [ann] = crew(3, 1, order="random")
    last = Task.objects.get(pk=ids(project)[-1])
    Task.objects.filter(pk=last.pk).update(priority=1000)
    rank(project, [last.pk])
    assert all_of(project, ann)[0] == last.pk
    update_project(project=project, actor=project.created_by, overlap=2)
    new = Seat.objects.get(task=last, number=1)
    assert new.ranked_key == ranked_key(priority=1000, place=0)
    bob = make_user("bob")
    add_member(project, bob)
    assert lease_seat(project=project, user=bob).task_id == last.pk


def test_voided_seats_come_back_with_the_rank_of_today(crew):
    project, _ = crew(2, 1, overlap=2)
    rank(project, ids(project))
    Task.objects.update(overlap=1)
    void_surplus(project=project)
    clear_places(project=project)
    Task.objects.update(overlap=2)
    open_seats(tasks=list(Task.objects.select_related("project")))
    assert Seat.objects.filter(state="open").count() == 4
    assert not Seat.objects.exclude(ranked_key=None).exists()


def test_a_seat_that_is_locked_for_a_moment_gets_its_rank_after_it(crew, monkeypatch):
    project, _ = crew(3, 1)
    locked, held, done = Seat.objects.first(), threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Seat.objects.select_for_update().get(pk=locked.pk)
            held.set()
            assert done.wait(PATIENCE)

    def rank_meanwhile() -> None:

        assert held.wait(PATIENCE)
        monkeypatch.setattr(places.time, "sleep", lambda seconds: done.set())
        assert rank(project, ids(project)) == 3

    run_all([hold, rank_meanwhile])
    assert Seat.objects.filter(ranked_key=None).count() == 0


def test_ranked_anew_again_and_again_while_everybody_works(crew):
    """Nothing is lost, given twice or held up, and nobody waits for a lock of the ranking."""
    project, users = crew(60, 6, overlap=3)
    stop, rounds = threading.Event(), []

    def reorder() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20s'")
        while not stop.is_set():
            wanted = ids(project)[len(rounds) % 7 :: 2]
            rank(project, wanted if len(rounds) % 5 else [])
            rounds.append(len(wanted))

    def careless(user) -> None:
        try:
            turn = 0
            while lease := lease_seat(project=project, user=user):
                turn += 1
                if turn % 4 == 0:
                    wanted = min(turn // 4, 5)
                    wait_until(lambda: stop.is_set() or len(rounds) >= wanted, "a round")  # noqa: B023
                if turn % 7 == 0:
                    release_seat(seat_id=lease.seat_id, user=user)
                    continue
                submit_judgement(seat_id=lease.seat_id, user=user, value=TIE)
        finally:
            if not Seat.objects.filter(state="open").exists():
                stop.set()

    def people() -> None:
        try:
            run_all([lambda user=user: careless(user) for user in users])
        finally:
            stop.set()

    with closing(connection):
        run_all([reorder, people])
    handout._searched_until.clear()
    for user in users:
        work_until_empty(project, user)
    assert len(rounds) >= 5
    pairs = list(Judgement.objects.values_list("task", "annotator"))
    assert len(pairs) == len(set(pairs)) == 180
    assert set(Seat.objects.values_list("state", flat=True)) == {"done"}
    assert rank(project, []) == 0
