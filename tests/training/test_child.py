"""The child process as its worker sees it. Every child here is a real one."""

import fcntl
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from threading import Timer

import psutil
import pytest
from django.db import OperationalError

from tests.faults.processes import wait_until
from tests.faults.training_worker import children_of
from tests.waiting import PATIENCE
from training import child as child_module
from training import supervise
from training.child import Child, FolderBusy, log_tail, read_result
from training.run import Reporter
from training.supervise import Ending, follow, outlast_outage

# A duty that ends by itself, with an error, as soon as the libraries are there.
JOB = {"duty": "score", "model_dir": "/nowhere"}


@pytest.fixture
def start(tmp_path):
    """start(**options) -> a child in `tmp_path`, killed in the end."""
    started: list[Child] = []

    def make(**options) -> Child:
        started.append(Child(tmp_path, JOB, **options))
        return started[-1]

    yield make
    for one in started:
        if one.is_running():
            one.kill()


def test_a_child_is_nice_alone_and_knows_no_secret(start, monkeypatch, settings):
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody:hunter2@there/x")
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    settings.TRAINING_THREADS = 3
    child = start()
    process = psutil.Process(child.pid)
    environment = process.environ()
    assert not [name for name, value in environment.items() if "hunter2" in value]
    assert (environment["MALLOC_ARENA_MAX"], environment["OMP_NUM_THREADS"]) == ("2", "3")
    assert process.nice() == min(19, os.nice(0) + child_module.NICENESS)
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_never_two_in_one_folder(start, tmp_path):
    first = start()
    with pytest.raises(FolderBusy):
        start(wait_for_lock=0.3)
    first.kill()
    second = start(wait_for_lock=5.0)
    assert children_of(tmp_path)[0].pid == second.pid


def test_the_lock_is_free_again_when_the_child_could_not_start(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no processes left")

    monkeypatch.setattr(child_module, "_start", refuse)
    with pytest.raises(OSError, match="no processes"):
        Child(tmp_path, JOB)
    with (tmp_path / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_killed_child_leaves_no_result_and_says_how_it_died(start, tmp_path):
    (tmp_path / "result.json").write_text('{"status": "done"}')
    child = start()
    assert child.result() is None  # the former child's result is not this one's
    (tmp_path / "log.txt").write_text("x" * 9999 + "\nCannot allocate memory")
    os.kill(child.pid, signal.SIGKILL)
    assert child.wait(PATIENCE)
    told = child.how_it_died()
    assert "SIGKILL" in told
    assert told.endswith("Cannot allocate memory")
    assert len(told) < child_module.LOG_TAIL + 200


def test_an_error_in_the_duty_is_a_result(start, tmp_path):
    child = start()
    events: list[dict] = []
    assert follow(child, lambda new: bool(events.extend(new))) == Ending.BY_ITSELF
    result = read_result(tmp_path)
    assert result["status"] == "failed"
    assert "/nowhere" in result["message"]
    assert [event["event"] for event in events] == ["phase", "machine"]
    assert events[1]["pid"] == child.pid
    assert "Traceback" in log_tail(tmp_path)


def test_cancelled_while_it_loads_it_never_gets_to_its_duty(start, tmp_path):
    child = start()
    assert follow(child, lambda events: True) == Ending.CANCELLED
    assert child.result() in (None, {"status": "stopped"})
    assert not children_of(tmp_path)


def test_cancelled_it_is_killed_when_it_does_not_answer(start, tmp_path, monkeypatch):
    """A child that stands still cannot see the request: after the grace nobody waits for it."""
    assert supervise.CANCEL_GRACE < 10
    monkeypatch.setattr(supervise, "CANCEL_GRACE", 0.1)
    child = start()
    os.kill(child.pid, signal.SIGSTOP)
    # Were it not killed, it would go on some day, see the request and end by itself.
    revival = Timer(60, os.kill, (child.pid, signal.SIGCONT))
    revival.start()
    try:
        assert follow(child, lambda events: True) == Ending.CANCELLED
    finally:
        revival.cancel()
    assert "SIGKILL" in child.how_it_died()
    assert child.result() is None
    assert not children_of(tmp_path)


def test_whoever_watches_it_takes_it_along(start, tmp_path):
    class Lost(Exception):
        pass

    def record(events: list) -> bool:
        raise Lost

    with pytest.raises(Lost):
        follow(start(), record)
    assert not children_of(tmp_path)


def test_events_wait_for_the_database(start, monkeypatch):
    monkeypatch.setattr(supervise, "BEAT", 0.2)
    written: list[dict] = []
    refusals = iter(range(6))

    def record(events: list[dict]) -> bool:
        if next(refusals, None) is not None:
            raise OperationalError("the server is starting up")
        written.extend(events)
        return False

    assert follow(start(), record) == Ending.BY_ITSELF
    assert [event["event"] for event in written] == ["phase", "machine"]


def test_an_outage_has_an_end(monkeypatch):
    monkeypatch.setattr(supervise, "LONGEST_OUTAGE", 0.0)

    def write() -> None:
        raise OperationalError("gone")

    with pytest.raises(OperationalError):
        outlast_outage(write)


def test_half_lines_are_left_for_later_and_torn_ones_dropped(start, tmp_path: Path):
    path = tmp_path / "progress.jsonl"
    path.write_text('{"event": "a"}\n{"event": "b", "te')  # a former child was killed here
    report = Reporter(path)
    report({"event": "c", "text": "two\nlines \u2028"})
    child = start()
    child.kill()
    with path.open("a") as file:
        file.write('{"event": "d"}\n[1]\n{"event"')
    first = [event["event"] for event in child.new_events()]
    assert first[:2] == ["a", "c"]
    assert first[-1] == "d"
    with path.open("a") as file:
        file.write(': "e"}\n')
    assert child.new_events() == [{"event": "e"}]


def test_a_stop_while_loading_is_not_lost(start, tmp_path):
    child = start()
    wait_until((tmp_path / "progress.jsonl").exists, 10, "the child is up")
    child.ask_to_stop()
    assert child.wait(PATIENCE)
    assert json.loads((tmp_path / "result.json").read_text()) == {"status": "stopped"}
    with suppress(ProcessLookupError):
        os.killpg(child.pid, 0)
        pytest.fail("something of the group is left")
