"""Who gets which seat: the rules, one by one."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404
from django.utils import timezone

from annotate import handout
from annotate.handout import lease_seat, reopen_expired
from annotate.kinds import InvalidValue
from annotate.models import Draft, Judgement, Membership, Seat, Skip, User
from annotate.services import judgements, projects
from annotate.services.judgements import revise_judgement, submit_judgement
from annotate.services.seats import SeatGone, release_seat, renew_lease, save_draft, skip_seat
from annotate.services.tasks import open_seats

pytestmark = pytest.mark.django_db

TIE = {"verdict": "tie"}
BAD = {"verdict": "both_bad"}


@pytest.fixture(autouse=True)
def _no_rest():
    handout._searched_until.clear()


@pytest.fixture
def crew(make_project, add_member, make_pair_tasks):
    """crew(tasks, people, **fields) -> the project and its annotators."""

    def make(tasks: int, people: int, **fields):
        owner = User.objects.create(username="owner")
        project = make_project(owner, **fields)
        users = [User.objects.create(username=f"ann{number}") for number in range(people)]
        for user in users:
            add_member(project, user)
        make_pair_tasks(project, tasks)
        return project, users

    return make


def expire(seat_id: int) -> None:
    past = timezone.now() - timedelta(hours=1)
    Seat.objects.filter(pk=seat_id).update(leased_at=past, leased_until=past)


def answer(lease, user, value=TIE, **more):
    return submit_judgement(seat_id=lease.seat_id, user=user, value=value, **more)


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


def test_an_expired_lease_nobody_took_is_still_mine(crew):
    project, [ann] = crew(2, 1)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    again = lease_seat(project=project, user=ann)
    assert again.seat_id == lease.seat_id
    assert again.leased_until > timezone.now()


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


def test_a_skipped_task_never_comes_back_and_goes_first_to_somebody_else(crew):
    project, [ann, bob] = crew(3, 2)
    lease = lease_seat(project=project, user=ann)
    skip = skip_seat(seat_id=lease.seat_id, user=ann, reason="unclear", note="Which one?")
    assert skip_seat(seat_id=lease.seat_id, user=ann, reason="other") == skip
    assert Seat.objects.get(pk=lease.seat_id).former_holders == []
    rest = []
    while found := lease_seat(project=project, user=ann):
        rest.append(found.task_id)
        if len(rest) == 1:
            assert lease_seat(project=project, user=bob).task_id == lease.task_id
        answer(found, ann)
    assert len(rest) == 2
    assert lease.task_id not in rest
    with pytest.raises(SeatGone):
        answer(lease, ann)


def test_a_released_seat_is_open_to_everybody_and_not_answerable(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    release_seat(seat_id=lease.seat_id, user=ann)
    release_seat(seat_id=lease.seat_id, user=ann)
    with pytest.raises(SeatGone, match="handed back"):
        answer(lease, ann)
    assert lease_seat(project=project, user=bob).seat_id == lease.seat_id


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


def test_a_member_who_never_held_the_seat_cannot_answer(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    with pytest.raises(SeatGone, match="never yours"):
        answer(lease, bob)
    assert not Judgement.objects.exists()


def test_drafts_come_back_with_the_lease_and_go_with_the_answer(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    save_draft(seat_id=lease.seat_id, user=ann, value={"verdict": "tie", "rationale": "s"})
    save_draft(seat_id=lease.seat_id, user=ann, value={"rationale": "so far"})
    assert lease_seat(project=project, user=ann).draft == {"rationale": "so far"}
    answer(lease, ann)
    assert not Draft.objects.exists()


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
    from annotate.services.tasks import void_surplus

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


def test_a_skip_is_kept_even_when_the_lease_ran_out(crew):
    project, [ann, bob] = crew(1, 2)
    lease = lease_seat(project=project, user=ann)
    expire(lease.seat_id)
    lease_seat(project=project, user=bob)
    skip_seat(seat_id=lease.seat_id, user=ann, reason="language")
    assert Skip.objects.count() == 1
    assert Seat.objects.get().annotator == bob


def test_nothing_is_done_at_the_seats_of_an_archived_project(crew):
    project, [ann] = crew(1, 1)
    lease = lease_seat(project=project, user=ann)
    projects.archive_project(project=project, actor=project.created_by)
    deeds = [
        lambda: answer(lease, ann),
        lambda: skip_seat(seat_id=lease.seat_id, user=ann, reason="unclear"),
        lambda: renew_lease(seat_id=lease.seat_id, user=ann),
        lambda: release_seat(seat_id=lease.seat_id, user=ann),
        lambda: save_draft(seat_id=lease.seat_id, user=ann, value={"rationale": "x"}),
    ]
    for deed in deeds:
        with pytest.raises(Http404):
            deed()
    assert Seat.objects.get().state == "leased"
    assert not Skip.objects.exists()


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
