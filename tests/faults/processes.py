"""Starting the real supervisor and looking at what it left behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.waiting import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """`seconds` is what an idle machine takes at most; a busy one gets no less than PATIENCE."""
    patience = max(seconds, PATIENCE)
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def new_var() -> Path:
    """A state folder that root's PostgreSQL account can enter, with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="tandem-faults-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


class Tree:
    """A running command, its output so far, and everything that descends from it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._seen: dict[int, psutil.Process] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, seconds: float = 30, times: int = 1) -> None:
        wait_until(
            lambda: self.output.count(text) >= times or self.process.poll() is not None,
            seconds,
            f"{text!r} in the output:\n{self.output}\n",
        )
        assert self.output.count(text) >= times, f"ended without {text!r}:\n{self.output}"

    def family(self) -> list[psutil.Process]:
        """Every living descendant; remembers all that were ever seen."""
        for process in psutil.Process(self.process.pid).children(recursive=True):
            self._seen.setdefault(process.pid, process)
        return [process for process in self._seen.values() if process.is_running()]

    def survivors(self) -> list[str]:
        """Descendants seen by `family` that still run."""
        found = []
        for process in self._seen.values():
            try:
                if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(f"{process.pid} {' '.join(process.cmdline())}")
            except psutil.NoSuchProcess:
                continue  # it ended between two of these looks
        return found

    def pid_of(self, name: str) -> int:
        """The process id that the fake services print as `name pid N`."""
        return int(self.output.rsplit(f"{name} pid ", 1)[1].split()[0])

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 60) -> int:
        self.process.send_signal(number)
        status = self.process.wait(max(seconds, PATIENCE))
        self._reader.join(PATIENCE)
        return status

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.family()
        for process in [*self._seen.values()]:
            if process.is_running():
                process.kill()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)


def wait_until_none_survive(tree: Tree, seconds: float = 60) -> None:
    """Names the processes that still run when it gives up."""
    patience = max(seconds, PATIENCE)
    deadline = time.monotonic() + patience
    while survivors := tree.survivors():
        assert time.monotonic() < deadline, f"after {patience:g} s there still run: {survivors}"
        time.sleep(0.05)
