"""Writing down what is to be told, in the transaction in which it happened."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from annotate.models import Delivery, EventType, Webhook, WebhookEvent

VERSION = 1


def announce(
    *, project_id: int, type: EventType, key: object, data: Mapping[str, Any]
) -> WebhookEvent | None:
    """Tell those webhooks of the project that want to know; None where there is none.

    Call it in the transaction of the deed: both are there, or neither. What has the same `key` is
    told once. `data` names people by pseudonyms only. One query where nobody wants to know.
    """
    listening = Webhook.objects.filter(project=project_id, is_on=True, events__contains=[type])
    webhooks = list(listening.order_by("pk"))
    if not webhooks:
        return None
    with transaction.atomic():
        made = _event(project_id, type, str(key), data)
        event, is_new = WebhookEvent.objects.get_or_create(
            project_id=project_id,
            type=type,
            key=made.key,
            defaults={"uid": made.uid, "body": made.body, "created_at": made.created_at},
        )
        if not is_new:
            return None
        Delivery.objects.bulk_create(
            Delivery(webhook=one, event=event, due_at=event.created_at) for one in webhooks
        )
    return event


def announce_to(*, webhook: Webhook, type: EventType, key: object) -> Delivery:
    """An event for one receiver alone, switched on or not."""
    with transaction.atomic():
        event = _event(webhook.project_id, type, str(key), {"webhook": webhook.pk})
        event.save()
        return Delivery.objects.create(webhook=webhook, event=event, due_at=event.created_at)


def _event(project_id: int, type: str, key: str, data: Mapping[str, Any]) -> WebhookEvent:
    event = WebhookEvent(project_id=project_id, type=type, key=key, created_at=timezone.now())
    event.body = body_of(event.message_id, type, event.created_at, project_id, data)
    return event


def body_of(
    message_id: str, type: str, at: datetime, project_id: int, data: Mapping[str, Any]
) -> str:
    """What is sent: see docs/webhooks.md."""
    return json.dumps(
        {
            "id": message_id,
            "type": str(type),
            "version": VERSION,
            "timestamp": at.isoformat(),
            "project": project_id,
            "data": data,
        },
        ensure_ascii=False,
    )
