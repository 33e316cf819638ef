"""Runs that are told to end before their child has started."""

import time

import pytest

from annotate.models import JobState
from annotate.services import jobs
from tests.waiting import PATIENCE
from training import lifeline, supervise
from training.models import TrainingRun
from training.services import running
from training.services.runs import cancel_run, queue_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(make_project, var_dir, monkeypatch) -> TrainingRun:
    monkeypatch.setattr(supervise, "BEAT", 0.05)
    queued = queue_run(project=make_project(), actor=None, recipe="dpo", config={})
    return jobs.claim(TrainingRun, queued.pk, owner="me")


def rows_for_ever(check) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        check()
    pytest.fail("nobody interrupted the preparation")


def test_cancelled_while_its_data_are_written_it_ends_at_once(run, monkeypatch):
    def prepare(run, check):
        cancel_run(run=run, actor=None)
        rows_for_ever(check)

    monkeypatch.setattr(running, "prepare_run", prepare)
    running.train(run=run)
    run.refresh_from_db()
    assert run.state == JobState.CANCELLED


def test_a_worker_that_shuts_down_gives_it_back(run, monkeypatch):
    def prepare(run, check):
        monkeypatch.setattr(lifeline, "is_cut", lambda: True)
        rows_for_ever(check)

    monkeypatch.setattr(running, "prepare_run", prepare)
    running.train(run=run)
    run.refresh_from_db()
    assert (run.state, run.attempt) == (JobState.QUEUED, 0)
