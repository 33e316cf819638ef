"""A run whose disk is full waits for room and goes on. Child and disk are real."""

from datetime import timedelta

import pytest
from django.utils import timezone

from annotate.models import JobState
from annotate.services import jobs
from tests.queues import own_queue
from tests.training.disks import fill
from tests.training.test_circle import POLICY
from training import folders
from training.models import TrainingRun
from training.services import running
from training.services.runs import cancel_run, queue_run

pytestmark = pytest.mark.django_db(transaction=True)


def claim(run: TrainingRun) -> TrainingRun:
    return jobs.claim(TrainingRun, run.pk, owner="me")


@pytest.fixture
def out_of_room(judged_project, small_disk, settings) -> TrainingRun:
    """A run given back since its small base found no room."""
    settings.VAR_DIR = small_disk
    project = judged_project(12)
    run = claim(queue_run(project=project, actor=None, recipe="dpo", config=POLICY))
    fill(small_disk, leave=130_000)
    running.train(run=run)
    run.refresh_from_db()
    assert run.state == JobState.QUEUED, run.message
    return run


@pytest.fixture
def queue():
    with own_queue() as name:
        yield name


def test_it_goes_on_once_there_is_room(out_of_room, small_disk, monkeypatch):
    run = out_of_room
    assert f"in {folders.run_folder(run.pk)}" in run.message
    assert "MB are free" in run.message
    assert run.attempt == 1

    monkeypatch.setattr(running, "LONGEST_WAIT", -1.0)
    (small_disk / "filler").unlink()
    running.train(run=claim(run))
    run.refresh_from_db()
    assert run.state == JobState.DONE, run.message
    assert run.attempt == 2


def test_it_fails_when_nobody_makes_room(out_of_room, monkeypatch):
    said = out_of_room.message
    monkeypatch.setattr(running, "LONGEST_WAIT", -1.0)
    run = claim(out_of_room)
    running.train(run=run)
    run.refresh_from_db()
    assert (run.state, run.message) == (JobState.FAILED, said)


def test_it_holds_no_worker_while_it_waits(out_of_room, queue, monkeypatch):
    """It goes back to the queue, wakes nobody by itself, and no attempt is counted."""
    sent = []
    monkeypatch.setattr(jobs, "_send", sent.append)
    monkeypatch.setattr(TrainingRun, "queue", queue)
    for _ in range(jobs.MAX_ATTEMPTS + 1):
        running.train(run=claim(out_of_room))
        out_of_room.refresh_from_db()
        assert (out_of_room.state, out_of_room.attempt) == (JobState.QUEUED, 1)
    assert "MB are free" in out_of_room.message
    assert sent == []
    TrainingRun.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    monkeypatch.setattr(jobs, "messages_in", lambda queue: 0)  # other tests' stay in the spool
    assert jobs.requeue_due() == 1  # the sweep has it looked at again
    assert sent == [out_of_room]
    cancel_run(run=out_of_room, actor=None)
    assert out_of_room.state == JobState.CANCELLED
