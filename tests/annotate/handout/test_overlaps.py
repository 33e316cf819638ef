"""Adaptive overlap at work: exact with many people at once, and whatever changes an answer."""

import random
from collections import Counter

import pytest
from django.urls import reverse

from annotate import handout
from annotate.assignment.overlap import Overlap
from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import Judgement, Membership, OverlapDue, Seat, Task, User
from annotate.progress import progress_now
from annotate.reports.saved import saved_labels
from annotate.services.projects import update_project
from annotate.services.work import overlaps
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.overlaps import fit_due
from annotate.services.work.seats import release_seat, skip_seat
from annotate.tasks import fit_overlaps
from tests.annotate.handout.seats import TIE, answer
from tests.annotate.handout.test_together import run_all

pytestmark = pytest.mark.django_db


def first(lease) -> dict:
    return {
        "verdict": "prefer",
        "preferred": min(one["id"] for one in lease.responses),
        "strength": 1,
    }


def second(lease) -> dict:
    return {
        "verdict": "prefer",
        "preferred": max(one["id"] for one in lease.responses),
        "strength": 1,
    }


def states(task=None) -> Counter:
    seats = Seat.objects.filter(task=task) if task else Seat.objects.all()
    return Counter(seats.values_list("state", flat=True))


def say(project, user, what) -> Judgement:
    lease = lease_seat(project=project, user=user)
    return answer(lease, user, what(lease)).judgement


def test_people_who_agree_save_the_others_and_those_who_differ_ask_for_one_more(crew):
    project, people = crew(2, 6, overlap=2, overlap_most=5)
    for user in people[:3]:
        say(project, user, first)
        say(project, user, first if user != people[1] else second)
    clear, open_one = Task.objects.order_by("pk")
    assert states(clear) == {"done": 3}
    assert states(open_one) == {"done": 3, "open": 1}
    assert (clear.overlap, open_one.overlap) == (3, 4)
    assert lease_seat(project=project, user=people[3]).task_id == open_one.pk
    assert lease_seat(project=project, user=people[4]) is None
    saved = saved_labels(project)
    assert (saved.tasks, saved.saved) == (1, 2)
    assert progress_now(project.pk).total == 7


def test_a_threshold_stops_earlier(crew):
    project, people = crew(1, 4, overlap=1, overlap_most=5, overlap_threshold=0.8)
    say(project, people[0], first)
    assert states() == {"done": 1, "open": 1}
    say(project, people[1], first)
    assert states() == {"done": 2}


def test_a_change_of_mind_asks_again_and_back_closes_what_is_open(crew):
    project, people = crew(1, 4, overlap=2, overlap_most=3)
    ann, bob, *_ = people
    own = say(project, ann, first)
    say(project, bob, first)
    assert states() == {"done": 2}
    other = {**own.value, "preferred": max(own.shown_order)}
    newer = revise_judgement(judgement_id=own.pk, user=ann, value=other).judgement
    assert states() == {"done": 2, "open": 1}
    revise_judgement(judgement_id=newer.pk, user=ann, value=own.value)
    assert states() == {"done": 2, "void": 1}
    assert Task.objects.get().overlap == 2


def test_who_holds_the_seat_keeps_it_when_the_others_agree_again(crew):
    project, [ann, bob, cid] = crew(1, 3, overlap=2, overlap_most=3)
    own = say(project, ann, first)
    say(project, bob, second)
    lease = lease_seat(project=project, user=cid)
    theirs = Judgement.objects.get(annotator=bob).value
    revise_judgement(judgement_id=own.pk, user=ann, value=theirs)
    assert states() == {"done": 2, "leased": 1}
    answer(lease, cid, first(lease))
    assert states() == {"done": 3}


def test_imported_labels_count_and_those_of_judges_do_not(crew, make_judge_label):
    project, [ann, _bob, _cid] = crew(2, 3, overlap=2, overlap_most=4)
    labelled, judged = Task.objects.order_by("pk")
    low = min(Seat.objects.filter(task=labelled).first().shown_order)
    for name in ("w1", "w2"):
        Judgement.objects.create(
            project=project,
            task=labelled,
            kind="pairwise",
            value={"verdict": "prefer", "preferred": low, "strength": 1},
            source="imported",
            imported_author=name,
        )
    make_judge_label(judged)
    assert list(OverlapDue.objects.values_list("task_id", flat=True)) == [labelled.pk] * 2
    assert fit_overlaps() == 1
    assert states(labelled) == {"open": 1, "void": 1}  # a third alike decides it
    say(project, ann, first)
    assert states(labelled) == {"done": 1, "void": 1}
    assert states(judged) == {"open": 2}
    assert not OverlapDue.objects.exists()


@pytest.fixture
def make_judge_label():
    from annotate.models import Judge

    def make(task) -> None:
        judge = Judge.objects.create(project=task.project, name="j", version=1, kind="length")
        Judgement.objects.create(
            project=task.project, task=task, kind="pairwise", value=TIE, source="judge", judge=judge
        )

    return make


