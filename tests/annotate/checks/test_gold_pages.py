"""Known answers by hand: on pages, from answers, over REST, and what exports make of them."""

import json

import pytest
from django.urls import reverse

from annotate.handout import lease_seat
from annotate.models import GoldCheck, GoldItem, Judgement, Membership, Task
from annotate.services.outgoing.exports import stream_export
from annotate.services.outgoing.selection import ExportFilters
from annotate.services.outgoing.snapshots import create_snapshot
from annotate.services.work.judgements import submit_judgement
from tests.annotate.api.conftest import Caller

pytestmark = pytest.mark.django_db


def tie(project, user):
    lease = lease_seat(project=project, user=user)
    return submit_judgement(seat_id=lease.seat_id, user=user, value={"verdict": "tie"}).judgement


def test_a_known_answer_is_set_on_the_work_page_and_changed_on_the_tasks(shop, client):
    project, _people, _items = shop(1)
    task = Task.objects.get()
    client.force_login(project.created_by)
    page = reverse("known_answer", args=[task.pk])
    shown = client.get(page)
    assert shown.status_code == 200
    assert f'action="{page}"' in shown.content.decode()
    _first, second = task.responses.order_by("pk")
    refused = client.post(page, {"rationale": "Because"})
    assert refused.status_code == 422
    done = client.post(page, {"answer": f"prefer:{second.pk}:1", "rationale": "Because"})
    assert done.status_code == 302, done.content
    item = GoldItem.objects.select_related("task").get()
    assert (item.task.gold["preferred"], item.explanation) == (second.pk, "Because")
    told = client.get(reverse("task", args=[task.pk])).content.decode()
    assert "Known answer" in told
    assert "Because" in told
    fields = {"gold-use": "quiz", "gold-tolerance": "0.5", "gold-explanation": "Sum"}
    client.post(reverse("change_gold", args=[task.pk]), fields)
    item.refresh_from_db()
    assert (item.use, item.tolerance, item.explanation) == ("quiz", 0.5, "Sum")
    client.post(reverse("retire_gold", args=[task.pk]), {"to_people": "1"})
    item.refresh_from_db()
    assert item.retired_at is not None
    assert lease_seat(project=project, user=_people[0]).task_id == task.pk


def test_what_everybody_agrees_on_is_proposed_and_taken(shop, client):
    project, users, _items = shop(3, people=3, overlap=3)
    said = {}
    for user in users:
        for _ in range(3):
            said.setdefault(tie(project, user).task_id, []).append(user)
    tasks = sorted(said)
    last = Judgement.objects.get(task=tasks[0], annotator=users[0])
    from annotate.services.work.judgements import revise_judgement

    value = {"verdict": "prefer", "preferred": last.shown_order[0], "strength": 1}
    revise_judgement(judgement_id=last.pk, user=users[0], value=value)
    client.force_login(project.created_by)
    page = client.get(reverse("gold", args=[project.pk]))
    assert {each["one"].task.pk for each in page.context["proposed"]} == set(tasks[1:])
    more = client.get(reverse("gold", args=[project.pk]), {"least": "4"})
    assert more.context["proposed"] == []
    # Whoever asked for too many people can ask for fewer.
    assert "No task has so many answers" in more.content.decode()
    assert 'name="least"' in more.content.decode()
    judgement = next(
        each["one"].judgement
        for each in page.context["proposed"]
        if each["one"].task.pk == tasks[1]
    )
    client.post(reverse("accept_gold", args=[judgement.pk]), {"from": "unanimous"})
    item = GoldItem.objects.select_related("task").get()
    assert (item.task_id, item.origin, item.task.gold) == (
        tasks[1],
        "unanimous",
        {"verdict": "tie"},
    )
    assert Judgement.objects.filter(task=tasks[1], is_gold=False).count() == 3


def test_people_are_shown_with_their_share_and_paused_by_the_page(shop, client, answer, is_gold):
    project, [ann], _items = shop(30, gold=6, gold_percent=50)
    for _ in range(12):
        lease = lease_seat(project=project, user=ann)
        answer(lease, ann)
    client.force_login(project.created_by)
    page = client.get(reverse("gold", args=[project.pk]))
    [row] = page.context["people"]
    assert (row.passed.right, row.passed.count) == (6, 6)
    low, high = row.passed.interval
    assert (round(low, 3), high) == (0.61, 1.0)  # Wilson, 6 of 6: 1 / (1 + 3.8415 / 6)
    member = Membership.objects.get(user=ann)
    client.post(reverse("pause_member", args=[member.pk]))
    assert "by a manager" in client.get(reverse("gold", args=[project.pk])).content.decode()
    assert lease_seat(project=project, user=ann) is None
    client.post(reverse("resume_member", args=[member.pk]))
    assert lease_seat(project=project, user=ann) is not None


