"""Who gets which seat next: the rules, one by one."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404
from django.utils import timezone

from annotate import handout
from annotate.handout import lease_seat
from annotate.models import Membership, Seat
from annotate.services import projects
from annotate.services.work.seats import release_seat, renew_lease
from annotate.services.work.tasks import open_seats, void_surplus
from tests.annotate.handout.seats import answer

pytestmark = pytest.mark.django_db


def test_a_lease_holds_what_the_page_shows(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    seat = Seat.objects.get(pk=lease.seat_id)
    assert (seat.state, seat.annotator, seat.leased_until) == ("leased", ann, lease.leased_until)
    assert timedelta(seconds=899) < lease.leased_until - timezone.now() <= timedelta(seconds=900)
    assert [shown["id"] for shown in lease.responses] == seat.shown_order
    assert set(lease.responses[0]) == {"id", "content"}
    assert lease.prompt["conversation"] == [{"role": "user", "content": "Question 0?"}]
    assert (lease.prompt["passages"], lease.context) == ([], {})
    assert (lease.kind, lease.draft) == ("pairwise", None)


def test_asking_again_gives_the_same_seat(crew):
    project, [ann] = crew(3, 1)
    first = lease_seat(project=project, user=ann)
    assert lease_seat(project=project, user=ann) == first
    assert Seat.objects.filter(state="leased").count() == 1


def test_a_lease_half_over_is_renewed_by_asking(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    Seat.objects.update(leased_until=F("leased_at") + timedelta(seconds=400))
    assert lease_seat(project=project, user=ann).leased_until >= lease.leased_until


def test_prefetch_leases_a_second_seat_and_no_third(crew):
    project, [ann] = crew(5, 1)
    first = lease_seat(project=project, user=ann)
    second = lease_seat(project=project, user=ann, beside=first.seat_id)
    assert second.seat_id != first.seat_id
    assert lease_seat(project=project, user=ann, beside=first.seat_id).seat_id == second.seat_id
    assert lease_seat(project=project, user=ann, beside=second.seat_id).seat_id == first.seat_id
    assert lease_seat(project=project, user=ann).seat_id == first.seat_id
    answer(first, ann)
    assert lease_seat(project=project, user=ann).seat_id == second.seat_id
    assert Seat.objects.filter(state="leased").count() == 1


def test_nobody_gets_two_seats_of_a_task(crew):
    project, [ann, bob] = crew(2, 2, overlap=2)
    for user in (ann, bob):
        tasks = []
        while lease := lease_seat(project=project, user=user):
            tasks.append(lease.task_id)
            answer(lease, user)
        assert len(tasks) == len(set(tasks)) == 2
    assert Seat.objects.filter(state="done").count() == 4


@pytest.mark.parametrize("order", ["in_order", "random", "least_covered"])
def test_the_order_is_the_projects(crew, order):
    project, [ann, bob] = crew(12, 2, overlap=2, order=order, seed=7)
    tasks = {user: [] for user in (ann, bob)}
    for user in (ann, bob):
        while lease := lease_seat(project=project, user=user):
            tasks[user].append(lease.task_id)
            answer(lease, user)
    assert tasks[ann] == tasks[bob]
    assert (tasks[ann] == sorted(tasks[ann])) == (order != "random")


def test_least_covered_goes_round_once_before_the_second_seat(crew):
    project, [ann, bob] = crew(4, 2, overlap=2, order="least_covered")
    half = [lease_seat(project=project, user=ann).task_id]
    answer(lease_seat(project=project, user=ann), ann)
    half += [lease_seat(project=project, user=bob).task_id]
    assert half[0] != half[1]


def test_a_higher_priority_comes_first_even_when_added_later(
    crew, make_pair_tasks, django_capture_on_commit_callbacks
):
    project, [ann] = crew(3, 1)
    answer(lease_seat(project=project, user=ann), ann)
    with django_capture_on_commit_callbacks(execute=True):
        [urgent] = make_pair_tasks(project, 1, priority=900)
    assert lease_seat(project=project, user=ann).task_id == urgent.pk


def test_a_seat_behind_the_cursor_is_found_before_nothing_is_said(crew):
    project, [ann] = crew(2, 1)
    Membership.objects.filter(user=ann).update(queue_cursor=2**62, reopened_cursor=2**62)
    found = set()
    while lease := lease_seat(project=project, user=ann):
        found.add(lease.task_id)
        answer(lease, ann)
    assert len(found) == 2


def test_more_blocked_seats_than_a_window_holds(crew):
    project, [ann] = crew(40, 1, overlap=2)
    seen = set()
    while lease := lease_seat(project=project, user=ann):
        seen.add(lease.task_id)
        answer(lease, ann)
    assert len(seen) == 40
    Membership.objects.filter(user=ann).update(queue_cursor=-1)
    handout._searched_until.clear()
    assert lease_seat(project=project, user=ann) is None
    assert Membership.objects.get(user=ann).queue_cursor > 0


def test_nothing_is_handed_out_while_paused_but_answers_are_taken(crew):
    project, [ann, bob] = crew(2, 2)
    lease = lease_seat(project=project, user=ann)
    projects.pause_project(project=project, actor=project.created_by)
    assert lease_seat(project=project, user=bob) is None
    assert lease_seat(project=project, user=ann).seat_id == lease.seat_id
    assert lease_seat(project=project, user=ann, beside=lease.seat_id) is None
    assert answer(lease, ann).created
    projects.resume_project(project=project, actor=project.created_by)
    assert lease_seat(project=project, user=bob)


def test_strangers_and_archived_projects_are_404(crew, make_user):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    stranger = make_user("eve")
    with pytest.raises(Http404):
        lease_seat(project=project, user=stranger)
    for deed in (renew_lease, release_seat):
        with pytest.raises(Http404):
            deed(seat_id=lease.seat_id, user=stranger)
    with pytest.raises(Http404):
        answer(lease, stranger)
    with pytest.raises(PermissionDenied, match="add yourself"):
        lease_seat(project=project, user=make_user("root", is_superuser=True))
    projects.archive_project(project=project, actor=project.created_by)
    with pytest.raises(Http404):
        lease_seat(project=project, user=ann)
    with pytest.raises(Http404):
        answer(lease, ann)


def test_a_new_overlap_fits_the_seats(crew, make_user, add_member):
    project, [ann] = crew(3, 1, overlap=2)
    lease = lease_seat(project=project, user=ann)
    answer(lease, ann)

    def change(n: int) -> None:
        projects.update_project(project=project, actor=project.created_by, overlap=n)

    change(1)
    assert Seat.objects.filter(state="void").count() == 3
    assert Seat.objects.filter(task=lease.task_id).exclude(state="void").get().state == "done"
    change(3)
    assert Seat.objects.exclude(state="void").count() == 9
    assert Seat.objects.filter(state="done").count() == 1
    assert {len(seat.shown_order) for seat in Seat.objects.all()} == {2}


def test_tasks_routed_to_judges_get_no_seats(crew):
    project, [] = crew(2, 0)
    task = project.tasks.first()
    task.route = "ai"
    task.save()
    assert void_surplus(project=project) == 1
    task.route = "people"
    task.save()
    assert open_seats(tasks=[task]) == 1
    assert Seat.objects.filter(state="open").count() == 2


def test_a_new_order_moves_the_open_seats(crew):
    project, [ann] = crew(10, 1, seed=3)
    answer(lease_seat(project=project, user=ann), ann)
    projects.update_project(project=project, actor=project.created_by, order="random")
    Membership.objects.update(queue_cursor=-1)
    rest = []
    while lease := lease_seat(project=project, user=ann):
        rest.append(lease.task_id)
        answer(lease, ann)
    assert len(rest) == 9
    assert rest != sorted(rest)
