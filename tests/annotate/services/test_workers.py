"""The roll of workers, and why a job that is queued does not begin."""

from datetime import timedelta

import pytest
from celery import current_app
from django.utils import timezone

from annotate import tasks
from annotate.models import ImportRun, QueueRoll
from annotate.services import jobs, workers
from annotate.services.workers import why_waiting
from annotate.wording import Told
from tests.queues import own_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(monkeypatch):
    """A queue of the test's own, the only one."""
    with own_queue() as name:
        monkeypatch.setattr(ImportRun, "queue", name)
        monkeypatch.setattr(jobs, "job_models", lambda: [ImportRun])
        yield name


def ago(minutes: float):
    return timezone.now() - timedelta(minutes=minutes)


def queued(project, minutes: float) -> ImportRun:
    run = ImportRun.objects.create(project=project, file_name="a", stored_as="a", format="trl")
    ImportRun.objects.filter(pk=run.pk).update(created_at=ago(minutes))
    run.refresh_from_db()
    return run


def take(queue: str) -> list[str]:
    """Take what waits, as a worker would, and do it; the names of the tasks."""
    done = []
    with current_app.connection_for_read() as connection:
        line = connection.SimpleQueue(queue)
        while line.qsize():
            message = line.get_nowait()
            args, options, _ = message.payload
            done.append(message.headers["task"])
            current_app.tasks[done[-1]](*args, **options)
            message.ack()
    return done


def test_the_roll_is_called_once_a_minute_and_answered(queue) -> None:
    assert workers.call_roll() == 1
    assert workers.call_roll() == 0
    assert QueueRoll.objects.get().answered_at is None
    assert take(queue) == [tasks.answer_roll.name]
    assert QueueRoll.objects.get().answered_at is not None
    QueueRoll.objects.update(called_at=ago(1.1))
    assert workers.call_roll() == 1


def test_calls_do_not_pile_up_while_nobody_answers(queue) -> None:
    for _ in range(3):
        workers.call_roll()
        QueueRoll.objects.update(called_at=ago(2))
    assert jobs.messages_in(queue) == 1


def test_why_a_job_waits(make_project, queue) -> None:
    project = make_project()
    assert why_waiting(queued(project, 0)) is None  # only just
    queued(project, 20)
    run = queued(project, 10)
    assert "Neither beat nor a worker" in why_waiting(run).message  # nobody calls the roll
    roll = QueueRoll.objects.create(queue=queue, called_at=ago(0))
    assert why_waiting(run).message == (
        f"No worker that takes the queue {queue} has ever been seen. "
        f"Start one: celery -A config.celery worker -Q {queue}."
    )
    roll.answered_at = ago(12.5)
    roll.save()
    assert "has been seen for 12 minutes" in why_waiting(run).message
    # One that is busy for long answers no call; what it works on beats.
    ImportRun.objects.create(
        project=project, file_name="b", stored_as="b", format="trl",
        state="running", lease_until=ago(-1), heartbeat_at=ago(1),
    )  # fmt: skip
    assert "do other work first: 1 under way, 1 queued earlier." in why_waiting(run).message
    ImportRun.objects.filter(state="running").update(heartbeat_at=ago(7.5))
    assert "has been seen for 7 minutes" in why_waiting(run).message
    tasks.answer_roll(queue)
    assert "do other work first" in why_waiting(run).message
    QueueRoll.objects.update(called_at=ago(20), answered_at=ago(20))
    assert "Neither beat" in why_waiting(run).message
    ImportRun.objects.filter(pk=run.pk).update(state="done")
    run.refresh_from_db()
    assert why_waiting(run) is None


def test_a_job_whose_worker_fell_silent_says_so(make_project, queue) -> None:
    project = make_project()
    QueueRoll.objects.create(queue=queue, called_at=ago(0), answered_at=ago(0.5))
    run = queued(project, 10)
    run.state, run.heartbeat_at, run.lease_until = "running", ago(2), ago(-1)
    run.save()
    assert why_waiting(run) is None  # it beats
    run.lease_until = ago(1)
    run.save()
    said = why_waiting(run).message
    assert said.startswith(
        f"The worker that had it has been silent since {run.heartbeat_at:%Y-%m-%d %H:%M} (UTC);"
    )
    assert said.endswith("do other work first: 0 under way, 0 queued earlier.")


def test_a_list_costs_two_queries_however_many_wait(
    make_project, queue, django_assert_num_queries
) -> None:
    project = make_project()
    runs = [queued(project, minutes) for minutes in (30, 20, 20, 10)]
    QueueRoll.objects.create(queue=queue, called_at=ago(0), answered_at=ago(5))
    ImportRun.objects.create(
        project=project, file_name="b", stored_as="b", format="trl",
        state="running", lease_until=ago(-1), heartbeat_at=ago(1),
    )  # fmt: skip
    memo: workers.Memo = {}
    with django_assert_num_queries(2):
        said = [why_waiting(run, memo) for run in runs]
    assert [one.values["earlier"] for one in said] == [0, 1, 2, 3]
    assert {one.values["running"] for one in said} == {1}
    assert [why_waiting(run).message for run in runs] == [one.message for one in said]


def test_a_missing_extra_is_named_where_its_workers_are_needed(
    make_project, queue, monkeypatch
) -> None:
    run = queued(make_project(), 10)
    QueueRoll.objects.create(queue=queue, called_at=ago(0))
    monkeypatch.setattr("annotate.extras.TRAINING_PACKAGES", ("a_package_that_is_not_there",))
    assert "extra" not in why_waiting(run).message
    monkeypatch.setattr(workers, "TRAINING_QUEUES", (queue,))
    assert "`training` extra is missing (a_package_that_is_not_there)" in why_waiting(run).message


def test_what_a_kind_of_job_may_wait_for_is_told_too(make_project, queue, monkeypatch) -> None:
    said = {"queued": Told("Somebody must pay."), "running": Told("It rains.")}
    monkeypatch.setattr(workers, "_reasons", {ImportRun: lambda job, memo: said.get(job.state)})
    run = queued(make_project(), 0)
    assert why_waiting(run).message == "Somebody must pay."
    ImportRun.objects.update(created_at=ago(10))
    run.refresh_from_db()
    assert why_waiting(run).message.startswith("Neither beat")
    assert why_waiting(run).message.endswith("Somebody must pay.")
    run.state = "running"
    assert why_waiting(run).message == "It rains."
    run.state = "done"
    assert why_waiting(run) is None
