"""A throw-away installation: private PostgreSQL, migrated, the real web server in front of it.

Import nothing of the project's models before `installation()` has set the environment.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.folders import scratch_folder
from config.postgres import private_cluster, start_and_keep, stop

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def installation() -> Iterator[int]:
    """A migrated, empty database in the environment; yields the PostgreSQL server's pid.

    Ignores DATABASE_URL. The folder is removed at the end, on SIGTERM too.
    """
    with scratch_folder() as var:
        var.chmod(0o711)
        os.environ["TANDEM_VAR"] = str(var)
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        try:
            os.environ["DATABASE_URL"] = start_and_keep(var).url()
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", interactive=False, verbosity=0)
            yield private_cluster(var).running_pid()
        finally:
            _close_connections()
            stop(var)


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


@contextmanager
def web() -> Iterator[tuple[psutil.Process, int]]:
    """The web server as bin/serve starts it; yields its process and port."""
    from config.supervisor import web_service

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = web_service("127.0.0.1", port).command
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_healthy(port, server)
        yield psutil.Process(server.pid), port
    finally:
        server.terminate()
        server.wait(20)


def wait_healthy(port: int, server: subprocess.Popen, seconds: float = 120) -> None:
    """Return when /healthz answers. Raises RuntimeError when the server ends or stays silent."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError(f"the web server did not serve within {seconds:g} s")


def tree_seconds(pid: int) -> float:
    """CPU seconds of the process, its living descendants and those they have buried."""
    total = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:  # buried meanwhile: its parent counts it
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def forget_peaks(pid: int) -> None:
    """Let `peak_megabytes` begin anew for the process and its descendants (Linux alone)."""
    for process in _tree(pid):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def peak_megabytes(pid: int) -> float:
    """The most memory that one of the process and its descendants held since then.

    From /proc, as the kernel hands getrusage's figure on from the parent through exec.
    """
    return max(_peak(Path(f"/proc/{process.pid}/status").read_text()) for process in _tree(pid))


def _peak(status: str) -> float:
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def python(*arguments: str) -> list[str]:
    """The command line of this interpreter with the arguments."""
    return [sys.executable, *arguments]
