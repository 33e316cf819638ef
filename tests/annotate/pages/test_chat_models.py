"""The managers' page of chat models."""

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.translation import override

from annotate.chat.keys import VARIABLE, ChatKey
from annotate.models import ChatModel, ChatReply, ImportRun, JobState
from annotate.pages.chat_models import _why
from annotate.wording import Told
from tests.annotate.chat.running import run_alone
from tests.chat_server import KEY


@pytest.fixture
def page(client, make_chat):
    project = make_chat("echo", "bad_key")
    client.force_login(project.created_by)
    client.project = project
    client.address = reverse("chat_models", args=[project.pk])
    return client


def test_adding_one(page, chat_server, settings):
    settings.CHAT_KEYS = {"LOCAL": ChatKey(chat_server.base_url, KEY)}
    fields = {"name": "New", "base_url": chat_server.base_url, "model": "echo:3"}
    sent = {**fields, "key_name": "LOCAL", "parameters": '{"temperature": 0}'}
    answer = page.post(page.address, sent, follow=True)
    assert "New can be talked to now." in answer.content.decode()
    assert KEY not in answer.content.decode()
    made = ChatModel.objects.get(name="New")
    assert (made.key_name, made.parameters) == ("LOCAL", {"temperature": 0})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base_url": "http://10.0.0.1"}, "must begin with https"),
        ({"parameters": "{"}, "is not JSON"),
        ({"parameters": '{"stream": false}'}, "is set by this server"),
        ({"name": "The echo"}, "is taken"),
        ({"key_name": "NONE"}, "Select a valid choice"),
    ],
)
def test_what_is_refused_stays_in_the_form(page, chat_server, change, says):
    fields = {"name": "New", "base_url": chat_server.base_url, "model": "echo:3", **change}
    answer = page.post(page.address, fields)
    assert answer.status_code == 422
    text = answer.content.decode()
    assert says in text
    assert 'value="echo:3"' in text
    assert ChatModel.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_trying_and_retiring(page, chat_server, settings):
    settings.CHAT_KEYS = {"LOCAL": ChatKey(chat_server.base_url, KEY)}
    echo = ChatModel.objects.get(model="echo")
    bad = ChatModel.objects.create(
        project=page.project,
        name="Bad",
        base_url=chat_server.base_url,
        model="bad_key",
        key_name="LOCAL",
        created_by=page.project.created_by,
    )

    def after(name, model):
        def ask():
            answer = page.post(reverse(name, args=[model.pk]), follow=True)
            connection.close()
            return answer.content.decode()

        return run_alone(ask)

    assert "The echo says: **echo** heard: Say hello" in after("try_model", echo)
    refused = after("try_model", bad)
    assert "401" in refused
    assert KEY not in refused
    assert "drawn for no new conversation" in after("retire_chat_model", echo)
    echo.refresh_from_db()
    assert echo.retired_at


def test_annotators_have_no_such_page(client, make_chat):
    project = make_chat("echo")
    client.force_login(project.ada)
    address = reverse("chat_models", args=[project.pk])
    assert client.get(address).status_code == 403
    assert client.post(address, {}).status_code == 403
    echo = ChatModel.objects.get()
    assert client.post(reverse("try_model", args=[echo.pk])).status_code == 403
    assert client.post(reverse("retire_chat_model", args=[echo.pk])).status_code == 403


def test_too_few_are_told_before_anybody_writes(client, make_chat):
    project = make_chat("echo", models=2, turn="preference", final="preference")
    says, link = "asks for 2 models and has 1", reverse("chat_models", args=[project.pk])
    run = ImportRun.objects.create(
        project=project, file_name="a", stored_as="a", format="trl", state=JobState.DONE
    )
    for user, address, has_link in (
        (project.ada, reverse("work", args=[project.pk]), False),
        (project.created_by, reverse("import_run", args=[run.pk]), True),
    ):
        client.force_login(user)
        text = client.get(address).content.decode()
        assert says in text
        assert (link in text) == has_link
    project.memberships.filter(user=project.ada).update(role="manager")
    client.force_login(project.ada)
    assert link in client.get(reverse("work", args=[project.pk])).content.decode()
    ChatModel.objects.create(
        project=project, name="B", base_url="https://b.example", model="b", created_by=project.ada
    )
    assert "asks for" not in client.get(reverse("work", args=[project.pk])).content.decode()


def test_the_page_is_german_where_german_is_asked_for(page):
    text = page.get(page.address, headers={"Accept-Language": "de"}).content.decode()
    assert f"Aus {VARIABLE}… in der Umgebung des Servers" in text
    with override("en"):
        english = [str(failure.label) for failure in ChatReply.Failure]
    with override("de"):
        german = [str(failure.label) for failure in ChatReply.Failure]
    assert len(german) == 10
    assert not set(german) & set(english)
    assert "Die Antwort brach ab" in german


def test_why_a_reply_failed_is_told_in_german():
    told = Told("nothing for {seconds} s", seconds=20)
    kept = ChatReply(detail=told.message, told=told.as_dict())
    with override("de"):
        assert _why(kept) == "20 s lang nichts"
        assert _why(ChatReply(detail="429: slow down")) == "429: slow down"


PLACES = ("overview", "settings", "imports")


@pytest.mark.parametrize("place", PLACES)
def test_managers_are_told_where_they_look_that_models_are_missing(client, make_chat, place):
    project = make_chat("echo", models=4)
    client.force_login(project.created_by)
    said = "the project asks for 4 models and has 1."
    page = client.get(reverse(place, args=[project.pk])).text
    assert said in page
    assert page.count(reverse("chat_models", args=[project.pk])) == 2  # the tab, and the way out
    german = client.get(reverse(place, args=[project.pk]), headers={"Accept-Language": "de"}).text
    assert "Das Projekt verlangt 4 Modelle und hat 1." in german
    for model in ("cut", "slow", "late"):
        ChatModel.objects.create(
            project=project,
            name=model,
            base_url="https://b.example",
            model=model,
            created_by=project.created_by,
        )
    assert said not in client.get(reverse(place, args=[project.pk])).text


def test_reviewers_are_told_without_the_way_out(client, make_chat, make_user, add_member):
    project = make_chat("echo", models=2)
    grace = make_user("grace")
    add_member(project, grace, role="reviewer")
    client.force_login(grace)
    page = client.get(reverse("overview", args=[project.pk])).text
    assert "the project asks for 2 models and has 1." in page
    assert "Set up chat models" not in page


def test_annotators_see_that_no_conversation_can_begin(client, make_chat):
    project = make_chat("echo", models=2)
    client.force_login(project.ada)
    address = reverse("work", args=[project.pk])
    page = client.get(address).text
    assert "No conversation can begin yet" in page
    assert "asks for 2 models and has 1. Ask a manager to set up more." in page
    assert "data-composer" not in page
    assert "Set up chat models" not in page
    ChatModel.objects.create(
        project=project, name="B", base_url="https://b.example", model="b", created_by=project.ada
    )
    assert "data-composer" in client.get(address).text
