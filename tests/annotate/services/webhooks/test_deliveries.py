"""Deliveries to a real server: at least once, later if need be, never lost."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from annotate.models import AuditEvent, Delivery, Webhook, WebhookEvent
from annotate.services.webhooks import deliveries, receivers
from annotate.services.webhooks.deliveries import deliver_due, remove_old, replay, send_test
from annotate.services.webhooks.events import announce
from annotate.webhooks.retrying import ATTEMPTS

pytestmark = pytest.mark.django_db
SNAPSHOT = "snapshot.finished"


@pytest.fixture
def webhook(make_project, receiver) -> Webhook:
    project = make_project()
    made, made_secret = receivers.create_webhook(
        project=project, url=receiver.url, events=[SNAPSHOT], actor=project.created_by
    )
    made.told_secret = made_secret
    return made


def happen(webhook: Webhook, key: object = 1) -> WebhookEvent | None:
    return announce(project_id=webhook.project_id, type=SNAPSHOT, key=key, data={"rows": 3})


def make_due() -> None:
    Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_an_event_arrives_signed_and_is_told_once(webhook, receiver):
    event = happen(webhook)
    assert happen(webhook) is None
    assert deliver_due(webhook_id=webhook.pk) == 1
    assert deliver_due(webhook_id=webhook.pk) == 0
    [message] = receiver.messages
    assert message.is_signed_with(webhook.told_secret)
    assert message.id == event.message_id
    assert message.said == {
        "id": event.message_id,
        "type": SNAPSHOT,
        "version": 1,
        "timestamp": event.created_at.isoformat(),
        "project": webhook.project_id,
        "data": {"rows": 3},
    }
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status, delivery.attempts) == ("taken", 204, 1)
    assert delivery.seconds > 0


def test_what_is_taken_back_is_told_to_nobody(webhook):
    with transaction.atomic():
        happen(webhook)
        transaction.set_rollback(True)
    assert not WebhookEvent.objects.exists()


def test_where_nobody_wants_to_know_it_costs_one_query(webhook, django_assert_num_queries):
    with django_assert_num_queries(1):
        announce(project_id=webhook.project_id, type="model.promoted", key=1, data={})
    assert not WebhookEvent.objects.exists()


def test_failures_come_back_later_with_the_same_id_and_end_as_dead(webhook, receiver):
    happen(webhook)
    receiver.script = lambda handler: handler.answer(500, b"<p>out of order</p>")
    waits = []
    for attempt in range(1, ATTEMPTS + 1):
        make_due()
        before = timezone.now()
        assert deliver_due(webhook_id=webhook.pk) == 1
        delivery = Delivery.objects.get()
        assert (delivery.attempts, delivery.status) == (attempt, 500)
        waits.append((delivery.due_at - before).total_seconds())
    assert delivery.state == "dead"
    assert delivery.excerpt == "<p>out of order</p>"
    assert delivery.told["values"] == {"status": 500}
    assert [10 * 4**n * 0.5 <= wait for n, wait in enumerate(waits[:6])] == [True] * 6
    make_due()
    assert deliver_due(webhook_id=webhook.pk) == 0
    assert len({message.id for message in receiver.messages}) == 1
    assert len({message.body for message in receiver.messages}) == 1


def test_dead_ones_are_replayed_one_or_all(webhook, receiver):
    events = [happen(webhook, key) for key in range(3)]
    Delivery.objects.update(state="dead", attempts=ATTEMPTS)
    first = Delivery.objects.get(event=events[0])
    actor = webhook.created_by
    assert replay(webhook=webhook, actor=actor, delivery_id=first.pk) == 1
    assert deliver_due(webhook_id=webhook.pk) == 1
    assert [message.id for message in receiver.messages] == [events[0].message_id]
    assert replay(webhook=webhook, actor=actor) == 2
    assert deliver_due(webhook_id=webhook.pk) == 2
    assert replay(webhook=webhook, actor=actor) == 0
    assert AuditEvent.objects.filter(action="webhook.replayed").count() == 2
    assert {one.message_id for one in events} == {message.id for message in receiver.messages}


def test_one_that_is_away_is_asked_once_a_round_one_that_refuses_for_each(webhook, receiver):
    for key in range(3):
        happen(webhook, key)
    receiver.script = lambda handler: handler.answer(503, Retry_After="4000")
    before = timezone.now()
    assert deliver_due(webhook_id=webhook.pk) == 1
    later = Delivery.objects.get(attempts=1)
    assert later.due_at >= before + timedelta(seconds=4000)
    receiver.script = lambda handler: handler.answer(422)
    assert deliver_due(webhook_id=webhook.pk) == 2
    assert set(Delivery.objects.values_list("state", flat=True)) == {"waiting"}


def test_a_round_ends_in_time(webhook):
    happen(webhook)
    assert deliver_due(webhook_id=webhook.pk, seconds=0) == 0


def test_one_that_was_taken_meanwhile_keeps_what_the_other_wrote(webhook, receiver):
    """A worker that slept for long comes back to a delivery that somebody else made."""
    happen(webhook)

    send = deliveries.send

    def meanwhile(*given, **named):
        answer = send(*given, **named)
        Delivery.objects.update(attempts=2, state="taken", status=200)
        return answer

    receiver.script = lambda handler: handler.answer(500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deliveries, "send", meanwhile)
        deliver_due(webhook_id=webhook.pk)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.status) == ("taken", 200)


def test_after_days_of_failure_it_is_switched_off_and_managers_are_told(
    webhook, receiver, settings, add_member, make_user
):
    settings.EMAIL_HOST = "mail.example.com"
    add_member(webhook.project, make_user("mia", email="mia@example.com"), "manager")
    add_member(webhook.project, make_user("ann", email="ann@example.com"), "annotator")
    receiver.script = lambda handler: handler.answer(500)
    happen(webhook)
    deliver_due(webhook_id=webhook.pk)
    webhook.refresh_from_db()
    assert webhook.is_on
    assert webhook.failing_since is not None
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=3, seconds=1))
    make_due()
    deliver_due(webhook_id=webhook.pk)
    webhook.refresh_from_db()
    assert not webhook.is_on
    assert "3 days" in AuditEvent.objects.get(action="webhook.switched_off").detail["why"]
    assert [message.to for message in mail.outbox] == [["mia@example.com"]]
    assert receiver.url in mail.outbox[0].body

    make_due()
    assert deliver_due(webhook_id=webhook.pk) == 0  # what waits, waits
    assert happen(webhook, 2) is None
    receivers.change_webhook(webhook=webhook, actor=webhook.created_by, is_on=True)
    receiver.script = lambda handler: handler.answer(200)
    assert deliver_due(webhook_id=webhook.pk) == 1
    webhook.refresh_from_db()
    assert (webhook.failing_since, webhook.told) == (None, None)


def test_one_that_is_taken_ends_the_count_of_days(webhook, receiver):
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=9))
    happen(webhook)
    deliver_due(webhook_id=webhook.pk)
    webhook.refresh_from_db()
    assert (webhook.is_on, webhook.failing_since) == (True, None)


def test_one_that_is_gone_is_switched_off_at_once(webhook, receiver):
    receiver.script = lambda handler: handler.answer(410)
    happen(webhook)
    happen(webhook, 2)
    assert deliver_due(webhook_id=webhook.pk) == 1
    webhook.refresh_from_db()
    assert (webhook.is_on, webhook.told["values"]) == (False, {"status": 410})


def test_a_test_goes_out_at_once_and_is_not_tried_again(webhook, receiver):
    receivers.change_webhook(webhook=webhook, actor=webhook.created_by, is_on=False)
    delivery = send_test(webhook=webhook)
    assert (delivery.state, delivery.status) == ("taken", 204)
    assert receiver.messages[0].said["type"] == "webhook.test"
    receiver.script = lambda handler: handler.answer(500)
    delivery = send_test(webhook=webhook)
    assert (delivery.state, delivery.status) == ("dead", 500)
    webhook.refresh_from_db()
    assert webhook.failing_since is None
    assert replay(webhook=webhook, actor=webhook.created_by) == 0


def test_workers_are_woken_for_those_who_are_to_be_told(webhook, monkeypatch):
    from celery import current_app

    sent = []
    monkeypatch.setattr(
        type(current_app._get_current_object()),
        "send_task",
        lambda app, name, given, **options: sent.append((name, given)),
    )
    assert deliveries.wake_due() == 0
    happen(webhook)
    happen(webhook, 2)
    assert deliveries.wake_due() == 1
    assert sent == [("annotate.tasks.deliver_webhook", [webhook.pk])]
    receivers.change_webhook(webhook=webhook, actor=webhook.created_by, is_on=False)
    assert deliveries.wake_due() == 0


def test_the_task_of_the_message_is_there():
    from annotate.tasks import deliver_webhook

    assert deliver_webhook.name == deliveries.WAKES


def test_old_events_go_but_for_those_that_wait(webhook):
    kept, waiting, _old = (happen(webhook, key) for key in range(3))
    Delivery.objects.exclude(event=waiting).update(state="taken")
    past = timezone.now() - timedelta(days=31)
    WebhookEvent.objects.exclude(pk=kept.pk).update(created_at=past)
    assert remove_old() == 1
    assert set(WebhookEvent.objects.all()) == {kept, waiting}
    Webhook.objects.update(is_on=False)
    assert remove_old() == 1
    assert set(Delivery.objects.values_list("event", flat=True)) == {kept.pk}


def test_a_test_is_one_attempt_and_never_another(webhook, receiver):
    assert send_test(webhook=webhook).attempts == 1
    receiver.script = lambda handler: handler.answer(500)
    failed = send_test(webhook=webhook)
    assert (failed.state, failed.attempts, failed.status) == ("dead", 1, 500)
    make_due()
    assert deliver_due(webhook_id=webhook.pk) == 0
    assert len(receiver.messages) == 2
