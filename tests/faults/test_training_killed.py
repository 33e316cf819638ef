"""Training goes on whatever is killed: exactly one model comes out, and no two train at once."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from celery import current_app
from django.db import connection

from annotate.models import JobState
from annotate.services import jobs
from tests.faults.processes import wait_until
from tests.faults.training_worker import (
    LEASE_SECONDS,
    QUICK,
    Worker,
    children_of,
    database_url,
    events,
    use_broker,
)
from tests.training.judged import label_first
from training import folders
from training.models import ModelVersion, RunMetric, TrainingRun
from training.services.runs import cancel_run, queue_run

pytestmark = pytest.mark.django_db(transaction=True)

STEPS = 400


@pytest.fixture
def var_dir(tmp_path, settings) -> Path:
    settings.VAR_DIR = tmp_path
    kept = current_app.conf.broker_transport_options
    use_broker(tmp_path)
    yield tmp_path
    current_app.conf.broker_transport_options = kept
    current_app.amqp._producer_pool = current_app._pool = None


@pytest.fixture
def start_worker(var_dir, transactional_db):
    """start_worker() -> a running worker; all of them are killed in the end."""
    workers: list[Worker] = []

    def start() -> Worker:
        workers.append(Worker(var_dir))
        return workers[-1]

    yield start
    for worker in workers:
        worker.kill_all()
    wait_until(lambda: not children_of(var_dir), 10, "training children gone with their workers")
    wait_until(lambda: sessions() == 0, 10, "the workers' database sessions closed")


@pytest.fixture
def queue(make_project, make_pair_tasks, var_dir):
    """queue(**config) -> a queued DPO run on 24 labelled pairs."""

    def make(**config) -> TrainingRun:
        project = make_project(test_percent=25)
        label_first(project, make_pair_tasks(project, 24))
        wanted = {**QUICK, "max_steps": STEPS, **config}
        return queue_run(project=project, actor=None, recipe="dpo", config=wanted)

    return make


def sessions() -> int:
    """How many other sessions there are in the test database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return cursor.fetchone()[0]


def wait_for_checkpoint(var: Path, run: TrainingRun) -> None:
    def there() -> bool:
        run.refresh_from_db()
        assert not run.is_over, run.message
        return any("stage" not in event for event in events(var, run, "checkpoint"))

    wait_until(there, 60, "a checkpoint")


def wait_until_over(run: TrainingRun, seconds: float = 60, sweep: bool = True) -> None:
    """Poll, sending what beat's sweep would send."""

    def over() -> bool:
        run.refresh_from_db()
        if sweep and not run.is_over:
            jobs.requeue_due()
            time.sleep(0.5)
        return run.is_over

    wait_until(over, seconds, f"the end of {run}")


def assert_done_once(var: Path, run: TrainingRun, *, attempt: int) -> None:
    """One model with its files, the whole curve once, nobody left."""
    assert (run.state, run.attempt) == (JobState.DONE, attempt), run.message
    version = ModelVersion.objects.get()
    assert version.run_id == run.pk
    assert (folders.model_folder(version.path) / "config.json").is_file()
    assert len(version.sha256) == 64
    steps = list(RunMetric.objects.filter(run=run).order_by("step").values_list("step", flat=True))
    assert steps == [1, *range(5, STEPS + 1, 5)] or steps == list(range(5, STEPS + 1, 5))
    assert (run.progress, run.total) == (STEPS, STEPS)
    assert run.environment["snapshot_sha256"] == run.snapshot.sha256
    assert not children_of(var)


def test_worker_killed_then_the_run_goes_on_from_its_checkpoint(var_dir, start_worker, queue):
    run = queue()
    first = start_worker()
    wait_for_checkpoint(var_dir, run)
    snapshot = run.snapshot_id
    first.kill_all()
    wait_until(lambda: not children_of(var_dir), 5, "the child died with its worker")
    run.refresh_from_db()
    assert run.state == JobState.RUNNING
    start_worker()
    wait_until_over(run)
    assert_done_once(var_dir, run, attempt=2)
    assert run.snapshot_id == snapshot
    assert events(var_dir, run, "resume")
    assert len({event["pid"] for event in events(var_dir, run, "machine")}) == 2


def test_child_killed_then_another_goes_on(var_dir, start_worker, queue):
    run = queue()
    start_worker()
    wait_for_checkpoint(var_dir, run)
    run.refresh_from_db()
    os.kill(run.child_pid, signal.SIGKILL)
    wait_until_over(run, sweep=False)  # the worker itself gives the run back and takes it again
    assert_done_once(var_dir, run, attempt=2)
    assert events(var_dir, run, "resume")


def test_worker_told_to_stop_lets_the_child_save_and_gives_the_run_back(
    var_dir, start_worker, queue
):
    run = queue(max_steps=100_000)
    worker = start_worker()
    wait_for_checkpoint(var_dir, run)
    worker.shut_down()
    wait_until(lambda: not children_of(var_dir), 15, "the child saved and ended")
    run.refresh_from_db()
    assert (run.state, run.attempt, run.owner) == (JobState.QUEUED, 0, "")
    stopped_at = max(event["step"] for event in events(var_dir, run, "checkpoint"))
    reported = [event["step"] for event in events(var_dir, run, "progress") if "stage" not in event]
    assert stopped_at >= max(reported)
    cancel_run(run=run, actor=None)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED


def test_cancel_ends_the_child_within_ten_seconds(var_dir, start_worker, queue):
    run = queue(max_steps=100_000)
    start_worker()
    wait_for_checkpoint(var_dir, run)
    began = time.monotonic()
    cancel_run(run=run, actor=None)
    wait_until_over(run, seconds=10, sweep=False)
    assert time.monotonic() - began < 10
    assert run.state == JobState.CANCELLED
    assert not children_of(var_dir)
    assert not ModelVersion.objects.exists()
    left = var_dir / "runs" / str(run.pk) / "work" / "checkpoints"
    wait_until(lambda: not left.exists(), 5, "the checkpoints freed")


def test_a_lost_message_is_sent_again(var_dir, start_worker, queue):
    run = queue()
    shutil.rmtree(var_dir / "broker")
    start_worker()
    TrainingRun.objects.filter(pk=run.pk).update(created_at="2020-01-01T00:00:00Z")
    wait_until(lambda: sent_again(run), 60, "its beginning")
    wait_until_over(run, sweep=False)
    assert_done_once(var_dir, run, attempt=1)


def sent_again(run: TrainingRun) -> bool:
    """Whether it has begun; if not, sends what beat's sweep would send."""
    run.refresh_from_db()
    if run.state == JobState.QUEUED:
        jobs.requeue_due()
        time.sleep(0.5)
    return run.state != JobState.QUEUED


def test_training_outlives_a_database_that_is_away(var_dir, start_worker, queue):
    run = queue()
    start_worker()
    wait_for_checkpoint(var_dir, run)
    with database_away():
        wait_until(lambda: "database is away" in worker_log(var_dir), 15, "the outage noticed")
        since = time.monotonic()
        wait_until(lambda: time.monotonic() - since > LEASE_SECONDS, 10, "the lease run out")
    wait_until_over(run, sweep=False)
    assert_done_once(var_dir, run, attempt=1)
    assert len(events(var_dir, run, "machine")) == 1


@contextmanager
def database_away() -> Iterator[None]:
    """Throw everybody out of the test database and let nobody in."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with psycopg.connect(database_url(name="postgres"), autocommit=True) as other:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        try:
            other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )
            yield
        finally:
            other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def worker_log(var: Path) -> str:
    return (var / "worker.log").read_text()
