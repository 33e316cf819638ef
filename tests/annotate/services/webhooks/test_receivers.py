"""Setting webhooks up: addresses, events, secrets, on and off."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from annotate.inputs import InvalidValue
from annotate.models import AuditEvent, Webhook
from annotate.services.webhooks import receivers
from annotate.services.webhooks.deliveries import deliver_due
from annotate.services.webhooks.events import announce
from annotate.wording import Told

pytestmark = pytest.mark.django_db
EVENTS = ["snapshot.finished", "judgement.created"]


def make(project, url="https://example.com/hook?a=1", events=EVENTS) -> tuple[Webhook, str]:
    return receivers.create_webhook(
        project=project, url=url, events=events, actor=project.created_by
    )


def test_its_secret_is_told_once_and_kept_out_of_the_audit_trail(make_project):
    webhook, secret = make(make_project())
    assert secret.startswith("whsec_")
    assert webhook.events == ["judgement.created", "snapshot.finished"]
    receivers.rotate_secret(webhook=webhook, actor=webhook.created_by)
    receivers.delete_webhook(webhook=webhook, actor=webhook.created_by)
    deeds = AuditEvent.objects.filter(action__startswith="webhook.")
    assert [one.action for one in deeds.order_by("pk")] == [
        "webhook.created",
        "webhook.secret_changed",
        "webhook.deleted",
    ]
    assert "whsec_" not in str([one.detail for one in deeds])


@pytest.mark.parametrize(
    ("url", "events", "field", "says"),
    [
        ("http://example.com/", EVENTS, "url", "TANDEM_WEBHOOK_PRIVATE_HOSTS"),
        ("https://169.254.169.254/latest", EVENTS, "url", "private network"),
        ("https://me:pw@example.com/", EVENTS, "url", "password"),
        ("https://example.com/#part", EVENTS, "url", "#"),
        (7, EVENTS, "url", "text"),
        ("https://example.com/", [], "events", "one or more"),
        ("https://example.com/", ["webhook.test"], "events", "one or more"),
        ("https://example.com/", "judgement.created", "events", "one or more"),
        ("https://example.com/", [["judgement.created"]], "events", "one or more"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(make_project, url, events, field, says):
    with pytest.raises(InvalidValue, match=says) as refused:
        make(make_project(), url, events)
    assert refused.value.field == field
    assert not Webhook.objects.exists()


def test_a_project_has_so_many_at_most(make_project, monkeypatch):
    monkeypatch.setattr(receivers, "MOST", 2)
    project = make_project()
    make(project)
    make(project)
    with pytest.raises(InvalidValue, match="2 webhooks"):
        make(project)


def test_the_project_is_locked_before_its_receivers_are_looked_at(make_project):
    """Else one that is switched off does not see one that is being made, and silences it."""
    project = make_project()
    webhook, _ = make(project)
    with CaptureQueriesContext(connection) as queries:
        receivers.switch_off(webhook=webhook, why=Told("no more"))
    said = [one["sql"] for one in queries]
    locked = next(at for at, sql in enumerate(said) if "FOR NO KEY UPDATE" in sql)
    assert 'FROM "annotate_project"' in said[locked]
    assert locked < next(at for at, sql in enumerate(said) if '."events" &&' in sql)


def test_the_project_tells_answers_while_one_wants_to_know(make_project):
    project = make_project()

    def tells() -> bool:
        project.refresh_from_db()
        return project.tells_answers

    actor = project.created_by
    first, _ = make(project, events=["snapshot.finished"])
    assert not tells()
    second, _ = make(project, events=["task.done"])
    assert tells()
    receivers.change_webhook(webhook=second, actor=actor, is_on=False)
    assert not tells()
    receivers.change_webhook(webhook=first, actor=actor, events=["judgement.created"])
    assert tells()
    receivers.switch_off(webhook=first, why=Told("no more"))
    assert not tells()
    receivers.change_webhook(webhook=second, actor=actor, is_on=True)
    assert tells()
    receivers.delete_webhook(webhook=second, actor=actor)
    assert not tells()


def test_both_secrets_sign_until_the_old_one_ends(make_project, receiver):
    project = make_project()
    webhook, old = make(project, receiver.url)
    _, new = receivers.rotate_secret(webhook=webhook, actor=project.created_by)

    def signed() -> tuple[bool, bool]:
        announce(
            project_id=project.pk, type="snapshot.finished", key=len(receiver.messages), data={}
        )
        assert deliver_due(webhook_id=webhook.pk) == 1
        last = receiver.messages[-1]
        return last.is_signed_with(old), last.is_signed_with(new)

    assert new != old
    assert signed() == (True, True)
    past = timezone.now() - timedelta(seconds=1)
    Webhook.objects.update(old_secret_until=past)
    assert signed() == (False, True)
    Webhook.objects.update(old_secret_until=timezone.now() + timedelta(days=1))
    receivers.end_old_secret(webhook=webhook, actor=project.created_by)
    assert signed() == (False, True)
