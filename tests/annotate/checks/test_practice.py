"""Training and the qualification quiz: pages, REST, tries, and what two browsers do at once."""

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from annotate.handout import lease_seat
from annotate.kinds import InvalidValue
from annotate.models import (
    AuditEvent,
    GoldItem,
    Judgement,
    PracticeAnswer,
    PracticeRun,
    Seat,
    Task,
)
from annotate.services.people.own_data import stream_own_data
from annotate.services.people.standing import ask_again, let_in, set_rules
from annotate.services.work.gold import retire_gold, set_gold
from annotate.services.work.practice import answer_item, begin_run, next_item, practice_of
from tests.annotate.api.conftest import Caller

pytestmark = pytest.mark.django_db
TIE, BAD = {"verdict": "tie"}, {"verdict": "both_bad"}


def prefer_first(task) -> dict:
    return {"verdict": "prefer", "preferred": min(task.responses.values_list("pk", flat=True)),
            "strength": 1}  # fmt: skip


def go_through(project, user, wrong: int = 0) -> PracticeRun:
    """Begin and answer everything, the first `wrong` items wrongly."""
    run = begin_run(project=project, user=user)
    while (task := next_item(run)) is not None:
        value = prefer_first(task) if wrong > 0 else TIE
        wrong -= 1
        answer_item(run_id=run.pk, task_id=task.pk, user=user, value=value)
    run.refresh_from_db()
    return run


def test_nobody_gets_a_real_task_before_the_quiz_is_passed(shop, client):
    project, [ann], _items = shop(3, gold=4, use="quiz", quiz_pass_percent=75)
    assert lease_seat(project=project, user=ann) is None
    client.force_login(ann)
    work = client.get(reverse("work", args=[project.pk]))
    assert work["Location"] == reverse("practice", args=[project.pk])
    intro = client.get(work["Location"]).content.decode()
    assert "75 % right are needed" in intro
    run = go_through(project, ann, wrong=2)
    assert (run.right, run.passed) == (2, False)
    assert lease_seat(project=project, user=ann) is None
    run = go_through(project, ann, wrong=1)
    assert (run.right, run.passed) == (3, True)
    assert lease_seat(project=project, user=ann) is not None
    tries = AuditEvent.objects.filter(action="quiz.ended").order_by("pk")
    assert [event.detail["passed"] for event in tries] == [False, True]
    kept = json.loads("".join(stream_own_data(ann)))["practice"]
    assert [one["stage"] for one in kept] == ["quiz"] * 8
    # A quiz leaves neither labels nor seats behind.
    assert not Judgement.objects.exists()
    assert not Seat.objects.exclude(task__gold_item=None).exclude(state="void").exists()


def test_the_quiz_on_the_pages_tells_how_many_were_right_not_which(shop, client):
    project, [ann], _items = shop(1, gold=2, use="quiz", quiz_pass_percent=100)
    client.force_login(ann)
    page = reverse("practice", args=[project.pk])
    shown = client.post(reverse("begin_practice", args=[project.pk]), follow=True)
    run = PracticeRun.objects.get()
    for _ in range(2):
        task = next_item(run)
        place = reverse("answer_practice", args=[run.pk, task.pk])
        assert f'action="{place}"' in shown.content.decode()
        assert client.post(place, {"rationale": "x"}).status_code == 422
        shown = client.post(place, {"answer": "both_bad", "rationale": ""}, follow=True)
    assert "You passed the quiz" in shown.content.decode()  # a tie is a tie
    assert client.get(page)["Location"] == reverse("work", args=[project.pk])
    assert PracticeAnswer.objects.count() == 2


def test_tries_and_the_wait_between_them(shop, client):
    rules = {"quiz_pass_percent": 100, "quiz_tries": 2, "quiz_wait_minutes": 30}
    project, [ann], _items = shop(1, gold=2, use="quiz", **rules)
    go_through(project, ann, wrong=1)
    now = practice_of(project=project, user=ann)
    assert (now.tries_left, now.may_begin) == (1, False)
    assert now.wait_until > timezone.now() + timedelta(minutes=29)
    assert begin_run(project=project, user=ann) is None
    client.force_login(ann)
    assert (
        "You may try again" in client.get(reverse("practice", args=[project.pk])).content.decode()
    )
    past = timezone.now() - timedelta(minutes=31)
    PracticeRun.objects.update(ended_at=past)
    go_through(project, ann, wrong=1)
    PracticeRun.objects.update(ended_at=past)
    now = practice_of(project=project, user=ann)
    assert (now.tries_left, now.wait_until, now.may_begin) == (0, None, False)
    told = client.get(reverse("practice", args=[project.pk])).content.decode()
    assert "You have no try left" in told
    ask_again(membership=ann.memberships.get(), actor=project.created_by)
    assert practice_of(project=project, user=ann).tries_left == 2
    assert go_through(project, ann).passed


