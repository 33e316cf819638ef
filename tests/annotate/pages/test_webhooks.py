"""The pages of webhooks."""

import re

import pytest
from django.urls import reverse

from annotate.models import Delivery, Webhook
from annotate.services.webhooks import deliveries
from annotate.services.webhooks.events import announce
from annotate.wording import Told

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, client):
    project = make_project()
    client.force_login(project.created_by)
    return project


@pytest.fixture
def webhook(project, client, receiver) -> Webhook:
    """Made on the page; its secret is shown there once."""
    given = {"url": receiver.url, "events": ["snapshot.finished", "model.promoted"]}
    answer = client.post(reverse("webhooks", args=[project.pk]), given)
    made = Webhook.objects.get()
    assert answer["Location"] == reverse("webhook", args=[made.pk])
    return made


def page(client, webhook, query: str = "") -> str:
    return client.get(reverse("webhook", args=[webhook.pk]) + query).content.decode()


def do(client, deed: str, webhook, **given) -> str:
    answer = client.post(reverse(deed, args=[webhook.pk]), given, follow=True)
    assert answer.redirect_chain
    return answer.content.decode()


def test_the_secret_is_shown_once_after_it_was_made(client, webhook):
    assert f'value="{webhook.secret}"' in page(client, webhook)
    assert webhook.secret not in page(client, webhook)
    assert re.search(r'value="whsec_[^"]+"', do(client, "rotate_webhook_secret", webhook))
    webhook.refresh_from_db()
    assert webhook.old_secret
    assert "End the old one now" in page(client, webhook)
    do(client, "end_old_webhook_secret", webhook)
    assert "End the old one now" not in page(client, webhook)


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(client, project, webhook):
    given = {"url": "http://example.com/hook", "events": ["task.done"]}
    for address in (
        reverse("webhooks", args=[project.pk]),
        reverse("webhook", args=[webhook.pk]),
    ):
        answer = client.post(address, given)
        assert answer.status_code == 422
        assert "must begin with https" in answer.context["form"].errors["url"][0]
        assert "http://example.com/hook" in answer.content.decode()
    assert Webhook.objects.count() == 1


def test_a_test_tells_what_came_of_it(client, webhook, receiver):
    assert "It was taken: status 204" in do(client, "test_webhook", webhook)
    receiver.script = lambda handler: handler.answer(302, b"<b>there</b>", Location="/x")
    said = do(client, "test_webhook", webhook)
    assert "It was not taken: it answers 302, a redirect" in said
    assert "&lt;b&gt;there&lt;/b&gt;" in said


def test_too_many_tests_are_refused_and_not_sent(client, webhook, receiver, monkeypatch):
    monkeypatch.setattr(deliveries, "TESTS", 1)
    assert "It was taken" in do(client, "test_webhook", webhook)
    assert "This was tried too often; wait 1 minute." in do(client, "test_webhook", webhook)
    assert len(receiver.messages) == 1
    assert Delivery.objects.count() == 1


def test_the_dead_are_listed_and_replayed(client, project, webhook):
    for key in range(3):
        announce(project_id=project.pk, type="snapshot.finished", key=key, data={})
    why = Told("it answers {status}", status=500).as_dict()
    Delivery.objects.update(state="dead", attempts=9, status=500, told=why)
    assert "Replay all 3 that were given up" in page(client, webhook)
    first = Delivery.objects.order_by("pk")[0]
    assert "1 delivery is on its way again" in do(
        client, "replay_deliveries", webhook, delivery=first.pk
    )
    assert len(re.findall("it answers 500", page(client, webhook, "?state=dead"))) == 2
    assert "2 deliveries are on" in do(client, "replay_deliveries", webhook)
    assert "None of these" in page(client, webhook, "?state=dead")
    assert "no such delivery" in do(client, "replay_deliveries", webhook, delivery="x")


def test_switched_off_by_the_server_it_tells_why_and_comes_on_again(client, project, webhook):
    why = Told("it answers {status}", status=410).as_dict()
    Webhook.objects.update(is_on=False, told=why)
    assert "Switched off by the server: it answers 410" in page(client, webhook)
    do(client, "switch_webhook", webhook, on="1")
    webhook.refresh_from_db()
    assert (webhook.is_on, webhook.told) == (True, None)
    do(client, "switch_webhook", webhook, on="0")
    listed = client.get(reverse("webhooks", args=[project.pk])).content.decode()
    assert webhook.url.split("?")[0] in listed
    assert "Off" in listed
    do(client, "delete_webhook", webhook)
    assert not Webhook.objects.exists()


def test_a_page_of_deliveries_costs_the_same_for_many(
    client, project, webhook, django_assert_max_num_queries
):
    for key in range(60):
        announce(project_id=project.pk, type="snapshot.finished", key=key, data={})
    page(client, webhook)
    with django_assert_max_num_queries(8):
        shown = page(client, webhook)
    assert "Older" in shown


def test_only_managers_come_in(client, project, webhook, make_user, add_member):
    ann = make_user("ann")
    client.force_login(ann)
    assert client.get(reverse("webhook", args=[webhook.pk])).status_code == 404
    add_member(project, ann, "reviewer")
    assert client.get(reverse("webhooks", args=[project.pk])).status_code == 403
    for deed in ("test_webhook", "switch_webhook", "rotate_webhook_secret", "delete_webhook"):
        assert client.post(reverse(deed, args=[webhook.pk])).status_code == 403
        assert client.get(reverse(deed, args=[webhook.pk])).status_code in (403, 405)
