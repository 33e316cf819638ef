"""Job rows and the messages that wake their workers."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from annotate.models import ImportRun
from annotate.services import jobs
from tests.queues import own_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(monkeypatch):
    """A queue of the test's own, under which imports go."""
    with own_queue() as name:
        monkeypatch.setattr(ImportRun, "queue", name)
        yield name


def queued(project, age: float = 60.0) -> ImportRun:
    run = ImportRun.objects.create(project=project, file_name="a", stored_as="a", format="trl")
    ImportRun.objects.filter(pk=run.pk).update(created_at=timezone.now() - timedelta(seconds=age))
    return run


def messages(queue: str) -> int:
    with current_app.connection_for_write() as connection:
        return connection.default_channel.queue_declare(queue, passive=True).message_count


def test_a_sweep_wakes_what_waits(make_project, queue) -> None:
    project = make_project()
    queued(project)
    queued(project, age=1)  # its own message is still under way
    assert jobs.requeue_due() == 1
    assert messages(queue) == 1


def test_messages_do_not_pile_up_while_no_worker_takes_them(make_project, queue) -> None:
    project = make_project()
    for _ in range(3):
        queued(project)
    for _ in range(12):
        jobs.requeue_due()
    assert messages(queue) == jobs.MOST_WAITING


def test_a_broker_that_is_away_is_no_error(make_project, monkeypatch) -> None:
    """As when Redis or RabbitMQ is restarted: the row is there, the sweep sends the message."""
    run = queued(make_project())
    with current_app.connection_for_write("amqp://127.0.0.1:1//") as away:
        assert away.transport_options["max_retries"] == 1  # nobody waits for their page meanwhile

        def send_task(*args: object, **options: object) -> object:
            return current_app.__class__.send_task(current_app, *args, connection=away, **options)

        monkeypatch.setattr(current_app, "send_task", send_task)
        monkeypatch.setattr(current_app, "connection_for_write", lambda: away)
        jobs._send(run)
        assert jobs.requeue_due() == 1


@pytest.fixture
def ended(monkeypatch) -> list[str]:
    """The states in which imports were told to be over."""
    told: list[str] = []
    monkeypatch.setitem(jobs._endings, ImportRun, lambda job: told.append(job.state))
    return told


def test_every_way_to_end_is_told_once(make_project, ended) -> None:
    project = make_project()
    jobs.finish(jobs.claim(ImportRun, queued(project).pk, owner="me"), "done")
    jobs.request_cancel(queued(project))
    asked = queued(project)
    ImportRun.objects.filter(pk=asked.pk).update(cancel_requested=True)
    assert jobs.claim(ImportRun, asked.pk, owner="me") is None
    silent = queued(project)
    ImportRun.objects.filter(pk=silent.pk).update(attempt=jobs.MAX_ATTEMPTS)
    assert jobs.claim(ImportRun, silent.pk, owner="me") is None
    assert ended == ["done", "cancelled", "cancelled", "failed"]


def test_what_is_not_over_is_not_told(make_project, ended) -> None:
    run = jobs.claim(ImportRun, queued(make_project()).pk, owner="me")
    jobs.request_cancel(run)
    jobs.release(run, excused=True, wake=False)
    again = jobs.claim(ImportRun, run.pk, owner="me")
    assert again is None  # it was to be cancelled
    with pytest.raises(jobs.LeaseLost):
        jobs.finish(run, "done")
    assert ended == ["cancelled"]