def test_rules_are_set_on_the_page_with_an_audit(shop, client):
    project, _people, _items = shop(1)
    client.force_login(project.created_by)
    page = reverse("set_check_rules", args=[project.pk])
    fields = {"gold_percent": "10", "gold_floor": "80", "gold_floor_from": "5"}
    assert client.post(page, fields).status_code == 302
    project.refresh_from_db()
    assert project.work_rules.gold_floor == 80
    assert project.audit_events.filter(action="rules.changed").count() == 1
    assert client.post(page, {**fields, "gold_percent": "70"}).status_code == 422


@pytest.mark.parametrize("name", ["gold"])
def test_annotators_and_reviewers_see_nothing_of_it(shop, client, add_member, make_user, name):
    project, [ann], [item] = shop(1, gold=1)
    rev = make_user("rev")
    add_member(project, rev, role="reviewer")
    for user in (ann, rev):
        client.force_login(user)
        assert client.get(reverse(name, args=[project.pk])).status_code == 403
        assert client.get(reverse("known_answer", args=[item.task_id])).status_code == 403
        change = client.post(reverse("change_gold", args=[item.task_id]), {"gold-use": "quiz"})
        assert change.status_code == 403


def rows(project, gold: str | None = None) -> list[dict]:
    filters = ExportFilters(**({"gold": gold} if gold else {}))
    chunks = stream_export(project=project, format="raw", filters=filters)
    return [json.loads(line) for line in b"".join(chunks).splitlines()]


def test_exports_and_snapshots_take_hidden_items_only_if_asked(shop, answer, is_gold):
    project, [ann], _items = shop(30, gold=5, gold_percent=50)
    hidden = 0
    for _ in range(10):
        lease = lease_seat(project=project, user=ann)
        answer(lease, ann)
        hidden += is_gold(lease)
    assert hidden == 5
    assert len(rows(project)) == len(rows(project, "without")) == 5
    assert [row["gold"] for row in rows(project, "only")] == [True] * 5
    assert len(rows(project, "with")) == 10
    assert not any("gold" in row for row in rows(project))
    assert create_snapshot(project=project, actor=None, query={}).judgements.count() == 5
    both = create_snapshot(project=project, actor=None, query={"gold": "with"})
    assert both.judgements.count() == 10


def test_rest_sets_lists_changes_and_retires(shop, answer):
    project, [ann], _items = shop(6)
    caller = Caller(project.created_by, ["read", "manage"])
    task = Task.objects.order_by("pk").last()
    sent = {"value": {"verdict": "tie"}, "use": "attention", "explanation": "Both."}
    made = caller.send("PUT", f"tasks/{task.pk}/gold/", sent)
    assert (made.status_code, made.json()["origin"]) == (200, "hand")
    assert caller.patch(f"tasks/{task.pk}/gold/", {"tolerance": 0.5}).json()["tolerance"] == 0.5
    assert caller.patch(f"tasks/{task.pk}/gold/", {"tolerance": 2}).status_code == 400
    bad = caller.send("PUT", f"tasks/{task.pk}/gold/", {"value": {"verdict": "no"}})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (400, "value.verdict")
    rules = caller.patch(f"projects/{project.pk}/rules/", {"gold_percent": 50}).json()
    assert rules == caller.get(f"projects/{project.pk}/rules/").json()
    assert rules["gold_percent"] == 50
    for _ in range(2):
        answer(lease_seat(project=project, user=ann), ann)
    assert GoldCheck.objects.count() == 1
    [checked] = caller.get(f"projects/{project.pk}/checks/").json()["results"]
    assert (checked["right"], checked["answers"], checked["attention_right"]) == (1, 1, 1)
    [listed] = caller.get(f"projects/{project.pk}/gold/?use=attention").json()["results"]
    assert (listed["task"], listed["right"]) == (task.pk, 1)
    assert caller.get(f"projects/{project.pk}/gold/?use=quiz").json()["results"] == []
    assert caller.get(f"projects/{project.pk}/gold/proposals/").json() == {"results": []}
    member = ann.memberships.get()
    pause = f"projects/{project.pk}/members/{member.pk}/pause/"
    assert caller.post(pause).json()["paused_why"] == "manager"
    assert caller.delete(pause).json()["paused_at"] is None
    assert caller.delete(f"tasks/{task.pk}/gold/?to_people=1").status_code == 204
    assert GoldItem.objects.live().count() == 0
    assert Caller(ann, ["read"]).get(f"projects/{project.pk}/gold/").status_code == 403
