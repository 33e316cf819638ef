"""Talking through the pages: under the form that was shown, for the account that the page is of."""

import json

import pytest
from django.db import connection
from django.urls import reverse

from annotate.models import ChatReply, ChatSession, ChatTurn, Judgement
from annotate.services.conversations import chat_replies
from annotate.services.conversations.chat import begin_reply
from annotate.services.projects import update_project
from tests.annotate.chat.running import run_alone

JSON = {"Accept": "application/json"}
PREFER_B = {"preference": {"verdict": "prefer", "preferred": "B"}}
RATED = {"ratings": {"A": 2, "B": 4}}
RATES = {"models": 2, "turn": "rating", "final": "none"}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(client, make_chat):
    """Two models, every turn by preference, at version 1; `project.ada` is logged in."""
    project = make_chat("echo:1", "echo:2", final="none")
    update_project(project=project, actor=project.created_by, guidelines="Be fair.")
    project.refresh_from_db()
    client.force_login(project.ada)
    return project


def ask_anew(project, **settings) -> None:
    update_project(project=project, actor=project.created_by, kind_settings=settings)
    project.refresh_from_db()


def send(client, project, message, number, form, verdict=None, **headers):
    return client.post(
        reverse("send_message", args=[project.pk, project.seat]),
        {"message": message, "number": number, "form": form, "verdict": json.dumps(verdict)},
        headers={**JSON, **headers},
    )


def hear(project, number, *letters) -> None:
    """The replies of these models, read to their ends."""

    def run():
        for letter in letters:
            reply, messages = begin_reply(
                seat_id=project.seat, user=project.ada, number=number, letter=letter
            )
            for _bit in chat_replies.run_reply(reply=reply, messages=messages):
                pass
        connection.close()

    run_alone(run)


def submit(client, project, form, **fields):
    session = ChatSession.objects.get(task__project=project).pk
    return client.post(
        reverse("submit_judgement", args=[project.pk, project.seat]),
        {"answer": session, "form": form, **fields},
        headers=JSON,
    )


def test_turns_are_judged_as_the_page_showed_them(client, project):
    """A change of what is asked meets a conversation whose page is of the version before."""
    shown = project.form_version_id
    first = send(client, project, "Hello", 0, shown)
    assert 'name="answer.turns.0.verdict"' in first.json()["html"]
    hear(project, 0, "A", "B")
    ask_anew(project, **RATES)
    assert project.form_version_id != shown

    refused = send(client, project, "And then?", 1, project.form_version_id, PREFER_B)
    assert (refused.status_code, refused.json()["field"]) == (400, "verdict.preference")
    second = send(client, project, "And then?", 1, shown, PREFER_B)
    assert second.status_code == 200
    assert 'name="answer.turns.1.verdict"' in second.json()["html"]
    assert "answer.turns.1.ratings" not in second.json()["html"]
    hear(project, 1, "A", "B")
    fields = {f"answer.turns.{turn}.verdict": "prefer:B" for turn in (0, 1)}
    assert submit(client, project, shown, **fields).status_code == 200
    judgement = Judgement.objects.get()
    assert judgement.form_version_id == shown
    assert judgement.value["turns"] == {"0": PREFER_B, "1": PREFER_B}


def test_a_page_that_was_loaded_anew_asks_what_is_asked_now(client, project):
    send(client, project, "Hello", 0, project.form_version_id)
    hear(project, 0, "A", "B")
    ask_anew(project, **RATES)
    page = client.get(reverse("work", args=[project.pk])).content.decode()
    assert 'name="answer.turns.0.ratings.A"' in page
    assert 'name="answer.turns.0.verdict"' not in page
    turn = send(client, project, "And then?", 1, project.form_version_id, RATED)
    assert 'name="answer.turns.1.ratings.B"' in turn.json()["html"]
    assert ChatTurn.objects.get(number=1).follows == "B"


def test_a_conversation_keeps_its_models_and_its_turns(client, project):
    """Fewer are asked for by now than it has: it can be judged all the same."""
    send(client, project, "Hello", 0, project.form_version_id)
    hear(project, 0, "A", "B")
    send(client, project, "And then?", 1, project.form_version_id, PREFER_B)
    hear(project, 1, "A", "B")
    ask_anew(project, models=1, turn="rating", final="none", max_turns=1)
    now = project.form_version_id
    full = send(client, project, "One more", 2, now, RATED)
    assert full.json() == {
        "detail": "goes beyond the 1 turns that there may be",
        "field": "number",
    }
    rated = {f"answer.turns.{turn}.ratings.{one}": "3" for turn in (0, 1) for one in "AB"}
    assert submit(client, project, now, **rated).status_code == 200
    assert Judgement.objects.get().value["turns"]["1"] == {"ratings": {"A": 3, "B": 3}}


def test_a_form_that_is_none_of_the_project(client, project, make_chat):
    assert send(client, project, "Hello", 0, "17x").status_code == 404
    refused = send(client, project, "Hello", 0, project.form_version_id + 1000)
    assert (refused.status_code, refused.json()["field"]) == (400, "form")
    assert not ChatTurn.objects.exists()
    assert send(client, project, "Hello", 0, "").status_code == 200


def test_nothing_is_said_for_another_account(client, project, make_user, add_member):
    grace = make_user("grace")
    add_member(project, grace)
    of_grace = {"X-Tandem-Account": str(grace.pk)}
    shown = project.form_version_id
    refused = send(client, project, "Hello", 0, shown, **of_grace)
    assert (refused.status_code, refused.json()["field"]) == (403, "account")
    assert not ChatSession.objects.exists()
    assert send(client, project, "Hello", 0, shown, **{"X-Tandem-Account": str(project.ada.pk)})
    for name in ("chat_reply", "stop_reply"):
        url = reverse(name, args=[project.pk, project.seat, 0, "A"])
        assert client.post(url, headers={**JSON, **of_grace}).status_code == 403
    assert ChatTurn.objects.count() == 1
    assert not ChatReply.objects.exists()