def test_training_tells_at_once_what_is_right_and_why(shop, client):
    project, [ann], [item] = shop(1, gold=1, use="training", training=True)
    GoldItem.objects.update(explanation="Because **both** say so.")
    client.force_login(ann)
    begun = client.post(reverse("begin_practice", args=[project.pk]), follow=True)
    badge = '<span class="badge bar-heading" aria-hidden="true">Training: 1 of 1</span>'
    assert badge in begun.content.decode()
    run = PracticeRun.objects.get()
    value = prefer_first(item.task)
    place = reverse("answer_practice", args=[run.pk, item.task_id])
    told = client.post(place, {"answer": f"prefer:{value['preferred']}:1"}, follow=True)
    text = told.content.decode()
    assert "Not quite" in text
    assert "Because <strong>both</strong> say so." in text
    assert told.context["known"] == ["Tie"]
    assert len(told.context["yours"]) == 1
    assert client.get(reverse("practice", args=[project.pk])).status_code == 302
    assert lease_seat(project=project, user=ann).task_id != item.task_id


def test_training_comes_before_the_quiz(shop):
    project, [ann], _items = shop(1, gold=2, use="quiz", quiz_pass_percent=50)
    task = Task.objects.filter(gold_item=None).first()
    set_gold(task=task, actor=project.created_by, value=TIE, use="training")
    set_rules(project=project, actor=project.created_by, training=True)
    assert practice_of(project=project, user=ann).stage == "training"
    assert go_through(project, ann, wrong=1).stage == "training"
    assert practice_of(project=project, user=ann).stage == "quiz"
    go_through(project, ann)
    assert practice_of(project=project, user=ann).stage is None


def test_who_worked_before_counts_as_qualified_and_so_does_who_is_let_in(shop, answer):
    project, [ann, ben], _items = shop(6, gold=1, people=2, use="quiz")
    answer(lease_seat(project=project, user=ann), ann)
    set_rules(project=project, actor=project.created_by, quiz_pass_percent=100)
    assert lease_seat(project=project, user=ann) is not None
    assert lease_seat(project=project, user=ben) is None
    let_in(membership=ben.memberships.get(), actor=project.created_by)
    assert lease_seat(project=project, user=ben) is not None


def test_items_that_are_used_no_more_are_not_asked(shop):
    project, [ann], items = shop(1, gold=2, use="quiz", quiz_pass_percent=100)
    run = begin_run(project=project, user=ann)
    GoldItem.objects.filter(pk=items[0].pk).update(retired_at=timezone.now())
    answer_item(run_id=run.pk, task_id=items[1].task_id, user=ann, value=TIE)
    run.refresh_from_db()
    assert (run.right, run.passed) == (1, True)


def test_answers_are_checked_and_only_ones_own_run_takes_them(shop, client):
    project, [ann, ben], items = shop(1, gold=2, people=2, use="quiz", quiz_pass_percent=100)
    run = begin_run(project=project, user=ann)
    task = next_item(run)
    with pytest.raises(InvalidValue):
        answer_item(run_id=run.pk, task_id=task.pk, user=ann, value={"verdict": "no"})
    client.force_login(ben)
    place = reverse("answer_practice", args=[run.pk, task.pk])
    assert client.post(place, {"answer": "tie"}).status_code == 404
    other = next(item.task_id for item in items if item.task_id != task.pk)
    caller = Caller(ann, ["annotate"])
    body = {"run": run.pk, "task": other, "value": TIE}
    answers = f"projects/{project.pk}/practice/answers/"
    assert caller.post(answers, body).status_code == 404
    first = caller.post(answers, {**body, "task": task.pk})
    again = caller.post(answers, {**body, "task": task.pk, "value": prefer_first(task)})
    assert first.json() == again.json()
    assert PracticeAnswer.objects.count() == 1


