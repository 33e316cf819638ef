"""Setting webhooks up: where to, for what, with which secret; switched on and off."""

from collections.abc import Collection
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from annotate.chat.addresses import clean_url
from annotate.inputs import Checks, InvalidValue, clean_boolean, clean_text
from annotate.models import EventType, Project, User, Webhook
from annotate.models.webhook import SUBSCRIBED
from annotate.services import audit
from annotate.webhooks.sending import SETTING
from annotate.webhooks.signing import new_secret
from annotate.wording import Told

MOST = 20  # of a project
BOTH_FOR = timedelta(days=1)  # the old secret and the new one
OF_ANSWERS = (EventType.JUDGEMENT, EventType.TASK)


@transaction.atomic
def create_webhook(
    *, project: Project, url: object, events: object, actor: User, address: str | None = None
) -> tuple[Webhook, str]:
    """A receiver and its secret, which is shown this once. Raises InvalidValue."""
    check = Checks()
    clean = {"url": check.of(_clean_url, url), "events": check.of(_clean_events, events)}
    check.end()
    if Project.objects.select_for_update(no_key=True).get(pk=project.pk).webhooks.count() >= MOST:
        raise InvalidValue("url", "there are {most} webhooks already, the most", most=MOST)
    secret = new_secret()
    webhook = Webhook.objects.create(project=project, created_by=actor, secret=secret, **clean)
    _tell_answers(project)
    audit.record(
        action="webhook.created",
        target=webhook,
        actor=actor,
        project=project,
        address=address,
        **_kept(webhook),
    )
    return webhook, secret


@transaction.atomic
def change_webhook(
    *, webhook: Webhook, actor: User, address: str | None = None, **fields: object
) -> Webhook:
    """Other `url`, `events` or `is_on`. Switched on again it is told what waits for it.

    Raises InvalidValue.
    """
    webhook = _locked(webhook)
    before = _kept(webhook)
    clean = {"url": _clean_url, "events": _clean_events, "is_on": _clean_is_on}
    check = Checks()
    for name, value in fields.items():
        setattr(webhook, name, check.of(clean[name], value))
    check.end()
    after = _kept(webhook)
    if after == before:
        return webhook
    if webhook.is_on and not before["is_on"]:
        webhook.told, webhook.failing_since = None, None
    webhook.save(update_fields=["url", "events", "is_on", "told", "failing_since"])
    _tell_answers(webhook.project)
    changed = [name for name in after if after[name] != before[name]]
    audit.record(
        action="webhook.changed",
        target=webhook,
        actor=actor,
        project=webhook.project,
        address=address,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return webhook


@transaction.atomic
def switch_off(*, webhook: Webhook, why: Told) -> None:
    """By the server itself: what waits for it waits until somebody switches it on."""
    webhook = _locked(webhook)
    if not webhook.is_on:
        return
    webhook.is_on, webhook.told = False, why.as_dict()
    webhook.save(update_fields=["is_on", "told"])
    _tell_answers(webhook.project)
    audit.record(
        action="webhook.switched_off",
        target=webhook,
        actor=None,
        project=webhook.project,
        url=webhook.url,
        why=why.message,
    )


@transaction.atomic
def rotate_secret(
    *, webhook: Webhook, actor: User, address: str | None = None
) -> tuple[Webhook, str]:
    """Another secret, shown this once; for a day deliveries are signed with the old one too."""
    webhook = _locked(webhook)
    webhook.old_secret, webhook.secret = webhook.secret, new_secret()
    webhook.old_secret_until = timezone.now() + BOTH_FOR
    webhook.save(update_fields=["secret", "old_secret", "old_secret_until"])
    _record(webhook, "webhook.secret_changed", actor, address)
    return webhook, webhook.secret


@transaction.atomic
def end_old_secret(*, webhook: Webhook, actor: User, address: str | None = None) -> Webhook:
    """Sign with the new one alone from now on. Without effect where there is one only."""
    webhook = _locked(webhook)
    if webhook.old_secret:
        webhook.old_secret, webhook.old_secret_until = "", None
        webhook.save(update_fields=["old_secret", "old_secret_until"])
        _record(webhook, "webhook.old_secret_ended", actor, address)
    return webhook


@transaction.atomic
def delete_webhook(*, webhook: Webhook, actor: User, address: str | None = None) -> None:
    """With its deliveries, also those that wait."""
    _record(webhook, "webhook.deleted", actor, address)
    project = webhook.project
    webhook.delete()
    _tell_answers(project)


def _record(webhook: Webhook, action: str, actor: User, address: str | None) -> None:
    audit.record(
        action=action,
        target=webhook,
        actor=actor,
        project=webhook.project,
        address=address,
        url=webhook.url,
    )


def _locked(webhook: Webhook) -> Webhook:
    rows = Webhook.objects.select_for_update(of=["self"]).select_related("project")
    return rows.get(pk=webhook.pk)


def _kept(webhook: Webhook) -> dict[str, object]:
    """What the audit trail tells of it: no secret."""
    return {"url": webhook.url, "events": list(webhook.events), "is_on": webhook.is_on}


def _tell_answers(project: Project) -> None:
    """Have judgements written down for a worker where a webhook wants to know, and only there.

    Locks the project before it looks: else one that is switched off would not see one that is
    being made, and silence it.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    on = Webhook.objects.filter(project=project, is_on=True)
    wanted = on.filter(events__overlap=[str(one) for one in OF_ANSWERS]).exists()
    Project.objects.filter(pk=project.pk).exclude(tells_answers=wanted).update(tells_answers=wanted)


def _clean_url(value: object) -> str:
    text = clean_text("url", value, max_chars=500, required=True, lines=False).strip()
    clean_url("url", text, private_hosts=settings.WEBHOOK_PRIVATE_HOSTS, setting=SETTING)
    return text


def _clean_events(value: object) -> list[str]:
    known: Collection[str] = SUBSCRIBED
    if not isinstance(value, list) or not value or any(one not in known for one in value):
        raise InvalidValue("events", "must be one or more of: {known}", known=", ".join(known))
    return [one for one in known if one in value]


def _clean_is_on(value: object) -> bool:
    return clean_boolean("is_on", value)
