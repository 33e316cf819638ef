"""A running Tandem for the loop: the one that serves already, or one started for the time."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from django.conf import settings
from django.db import connections

START_SECONDS = 600  # a first start writes the whole database, on a slow machine too
STOP_SECONDS = 60


class NoStack(RuntimeError):
    """Tandem neither runs nor could be started; says why."""


@contextmanager
def running_stack(url: str) -> Iterator[str]:
    """Yield `url` when it serves; else start web, workers and beat there, and stop them after."""
    if serves(url):
        yield url
        return
    connections.close_all()  # the supervisor may restart the private server
    parts = httpx.URL(url)
    environment = {
        **os.environ,
        "HOST": parts.host,
        "PORT": str(parts.port or 80),
        "TANDEM_VAR": str(settings.VAR_DIR),
    }
    command = [sys.executable, "-m", "config.supervisor"]
    log = settings.VAR_DIR / "loop-stack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=output, stderr=output
        )
        try:
            _wait_until_serving(process, url, log.read_text)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def serves(url: str) -> bool:
    """Whether /healthz answers 200 within two seconds."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def _wait_until_serving(process: subprocess.Popen, url: str, read_log) -> None:
    give_up = time.monotonic() + START_SECONDS
    while not serves(url):
        if process.poll() is not None or time.monotonic() > give_up:
            raise NoStack(f"Tandem did not start at {url}:\n{read_log()[-2000:]}")
        time.sleep(0.2)
