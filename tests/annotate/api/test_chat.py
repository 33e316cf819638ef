"""Setting up models through the API: what is kept, what is refused, who may."""

import json

import pytest
from django.db import connection

from annotate.chat.keys import ChatKey
from annotate.models import AuditEvent, ChatModel
from tests.annotate.chat.running import run_alone

GOOD = {"name": "Large", "base_url": "https://api.example.com/v1/", "model": "large-2"}


@pytest.fixture
def owner(caller, make_project):
    owner = caller("olga")
    owner.project = make_project(owner.user, kind="chat")
    owner.path = f"projects/{owner.project.pk}/chat/models/"
    return owner


def test_adding_listing_retiring(owner, settings):
    settings.CHAT_KEYS = {"BIG": ChatKey("https://api.example.com", "sk-secret")}
    sent = {**GOOD, "key_name": "BIG", "parameters": {"temperature": 0.5, "max_tokens": 300}}
    answer = owner.post(owner.path, sent)
    assert answer.status_code == 201, answer.content
    body = json.loads(answer.content)
    assert body.items() >= {**sent, "base_url": "https://api.example.com/v1"}.items()
    assert body["retired_at"] is None
    retired = owner.post(f"{owner.path}{body['id']}/retire/")
    assert json.loads(retired.content)["retired_at"]
    assert owner.post(owner.path, GOOD).status_code == 201  # the name is free again
    listed = owner.get(owner.path)
    assert [one["name"] for one in json.loads(listed.content)["results"]] == ["Large", "Large"]
    assert "sk-secret" not in listed.content.decode()
    assert "sk-secret" not in json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"model": 3}, "model"),
        ({"base_url": "http://169.254.169.254/"}, "base_url"),
        ({"base_url": "https://127.0.0.2/"}, "base_url"),
        ({"key_name": "SECRET_KEY"}, "key_name"),
        ({"key_name": "OTHER"}, "key_name"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"messages": []}}, "parameters.messages"),
        ({"parameters": {"note": "x" * 6000}}, "parameters"),
        ({"api_key": "sk-1"}, "api_key"),
    ],
)
def test_what_is_refused(owner, refused, settings, change, field):
    settings.CHAT_KEYS = {"OTHER": ChatKey("https://elsewhere.example", "sk")}
    refused(owner.post(owner.path, {**GOOD, **change}), 400, field)
    assert not ChatModel.objects.exists()


def test_two_of_one_name(owner, refused):
    assert owner.post(owner.path, GOOD).status_code == 201
    refused(owner.post(owner.path, GOOD), 400, "name", "taken")


def test_managers_only(owner, caller, add_member, refused):
    made = json.loads(owner.post(owner.path, GOOD).content)["id"]
    ada, eve = caller("ada"), caller("eve")
    add_member(owner.project, ada.user, "reviewer")
    for person, status in ((ada, 403), (eve, 404)):
        refused(person.get(owner.path), status)
        refused(person.post(owner.path, GOOD), status)
        refused(person.post(f"{owner.path}{made}/retire/"), status)


@pytest.mark.django_db(transaction=True)
def test_trying_a_model_tells_what_it_says_or_why_not(caller, make_chat, refused):
    project = make_chat("echo", "bad_key")
    owner = caller(project.created_by.username)

    def ask(who, model: str):
        def post():
            number = ChatModel.objects.get(model=model).pk
            answer = who.post(f"projects/{project.pk}/chat/models/{number}/try/")
            connection.close()
            return answer

        return run_alone(post)

    said = ask(owner, "echo")
    assert said.status_code == 200, said.content
    heard = "**echo** heard: Say hello in one short sentence."
    assert said.json() == {"said": heard, "failure": None, "detail": ""}
    why = ask(owner, "bad_key").json()
    assert (why["said"], why["failure"]) == (None, "refused")
    assert "401" in why["detail"]
    refused(ask(caller("eve"), "echo"), 404)
    refused(ask(caller("ada"), "echo"), 403)
