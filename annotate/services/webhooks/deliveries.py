"""Bringing events to their receivers: at least once, whatever is killed in between.

A delivery is taken by one UPDATE that also sets when it may be taken anew; so one whose worker dies
is due again by itself, and its receiver, which may have got it, knows it by its id. How an attempt
ended is written by whoever made it, unless somebody else has taken the delivery since.
"""

import logging
import random
import time
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from annotate.models import Delivery, User, Webhook, WebhookEvent
from annotate.models.webhook import EventType
from annotate.services import audit
from annotate.services.people.rates import count_try
from annotate.services.webhooks.events import announce_to
from annotate.services.webhooks.notices import tell_managers
from annotate.services.webhooks.receivers import switch_off
from annotate.statements import fetch_one
from annotate.webhooks.retrying import ATTEMPTS, wait_after
from annotate.webhooks.sending import PATIENCE, Answer, send
from annotate.webhooks.signing import signed_headers
from annotate.wording import Told

TAKEN_FOR = timedelta(seconds=PATIENCE * 6)  # longer than any attempt
A_ROUND = 30.0  # seconds that one task spends on one receiver
LONGEST_FAILURE = timedelta(days=3)
KEPT_FOR = timedelta(days=30)
REMOVED_AT_ONCE = 5_000
TESTS = 10  # of a project's webhooks together, within so many seconds
TESTS_WITHIN = 60
WAKES = "annotate.tasks.deliver_webhook"

State = Delivery.State
logger = logging.getLogger(__name__)

TAKE = """
UPDATE annotate_delivery SET attempts = attempts + 1, tried_at = %(now)s, due_at = %(again)s
WHERE id = (
    SELECT d.id FROM annotate_delivery d
    WHERE d.webhook_id = %(webhook)s AND d.state = 'waiting' AND d.due_at <= %(now)s
      AND EXISTS (SELECT FROM annotate_webhook w WHERE w.id = d.webhook_id AND w.is_on)
    ORDER BY d.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id
"""


def wake_due() -> int:
    """Send a message for every receiver for whom something is due; returns how many. For beat.

    A broker that cannot be reached is no error: the next sweep sends them again.
    """
    due = Delivery.objects.filter(
        state=State.WAITING, due_at__lte=timezone.now(), webhook__is_on=True
    )
    ids = sorted(due.order_by().values_list("webhook_id", flat=True).distinct())
    try:
        for pk in ids:
            current_app.send_task(WAKES, [pk], queue="default", retry=False, expires=60)
    except (OSError, OperationalError) as error:
        logger.warning("Broker unreachable, webhooks wait: %s", error)
    return len(ids)


def deliver_due(*, webhook_id: int, seconds: float = A_ROUND) -> int:
    """Bring the receiver what is due, the longest due first; returns how many attempts were made.

    Ends after `seconds`, and at once when the receiver is away, so that one that hangs does not
    hold up the others. Two at the same time take different deliveries.
    """
    until = time.monotonic() + seconds
    made = 0
    while time.monotonic() < until:
        now = timezone.now()
        row = fetch_one(TAKE, {"now": now, "again": now + TAKEN_FOR, "webhook": webhook_id})
        if row is None:
            break
        made += 1
        answer = _attempt(_loaded(row[0]))
        if answer.is_away or answer.is_gone:
            break
    return made


def send_test(*, webhook: Webhook) -> Delivery:
    """A test event, right now; the delivery tells how it went. Call it outside of transactions.

    Raises TooManyTries: whoever may set an address must not have the server press upon it.
    """
    count_try("webhook tests", webhook.project_id, most=TESTS, seconds=TESTS_WITHIN)
    now = timezone.now()
    delivery = announce_to(webhook=webhook, type=EventType.TEST, key=now.isoformat())
    Delivery.objects.filter(pk=delivery.pk).update(attempts=1, tried_at=now, due_at=now + TAKEN_FOR)
    delivery = _loaded(delivery.pk)
    _attempt(delivery)
    return _loaded(delivery.pk)


def _loaded(pk: int) -> Delivery:
    return Delivery.objects.select_related("event", "webhook").get(pk=pk)


def _attempt(delivery: Delivery) -> Answer:
    webhook, event = delivery.webhook, delivery.event
    now = timezone.now()
    body = event.body.encode()
    headers = signed_headers(webhook.secrets_at(now), event.message_id, int(now.timestamp()), body)
    answer = send(webhook.url, body, headers, private_hosts=settings.WEBHOOK_PRIVATE_HOSTS)
    _write_down(delivery, answer)
    if delivery.event.type != EventType.TEST:
        _look_at_receiver(webhook, answer)
    return answer


@transaction.atomic
def _write_down(delivery: Delivery, answer: Answer) -> None:
    """The attempt's end; nothing where somebody else has taken the delivery since."""
    now = timezone.now()
    fields: dict[str, object] = {"state": State.TAKEN}
    if not answer.is_taken:
        is_last = delivery.attempts >= ATTEMPTS or delivery.event.type == EventType.TEST
        fields["state"] = State.DEAD if is_last else State.WAITING
        seconds = wait_after(delivery.attempts, draw=random.random(), asked=answer.retry_after)
        fields["due_at"] = now + timedelta(seconds=seconds)
    Delivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=State.WAITING).update(
        status=answer.status,
        excerpt=answer.excerpt,
        seconds=answer.seconds,
        told=answer.why.as_dict() if answer.why else None,
        **fields,
    )


def _look_at_receiver(webhook: Webhook, answer: Answer) -> None:
    """Since when it fails; switched off once it wants no more, or failed for too long."""
    rows = Webhook.objects.filter(pk=webhook.pk)
    if answer.is_taken:
        rows.exclude(failing_since=None).update(failing_since=None)
        return
    now = timezone.now()
    rows.filter(failing_since=None).update(failing_since=now)
    since = rows.values_list("failing_since", flat=True).first() or now
    why = None
    if answer.is_gone:
        why = answer.why
    elif now - since >= LONGEST_FAILURE:
        why = Told(
            "nothing was taken for {days} days; the latest: {why}",
            days=LONGEST_FAILURE.days,
            why=answer.why,
        )
    if why is not None:
        switch_off(webhook=webhook, why=why)
        tell_managers(webhook=webhook, why=why)


@transaction.atomic
def replay(
    *,
    webhook: Webhook,
    actor: User,
    delivery_id: int | None = None,
    address: str | None = None,
) -> int:
    """Bring one delivery again, whatever became of it, or all that were given up; returns how many.

    The ids stay, so a receiver that got them knows them.
    """
    rows = webhook.deliveries.all()
    rows = rows.filter(state=State.DEAD) if delivery_id is None else rows.filter(pk=delivery_id)
    rows = rows.exclude(event__type=EventType.TEST)
    count = rows.update(state=State.WAITING, attempts=0, due_at=timezone.now(), told=None)
    if count:
        audit.record(
            action="webhook.replayed",
            target=webhook,
            actor=actor,
            project=webhook.project,
            address=address,
            rows=count,
        )
    return count


def remove_old() -> int:
    """Forget events that are older than KEPT_FOR, with their deliveries, but for those that still
    wait for a receiver that is on; returns how many. For beat.
    """
    old = WebhookEvent.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    waits = Delivery.objects.filter(state=State.WAITING, webhook__is_on=True)
    going = old.exclude(pk__in=waits.values("event")).order_by("created_at")
    ids = list(going.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    WebhookEvent.objects.filter(pk__in=ids).delete()
    return len(ids)