def test_tasks_of_labels_alone_never_ask_people(crew):
    project, _ = crew(1, 1, overlap=2, overlap_most=4)
    Seat.objects.all().delete()
    Judgement.objects.create(
        project=project, task=Task.objects.get(), kind="pairwise", value=TIE, source="imported"
    )
    assert fit_due() == 1
    assert not Seat.objects.exists()


def test_what_a_killed_process_left_is_fitted_by_a_worker(crew, monkeypatch):
    project, [ann, _bob] = crew(1, 2, overlap=1, overlap_most=3)
    with monkeypatch.context() as patch:
        patch.setattr("annotate.services.work.judgements.fit_overlaps", lambda **_: 0)
        say(project, ann, first)
    assert states() == {"done": 1}
    assert (fit_due(), fit_due()) == (1, 0)
    assert states() == {"done": 1, "open": 1}


def test_settings_change_what_is_asked_of_all_tasks(crew):
    project, people = crew(3, 3, overlap=1)
    for user in people[:1]:
        for _ in range(2):
            say(project, user, first)
    owner = project.created_by
    update_project(project=project, actor=owner, overlap=2, overlap_most=3)
    assert fit_due() == 3
    assert states() == {"done": 2, "open": 4}
    update_project(project=project, actor=owner, overlap_threshold=0.7, overlap=1)
    fit_due()
    assert states() == {"done": 2, "open": 1, "void": 3}
    update_project(project=project, actor=owner, overlap_most=None, overlap=2)
    assert states() == {"done": 2, "open": 4}
    assert set(Task.objects.values_list("overlap", flat=True)) == {2}
    assert not OverlapDue.objects.exists()


def test_numbers_that_contradict_each_other_are_refused(crew):
    project, _ = crew(1, 1, overlap=3)
    for fields in ({"overlap_most": 2}, {"overlap_threshold": 1.0}, {"overlap_threshold": "x"}):
        with pytest.raises(InvalidValue):
            update_project(project=project, actor=project.created_by, **fields)


def test_a_skip_or_a_return_costs_no_seat(crew):
    project, [ann, bob, cid] = crew(1, 3, overlap=1, overlap_most=2)
    say(project, ann, first)
    lease = lease_seat(project=project, user=bob)
    skip_seat(seat_id=lease.seat_id, user=bob, reason="unclear")
    lease = lease_seat(project=project, user=cid)
    release_seat(seat_id=lease.seat_id, user=cid)
    assert states() == {"done": 1, "open": 1}
    say(project, cid, second)
    assert states() == {"done": 2}


def test_settings_and_figures_on_pages_and_over_rest(crew, client):
    project, [ann, _bob] = crew(1, 2, overlap=1, overlap_most=2)
    owner = project.created_by
    Membership.objects.get_or_create(project=project, user=owner, defaults={"role": "owner"})
    client.force_login(owner)
    page = client.get(reverse("settings", args=[project.pk]))
    assert 'name="overlap_most"' in page.content.decode()
    sent = {"overlap_most": 4, "overlap_threshold": 0.6}
    changed = client.patch(f"/api/v1/projects/{project.pk}/", sent, "application/json")
    assert {name: changed.json()[name] for name in sent} == sent
    say(project, ann, first)
    told = client.get(f"/api/v1/projects/{project.pk}/progress/").json()
    assert (told["labels_saved"], told["seats"]["done"]) == (3, 1)
    page = " ".join(client.get(reverse("overview", args=[project.pk])).content.decode().split())
    assert "labels saved against asking 4 people about each finished task" in page


@pytest.mark.django_db(transaction=True)
def test_thirty_two_people_at_once_never_exceed_the_cap_nor_fall_short(crew):
    """Each says what a hash of task and person says, so some tasks are clear and some are not."""
    project, people = crew(25, 32, overlap=2, overlap_most=5)

    def work(user: User) -> None:
        while lease := lease_seat(project=project, user=user):
            draw = random.Random(f"{lease.task_id % 1000}:{user.username}").random()
            ease = (lease.task_id % 5) / 5
            what = first(lease) if draw < 0.5 + ease / 2 else second(lease)
            submit_judgement(seat_id=lease.seat_id, user=user, value=what)

    while Seat.objects.filter(state="open").exists():  # some went home before others differed
        handout._searched_until.clear()
        run_all([lambda user=user: work(user) for user in people])
        fit_due()
    rule = Overlap(2, 5)
    assert set(states()) <= {"done", "void"}
    for task in Task.objects.all():
        labels = [
            value["preferred"]
            for value in Judgement.objects.filter(task=task).values_list("value", flat=True)
        ]
        assert rule.least <= len(labels) <= rule.most
        counts = [*sorted(Counter(labels).values(), reverse=True), 0]
        assert len(labels) == rule.most or counts[0] - counts[1] > rule.most - len(labels)
        assert Seat.objects.filter(task=task, state="done").count() == len(labels) == task.overlap
    assert overlaps.overlap_of(project) == rule
