"""The managers' page of chat models."""

import pytest
from django.db import connection
from django.urls import reverse

from annotate.chat.keys import ChatKey
from annotate.models import ChatModel
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
