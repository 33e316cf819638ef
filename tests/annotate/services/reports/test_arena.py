"""The arena: conversations without end, names after the vote, votes into the online order."""

import numpy as np
import pytest
from django.db import connection
from django.urls import reverse

from annotate.inputs import InvalidValue
from annotate.kinds import chat as chat_kind
from annotate.models import ChatModel, ChatSession, ComparisonPlan, Judgement, Seat, Task
from annotate.services.conversations.chat import begin_reply, send_message
from annotate.services.conversations.chat_replies import run_reply
from annotate.services.projects import update_project
from annotate.services.reports.arena import next_seat
from annotate.services.reports.comparison_plans import set_plan
from annotate.services.reports.comparisons import advance
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.seats import SeatGone, skip_seat
from tests.annotate.chat.running import run_alone

ARENA = {"turn": "none", "final": "preference", "arena": True}


def hear(user, seat: int, *letters: str) -> None:
    def run() -> None:
        for letter in letters:
            reply, sent = begin_reply(seat_id=seat, user=user, number=0, letter=letter)
            for _bit in run_reply(reply=reply, messages=sent):
                pass
        connection.close()

    run_alone(run)


def vote(project, user, seat: int, best: str) -> Judgement:
    """For the model of that name, after one message."""
    send_message(seat_id=seat, user=user, number=0, message="Hello")
    session = ChatSession.objects.get(task=Seat.objects.get(pk=seat).task_id, annotator=user)
    names = dict(ChatModel.objects.values_list("pk", "name"))
    letters = chat_kind.LETTERS[: len(session.model_ids)]
    hear(user, seat, *letters)
    there = {names[pk]: letter for letter, pk in zip(letters, session.model_ids, strict=True)}
    said = {"verdict": "prefer", "preferred": there[best]} if best in there else {"verdict": "tie"}
    value = {"session": session.pk, "final": {"preference": said}}
    return submit_judgement(seat_id=seat, user=user, value=value).judgement


@pytest.mark.django_db(transaction=True)
def test_six_models_reply_and_there_is_always_a_next_conversation(make_chat, client):
    project = make_chat(*(f"echo:{n}" for n in range(6)), **ARENA)
    ada = project.ada
    first = vote(project, ada, project.seat, "The echo:3")
    for number in range(2):
        lease = next_seat(project_id=project.pk, user=ada)
        assert lease.prompt["conversation"] == []
        vote(project, ada, lease.seat_id, f"The echo:{number}")
    assert Task.objects.count() == 3
    with pytest.raises(SeatGone, match="who the models are"):
        revise_judgement(judgement_id=first.pk, user=ada, value=first.value)
    client.force_login(ada)
    assert client.get(reverse("undo", args=[project.pk])).url == reverse("work", args=[project.pk])


@pytest.mark.django_db(transaction=True)
def test_the_page_tells_who_they_were_after_the_vote_and_not_before(make_chat, client):
    project = make_chat("echo:1", "echo:2", **ARENA)
    client.force_login(project.ada)
    url = reverse("work", args=[project.pk])
    send_message(seat_id=project.seat, user=project.ada, number=0, message="Hello")
    page = client.get(url).content.decode()
    assert "The echo" not in page
    hear(project.ada, project.seat, "A", "B")
    session = ChatSession.objects.get()
    sent = {"answer": session.pk, "answer.final.verdict": "prefer:A"}
    done = client.post(
        reverse("submit_judgement", args=[project.pk, project.seat]),
        sent,
        headers={"Accept": "application/json"},
    ).json()
    names = [ChatModel.objects.get(pk=pk).name for pk in session.model_ids]
    assert done["message"] == f"You talked with A: {names[0]}, B: {names[1]}."
    assert "The echo" not in done["next"]
    assert client.get(f"/api/v1/projects/{project.pk}/next/").status_code == 200


