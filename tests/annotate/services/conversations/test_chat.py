"""A conversation's course, against a real server: who hears what, what is kept, what is refused."""

import json
import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.http import Http404
from django.urls import reverse
from django.utils import timezone, translation

from annotate.chat.reading import Patience
from annotate.inputs import InvalidValue
from annotate.models import ChatModel, ChatReply, ChatSession, ChatTurn, Judgement
from annotate.services.conversations import chat_replies
from annotate.services.conversations.chat import (
    NotSetUp,
    TooManyReplies,
    begin_reply,
    send_message,
    stop_reply,
)
from annotate.services.outgoing.exports import stream_export
from annotate.services.work.judgements import revise_judgement, submit_judgement
from annotate.services.work.seats import SeatGone
from annotate.wording import Told
from tests.annotate.chat.running import run_alone
from tests.waiting import PATIENCE, wait_until

OTHER_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend'
"""
PREFER_B = {"preference": {"verdict": "prefer", "preferred": "B"}}


def send(project, number, message, verdict=None):
    return send_message(
        seat_id=project.seat, user=project.ada, number=number, message=message, verdict=verdict
    )


def hear(project, number, letter, **options) -> ChatReply:
    """One attempt, from begin to end, as a request does it."""

    def run():
        reply, messages = begin_reply(
            seat_id=project.seat, user=project.ada, number=number, letter=letter
        )
        for _bit in chat_replies.run_reply(reply=reply, messages=messages, **options):
            pass
        connection.close()
        return reply

    return run_alone(run)


def letter_of(project, model: str) -> str:
    [session] = ChatSession.objects.filter(project=project)
    pk = ChatModel.objects.get(project=project, model=model).pk
    return "ABCD"[session.model_ids.index(pk)]


@pytest.mark.django_db(transaction=True)
def test_a_conversation_from_the_first_message_to_the_export(make_chat, chat_server):
    project = make_chat("echo:1", "echo:2")
    send(project, 0, "Hello")
    for letter in "AB":
        reply = hear(project, 0, letter)
        assert (reply.state, reply.attempt, reply.failure) == ("done", 1, "")
        assert reply.text == f"**{reply.model.model}** heard: Hello"
        assert (reply.prompt_tokens, reply.completion_tokens) == (9, 3)
        assert reply.finish_reason == "stop"
        assert 0 <= reply.first_text_ms < 10_000
    turn = send(project, 1, "And then?", PREFER_B)
    assert (turn.follows, turn.verdict) == ("B", PREFER_B)
    chosen = ChatReply.objects.get(turn__number=0, letter="B").text
    for letter in "AB":
        hear(project, 1, letter)
    told = [request["messages"] for request in chat_server.requests[2:]]
    assert (
        told
        == [
            [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": chosen},
                {"role": "user", "content": "And then?"},
            ]
        ]
        * 2
    )

    [session] = ChatSession.objects.all()
    value = {"session": session.pk, "turns": {"0": PREFER_B}, "final": PREFER_B}
    with pytest.raises(InvalidValue, match=r"value\.turns\.1"):
        submit_judgement(seat_id=project.seat, user=project.ada, value=value)
    with pytest.raises(InvalidValue, match=r"value\.session"):
        submit_judgement(
            seat_id=project.seat, user=project.ada, value={**value, "session": session.pk + 1}
        )
    value["turns"]["1"] = {"preference": {"verdict": "tie"}}
    done = submit_judgement(seat_id=project.seat, user=project.ada, value=value)
    assert done.judgement.value == {**value, "points": 5}
    with pytest.raises(SeatGone):
        send(project, 2, "One more", {"preference": {"verdict": "tie"}})
    value["turns"]["1"] = PREFER_B
    revise_judgement(judgement_id=done.judgement.pk, user=project.ada, value=value)

    [row] = map(json.loads, b"".join(stream_export(project=project, format="raw")).splitlines())
    talk = row["chat"]
    assert row["value"]["turns"]["1"] == PREFER_B
    assert {m["model"] for m in talk["models"].values()} == {"echo:1", "echo:2"}
    assert [turn["message"] for turn in talk["turns"]] == ["Hello", "And then?"]
    assert [turn["follows"] for turn in talk["turns"]] == [None, "B"]
    for letter, said in zip("AB", talk["turns"][0]["replies"], strict=True):
        assert said["letter"] == letter
        assert said["text"].startswith(f"**{talk['models'][letter]['model']}**")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("model", "failure", "text"),
    [
        ("rate_limited", "rate_limited", ""),
        ("server_error", "server_error", ""),
        ("cut", "broken_off", "It begins well "),
        ("malformed", "malformed", "Well, "),
        ("empty", "empty", ""),
        ("silent", "timed_out", ""),
        ("halting", "timed_out", "First half, "),
    ],
)
def test_a_failure_is_kept_and_may_be_tried_again(
    make_chat, chat_server, client, model, failure, text
):
    project = make_chat(model)
    send(project, 0, "Hello")
    hurried = Patience(first=0.5, silence=0.5, total=2)
    first = hear(project, 0, "A", patience=hurried)
    assert (first.state, first.failure, first.text) == ("failed", failure, text)
    assert first.retry_after == (7 if model == "rate_limited" else None)
    assert first.detail
    assert first.told is None or Told.from_dict(first.told).message == first.detail
    # Two of these bring the server's own words, which nobody translates.
    assert (first.told is None) == (model in ("rate_limited", "server_error"))
    if model == "empty":
        client.force_login(project.created_by)
        address = reverse("chat_models", args=[project.pk])
        page = client.get(address, headers={"Accept-Language": "de"}).text
        translation.activate("en")
        assert "kein Text; finish_reason" in page
    chat_server.scripts[model] = chat_server.scripts["echo"]
    second = hear(project, 0, "A")
    assert (second.state, second.attempt) == ("done", 2)
    with pytest.raises(SeatGone, match="already"):
        hear(project, 0, "A")


@pytest.mark.django_db(transaction=True)
def test_stopping_keeps_what_came(make_chat, chat_server):
    project = make_chat("endless")
    send(project, 0, "Hello")
    ended = []
    thread = threading.Thread(target=lambda: ended.append(hear(project, 0, "A")))
    thread.start()
    wait_until(ChatReply.objects.filter(text__contains="on and on").exists)
    with pytest.raises(InvalidValue, match="too early"):
        send(project, 1, "Wait", {"ratings": {"A": 1}})
    session = ChatSession.objects.get()
    verdict = {"session": session.pk, "turns": {}, "final": {"ratings": {"overall": {"A": 1}}}}
    with pytest.raises(InvalidValue, match="turn 1 still has a reply coming") as refused:
        submit_judgement(seat_id=project.seat, user=project.ada, value=verdict)
    assert refused.value.field == "value.turns.0"
    stop_reply(seat_id=project.seat, user=project.ada, number=0, letter="A")
    thread.join(PATIENCE)
    [reply] = ended
    assert (reply.state, reply.stands) == ("stopped", True)
    assert reply.text.startswith("on and on and ")
    assert chat_server.hung_up.wait(PATIENCE)
    assert send(project, 1, "Enough", {"ratings": {"A": 1}}).follows == "A"


@pytest.mark.django_db(transaction=True)
def test_no_connection_is_held_while_a_model_speaks(make_chat, chat_server):
    project = make_chat("halting")
    send(project, 0, "Hello")
    thread = threading.Thread(target=lambda: hear(project, 0, "A"))
    thread.start()
    wait_until(ChatReply.objects.filter(text="First half, ").exists)
    for _ in range(2):  # before it saves what came, and after
        beat = ChatReply.objects.get().heartbeat_at
        wait_until(lambda: other_connections() == 0, "no connection is held")
        wait_until(ChatReply.objects.exclude(heartbeat_at=beat).exists, "saved again")
    chat_server.go.set()
    thread.join(PATIENCE)
    assert ChatReply.objects.get().text == "First half, second half."


def other_connections() -> int:
    with connection.cursor() as cursor:
        cursor.execute(OTHER_CONNECTIONS)
        return cursor.fetchone()[0]


@pytest.mark.django_db(transaction=True)
def test_a_reply_whose_process_died_has_failed(make_chat):
    project = make_chat("echo")
    send(project, 0, "Hello")
    reply, _ = begin_reply(seat_id=project.seat, user=project.ada, number=0, letter="A")
    with pytest.raises(SeatGone):
        begin_reply(seat_id=project.seat, user=project.ada, number=0, letter="A")
    long_ago = timezone.now() - timezone.timedelta(minutes=1)
    ChatReply.objects.filter(pk=reply.pk).update(started_at=long_ago, heartbeat_at=long_ago)
    assert hear(project, 0, "A").attempt == 2
    reply.refresh_from_db()
    assert (reply.state, reply.failure) == ("failed", "interrupted")


@pytest.mark.django_db(transaction=True)
def test_limits(make_chat, monkeypatch):
    project = make_chat("echo", max_turns=1, turn="rating")
    for wrong in ("", "  \n", "x" * 8001, "nul\0"):
        with pytest.raises(InvalidValue, match="message"):
            send(project, 0, wrong)
    with pytest.raises(InvalidValue, match="number"):
        send(project, 1, "Hello")
    turn = send(project, 0, "Hello")
    assert send(project, 0, "Hello") == turn
    with pytest.raises(InvalidValue, match="number"):
        send(project, 0, "Something else")
    with pytest.raises(InvalidValue, match="beyond the 1 turn"):
        send(project, 1, "More", {"ratings": {"A": 1}})
    with pytest.raises(Http404):
        begin_reply(seat_id=project.seat, user=project.ada, number=0, letter="B")
    monkeypatch.setattr("annotate.services.conversations.chat.MAX_RUNNING", 1)
    reply, _ = begin_reply(seat_id=project.seat, user=project.ada, number=0, letter="A")
    ChatReply.objects.filter(pk=reply.pk).update(
        state="failed", failure="empty", finished_at=timezone.now()
    )
    monkeypatch.setattr(chat_replies, "_lines", threading.BoundedSemaphore(1))
    with chat_replies._lines:
        assert hear(project, 0, "A").failure == "busy"
    monkeypatch.setattr("annotate.services.conversations.chat.MAX_ATTEMPTS", 2)
    with pytest.raises(TooManyReplies):
        hear(project, 0, "A")


@pytest.mark.django_db(transaction=True)
def test_a_verdict_is_asked_for_before_the_next_turn(make_chat):
    project = make_chat("echo:1", "echo:2", turn="both")
    send(project, 0, "Hello")
    for letter in "AB":
        hear(project, 0, letter)
    rated = {"preference": {"verdict": "tie"}, "ratings": {"A": 2, "B": 4}}
    for wrong, field in [
        (None, "verdict.preference"),
        ({"preference": {"verdict": "tie"}}, "verdict.ratings"),
        ({**rated, "ratings": {"A": 2, "B": 6}}, "verdict.ratings.B"),
        ({**rated, "preference": {"verdict": "prefer", "preferred": "C"}}, "verdict.preference"),
    ]:
        with pytest.raises(InvalidValue) as caught:
            send(project, 1, "More", wrong)
        assert caught.value.field.startswith(field)
    assert send(project, 1, "More", rated).follows == "B"


@pytest.mark.django_db(transaction=True)
def test_a_project_without_enough_models(make_chat):
    project = make_chat("echo", models=2, turn="preference", final="preference")
    with pytest.raises(NotSetUp, match="asks for 2 models and has 1"):
        send(project, 0, "Hello")
    assert not ChatSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_strangers_and_those_without_the_seat(make_chat, make_user, add_member):
    project = make_chat("echo")
    stranger, member = make_user("eve"), make_user("bob")
    add_member(project, member)
    for user, refusal in ((stranger, Http404), (member, SeatGone)):
        with pytest.raises(refusal):
            send_message(seat_id=project.seat, user=user, number=0, message="Hello")


@pytest.mark.django_db
def test_what_was_said_stays(make_chat):
    project = make_chat("echo")
    turn = send(project, 0, "Hello")
    reply, _ = begin_reply(seat_id=project.seat, user=project.ada, number=0, letter="A")
    now = timezone.now()
    ChatReply.objects.filter(pk=reply.pk).update(state="done", text="Hi", finished_at=now)
    changes = [
        lambda: ChatTurn.objects.filter(pk=turn.pk).update(message="Bye"),
        lambda: ChatReply.objects.filter(pk=reply.pk).update(text="Ho"),
        lambda: ChatReply.objects.filter(pk=reply.pk).delete(),
        lambda: ChatSession.objects.update(model_ids=[1]),
        lambda: ChatModel.objects.update(base_url="https://elsewhere.example"),
    ]
    for change in changes:
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
    ChatModel.objects.update(retired_at=now)
    assert not Judgement.objects.exists()
