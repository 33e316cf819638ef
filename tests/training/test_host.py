"""The host and its child: real processes, asked for a model that is not there, which is quick."""

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.faults.processes import wait_until
from tests.waiting import PATIENCE
from training import host as host_module
from training.host import CannotAnswer, Host, RowsFailed

GONE = {"do": "score", "model_dir": "/nowhere"}
ROWS = [{"prompt": [], "responses": ["a"]}]


@pytest.fixture
def make_host(tmp_path):
    """make_host(**options) -> a Host; closed in the end."""
    made: list[Host] = []

    def make(**options) -> Host:
        made.append(Host(tmp_path, **{"room": 2**20, "patience": 60.0, "idle": 60.0, **options}))
        return made[-1]

    yield make
    for one in made:
        one.close()


def nothing() -> None:
    """A beat that raises nothing."""


class Asking(threading.Thread):
    """A request in a thread of its own; `error` is how it ended."""

    def __init__(self, host: Host, beat=nothing) -> None:
        super().__init__(daemon=True)
        self.host, self.beat = host, beat
        self.error: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            self.host.ask(GONE, ROWS, self.beat)
        except Exception as error:  # noqa: BLE001  (looked at by the test)
            self.error = error


def ask(host: Host) -> str:
    """What the child says of a model that is not there."""
    with pytest.raises(CannotAnswer) as caught:
        host.ask(GONE, ROWS, nothing)
    return str(caught.value)


def test_nothing_runs_before_it_is_asked_and_one_child_answers_all(make_host):
    host = make_host()
    assert host.pid is None
    assert "no longer in /nowhere" in ask(host)
    first = host.pid
    ask(host)
    assert host.pid == first
    child = psutil.Process(first)
    assert "training.serve" in child.cmdline()
    assert child.nice() == min(19, os.nice(0) + host_module.NICENESS)
    assert "DATABASE_URL" not in child.environ()
    host.close()
    assert not psutil.pid_exists(first)
    with pytest.raises(CannotAnswer, match="shuts down"):
        host.ask(GONE, ROWS, nothing)


def test_killed_in_the_middle_it_answers_anyway(make_host):
    host = make_host()
    ask(host)
    first = host.pid
    os.kill(first, signal.SIGSTOP)  # it stands in the middle of the request
    asking = Asking(host)
    wait_until(lambda: host._number == 2, 10, "the request sent")
    os.kill(first, signal.SIGKILL)
    asking.join(PATIENCE)
    assert "no longer in" in str(asking.error)
    assert host.pid not in (None, first)


def test_a_request_that_kills_it_again_is_given_up_and_the_next_one_is_answered(make_host):
    host = make_host()
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.001):
            pid = host.pid
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(RowsFailed, match="ended by SIGKILL"):
            host.ask(GONE, ROWS, nothing)
    finally:
        over.set()
        killer.join()
    assert "no longer in" in ask(host)


def test_who_takes_too_long_is_ended(make_host):
    host = make_host()
    ask(host)
    host.patience = 0.5
    first = host.pid
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(RowsFailed, match=r"longer than 0.5 s; ask for less"):
        host.ask(GONE, ROWS, nothing)
    host.patience = PATIENCE
    ask(host)
    assert host.pid != first


def test_a_request_that_nobody_wants_any_more_does_not_hold_the_others_up(make_host, monkeypatch):
    monkeypatch.setattr(host_module, "BEAT", 0.1)
    monkeypatch.setattr(host_module, "CANCEL_GRACE", 0.3)

    def leave() -> None:
        raise RuntimeError("cancelled")

    host = make_host()
    ask(host)
    first = host.pid
    os.kill(first, signal.SIGSTOP)  # deaf to being cancelled
    asking = Asking(host, leave)
    asking.join(PATIENCE)
    assert str(asking.error) == "cancelled"
    ask(host)
    assert host.pid != first


def test_closed_in_the_middle_it_blames_no_row(make_host):
    host = make_host()
    ask(host)
    os.kill(host.pid, signal.SIGSTOP)  # it stands in the middle of the request
    asking = Asking(host)
    wait_until(lambda: host._number == 2, 10, "the request sent")
    host.close()
    asking.join(PATIENCE)
    assert (type(asking.error), "shuts down" in str(asking.error)) == (CannotAnswer, True)


def test_an_idle_child_ends_and_comes_back(make_host):
    host = make_host(idle=0.3)
    ask(host)
    wait_until(lambda: host.pid is None, 10, "the idle child's end")
    ask(host)


def test_a_child_ends_with_its_input(make_host):
    """As on a system without the parent-death signal, when its worker is killed."""
    host = make_host()
    ask(host)
    child = psutil.Process(host.pid)
    host._pipe.process.stdin.close()
    child.wait(PATIENCE)


def test_an_old_log_is_begun_anew(make_host, tmp_path, monkeypatch):
    monkeypatch.setattr(host_module, "LOG_BYTES", 10)
    Path(tmp_path / "log.txt").write_text("x" * 100)
    ask(make_host())
    assert "xxx" not in (tmp_path / "log.txt").read_text()