@pytest.mark.django_db
def test_nobody_makes_more_conversations_than_they_hold(make_chat):
    project = make_chat("echo:1", "echo:2", **ARENA)
    ada, held = project.ada, project.seat
    ahead = next_seat(project_id=project.pk, user=ada, beside=held)
    assert ahead.seat_id != held
    assert next_seat(project_id=project.pk, user=ada, beside=held).seat_id == ahead.seat_id
    assert Task.objects.count() == 2
    skip_seat(seat_id=held, user=ada, reason="other")
    skip_seat(seat_id=ahead.seat_id, user=ada, reason="other")
    assert next_seat(project_id=project.pk, user=ada).seat_id not in (held, ahead.seat_id)
    update_project(project=project, actor=project.created_by, state="paused")
    Seat.objects.filter(annotator=ada).update(state="open", annotator=None, leased_until=None)
    assert next_seat(project_id=project.pk, user=ada) is None
    assert Task.objects.count() == 3


@pytest.mark.django_db
def test_other_projects_and_other_chats_end(make_chat, make_project, add_member):
    talk = make_chat("echo:1", "echo:2")
    project = make_project()
    add_member(project, talk.ada)
    assert next_seat(project_id=project.pk, user=talk.ada) is None
    assert next_seat(project_id=talk.pk, user=talk.ada, beside=talk.seat) is None
    assert Task.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_votes_make_the_order_and_the_plan_says_who_replies_next(make_chat):
    project = make_chat("echo:1", "echo:2", "echo:3", "echo:4", **{**ARENA, "models": 3})
    ada = project.ada
    set_plan(project=project, actor=project.created_by, fields={"is_on": True, "ahead": 5})
    advance(project_id=project.pk, rng=np.random.default_rng(0))
    plan = ComparisonPlan.objects.get()
    assert [len(group) for group in plan.groups] == [3] * 5
    seat = project.seat
    for _ in range(4):
        vote(project, ada, seat, "The echo:2")
        seat = next_seat(project_id=project.pk, user=ada).seat_id
        advance(project_id=project.pk, rng=np.random.default_rng(0))
    plan.refresh_from_db()
    assert plan.votes == 4
    assert plan.standings[0]["model"] == "The echo:2"
    names = dict(ChatModel.objects.values_list("pk", "name"))
    met = [frozenset(names[pk] for pk in one.model_ids) for one in ChatSession.objects.all()]
    assert all(len(group) == 3 for group in met)
    ChatModel.objects.create(
        project=project, name="new", base_url="http://x", model="m", created_by=project.created_by
    )
    advance(project_id=project.pk, rng=np.random.default_rng(0))
    plan.refresh_from_db()
    assert "new" in plan.groups[0]
    assert not Seat.objects.filter(state="open").exists()


def test_an_arena_compares():
    with pytest.raises(InvalidValue, match="arena"):
        chat_kind.clean_settings({"models": 1, "turn": "none", "final": "rating", "arena": True})
    with pytest.raises(InvalidValue):
        chat_kind.clean_settings({"models": 7})
    assert chat_kind.clean_settings({"models": 6}).models == 6


@pytest.mark.django_db(transaction=True)
def test_what_has_no_end_is_told_by_its_votes(make_chat, client):
    project = make_chat("echo:0", "echo:1", **ARENA)
    vote(project, project.ada, project.seat, "The echo:0")
    next_seat(project_id=project.pk, user=project.ada)
    client.force_login(project.ada)
    home, work = (
        client.get(at).content.decode() for at in ("/", reverse("work", args=[project.pk]))
    )
    assert "1 vote so far" in home
    assert "The project has 1 vote so far" in work
    client.force_login(project.created_by)
    overview = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert "vote so far; an arena has no end" in overview
    for page in (home, work, overview):
        assert "50 %" not in page
        assert "<progress" not in page


@pytest.mark.django_db
def test_an_arena_begins_without_a_task(make_project, make_user, add_member, client):
    project = make_project(kind="chat", kind_settings={"models": 2, **ARENA}, overlap=1)
    ada = make_user("ada")
    add_member(project, ada)
    client.force_login(ada)
    home = client.get("/").content.decode()
    assert "Start annotating" in home
    assert "No tasks yet" not in home
    client.force_login(project.created_by)
    overview = client.get(reverse("overview", args=[project.pk])).content.decode()
    assert "No vote so far" in overview
    assert "Import a file" not in overview