def test_rest_goes_through_training_and_quiz(shop, refused):
    project, [ann], _items = shop(2, gold=2, use="quiz", quiz_pass_percent=100)
    caller, root = Caller(ann, ["annotate", "read"]), f"projects/{project.pk}"
    refused(caller.get(f"{root}/next/"), 403, says="quiz first")
    now = caller.get(f"{root}/practice/").json()
    assert (now["stage"], now["items"], now["item"]) == ("quiz", 2, None)
    item = caller.post(f"{root}/practice/").json()["item"]
    while item is not None:
        assert {"prompt", "responses", "form"} <= item.keys()
        assert "gold" not in item
        body = {"run": item["run"], "task": item["task"], "value": TIE}
        told = caller.post(f"{root}/practice/answers/", body).json()
        assert (told["right"], told["known"]) == (None, None)
        item = caller.get(f"{root}/practice/").json()["item"]
    assert (told["ended"]["right"], told["ended"]["passed"]) == (2, True)
    refused(caller.post(f"{root}/practice/"), 409)
    assert caller.get(f"{root}/next/").status_code == 200
    manager = Caller(project.created_by, ["read", "manage"])
    [row] = manager.get(f"{root}/practice/results/").json()["results"]
    assert (row["tries"], row["last"]["right"], row["last"]["of"]) == (1, 2, 2)
    member = f"{root}/members/{row['member']}/qualification/"
    assert manager.delete(member).json()["qualified_at"] is None
    assert manager.put(member, {}).json()["qualified_at"] is not None
    assert Caller(ann, ["read"]).get(f"{root}/practice/results/").status_code == 403


def test_the_managers_page_shows_and_sets(shop, client):
    project, [ann], _items = shop(1, gold=2, use="quiz")
    client.force_login(project.created_by)
    rules = {"quiz_pass_percent": "50", "quiz_tries": "3", "quiz_wait_minutes": "0"}
    page = reverse("set_practice_rules", args=[project.pk])
    assert client.post(page, {**rules, "training": "on"}).status_code == 422
    assert client.post(page, rules).status_code == 302
    go_through(project, ann)
    shown = client.get(reverse("qualification", args=[project.pk]))
    [row] = shown.context["people"]
    assert (row.tries, row.last.right, row.last_of) == (1, 2, 2)
    client.post(reverse("ask_again", args=[row.membership.pk]))
    assert lease_seat(project=project, user=ann) is None
    client.post(reverse("let_in", args=[row.membership.pk]))
    assert lease_seat(project=project, user=ann) is not None


@pytest.mark.django_db(transaction=True)
def test_two_browsers_begin_one_try_and_answer_once(shop):
    project, [ann], _items = shop(1, gold=3, use="quiz", quiz_pass_percent=100, quiz_tries=1)
    start, runs = threading.Barrier(2), []

    def browse() -> None:
        try:
            start.wait(timeout=60)
            run = begin_run(project=project, user=ann)
            runs.append(run.pk)
            for pk in run.task_ids:
                answer_item(run_id=run.pk, task_id=pk, user=ann, value=TIE)
        finally:
            connection.close()

    threads = [threading.Thread(target=browse) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=300)
    assert len(set(runs)) == PracticeRun.objects.count() == 1
    assert PracticeAnswer.objects.count() == 3
    assert PracticeRun.objects.get().passed


def test_a_run_whose_items_went_goes_on_with_those_there_are_or_ends(shop, make_pair_tasks):
    project, [ann], items = shop(1, gold=3, use="quiz", quiz_pass_percent=50)
    run = begin_run(project=project, user=ann)
    first = next_item(run)
    answer_item(run_id=run.pk, task_id=first.pk, user=ann, value=TIE)
    for item in items:
        if item.task_id != first.pk:
            retire_gold(item=item, actor=project.created_by)
    [task] = make_pair_tasks(project, 1)
    new = set_gold(task=task, actor=project.created_by, value=TIE, use="quiz")
    assert begin_run(project=project, user=ann) == run
    run.refresh_from_db()
    assert next_item(run) == task
    retire_gold(item=new, actor=project.created_by)
    begin_run(project=project, user=ann)
    run.refresh_from_db()
    assert (run.right, run.passed) == (1, True)
    assert lease_seat(project=project, user=ann) is not None
