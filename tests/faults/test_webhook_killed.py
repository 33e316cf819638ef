"""A worker is killed between sending a delivery and writing that down: it is sent again, once."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from annotate.models import Delivery
from annotate.services.webhooks.deliveries import deliver_due
from annotate.services.webhooks.events import announce
from annotate.services.webhooks.receivers import create_webhook
from tests.faults.processes import wait_until
from tests.faults.training_worker import database_url
from tests.waiting import PATIENCE

pytestmark = pytest.mark.django_db(transaction=True)

WORK = """
import sys, django
django.setup()
from annotate.tasks import deliver_webhook
deliver_webhook(int(sys.argv[1]))
"""


def test_nothing_is_lost_and_the_id_stays(make_project, receiver) -> None:
    project = make_project()
    webhook, _ = create_webhook(
        project=project,
        url=receiver.url,
        events=["snapshot.finished"],
        actor=project.created_by,
    )
    event = announce(project_id=project.pk, type="snapshot.finished", key=1, data={})
    receiver.script = lambda handler: handler.server.ending.wait(PATIENCE)
    process = subprocess.Popen(
        [sys.executable, "-c", WORK, str(webhook.pk)],
        cwd=settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
    )
    try:
        wait_until(lambda: receiver.messages, 60, "the first attempt")
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait(PATIENCE)
    assert deliver_due(webhook_id=webhook.pk) == 0  # the dead worker's, for a minute
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts, delivery.status) == ("waiting", 1, None)
    assert delivery.due_at < timezone.now() + timedelta(seconds=61)

    Delivery.objects.update(due_at=timezone.now())
    receiver.script = lambda handler: handler.answer(200)
    assert deliver_due(webhook_id=webhook.pk) == 1
    assert [message.id for message in receiver.messages] == [event.message_id] * 2
    assert receiver.messages[0].body == receiver.messages[1].body
    assert Delivery.objects.get().state == "taken"
