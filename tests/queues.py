"""Queues of a test's own at the real broker: those of the product hold other tests' messages."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from celery import current_app


@contextmanager
def own_queue() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with current_app.connection_for_write() as connection:
        connection.default_channel.queue_purge(name)
