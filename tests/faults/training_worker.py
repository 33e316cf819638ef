"""A real Celery worker for one of the queues, on a broker and a state folder of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from celery import current_app
from django.conf import settings
from django.db import connection

from config import broker
from tests.waiting import PATIENCE
from training.models import TrainingRun

LEASE_SECONDS = 4

# Seconds for all of it on one core: a base of 3 steps, then steps of some milliseconds each.
QUICK = {
    "batch_size": 2,
    "max_length": 32,
    "prompt_tokens": 8,
    "logging_steps": 5,
    "checkpoint_minutes": 0.02,
    "sample_prompts": 2,
    "sample_tokens": 4,
    "tiny": {
        "max_steps": 3,
        "vocab_size": 300,
        "hidden_size": 32,
        "layers": 1,
        "heads": 2,
        "context": 64,
        "max_length": 32,
        "prompt_tokens": 8,
    },
}


def database_url(name: str | None = None) -> str:
    """The test database's address, for other processes; or that of another one beside it."""
    parts = connection.settings_dict
    words = {
        "dbname": name or parts["NAME"],
        "user": parts["USER"],
        "password": parts["PASSWORD"],
        "host": parts["HOST"],
        "port": parts["PORT"],
    }
    return " ".join(f"{name}='{value}'" for name, value in words.items() if value)


def use_broker(var: Path) -> None:
    """Send this process's messages through the spool under `var`."""
    current_app.conf.broker_transport_options = broker.transport_options(var / "broker")
    current_app.amqp._producer_pool = None
    current_app._pool = None


class Worker:
    """A worker in a session of its own; `log` holds what it printed."""

    def __init__(self, var: Path, queue: str = "training", *, threads: int = 0) -> None:
        self.log = var / "worker.log"
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "TANDEM_VAR": str(var),
            "TANDEM_JOB_LEASE_SECONDS": str(LEASE_SECONDS),
            "CELERY_BROKER_URL": "",
        }
        command = [sys.executable, "-m", "celery", "-A", "config.celery", "worker"]
        command += ["-Q", queue, "-c", str(threads or 1), "-P", "threads" if threads else "prefork"]
        command += ["-l", "INFO", "-n", f"{var.name}-{queue}@%h"]
        command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_all(self) -> None:
        """SIGKILL to the worker and its pool, as if the machine's power went for them."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)

    def shut_down(self) -> None:
        """SIGTERM, as the supervisor sends it."""
        self.process.terminate()
        self.process.wait(PATIENCE)


def events(var: Path, run: TrainingRun, kind: str) -> list[dict]:
    """What the run's children reported so far, of one kind."""
    path = var / "runs" / str(run.pk) / "progress.jsonl"
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0].splitlines()
    return [event for line in whole if (event := json.loads(line)).get("event") == kind]


def serving_children(worker: Worker) -> list[psutil.Process]:
    """The living children of this worker that keep models warm."""
    try:
        below = psutil.Process(worker.process.pid).children(recursive=True)
        return [child for child in below if "training.serve" in child.cmdline()]
    except psutil.NoSuchProcess:
        return []


def children_of(var: Path) -> list[psutil.Process]:
    """Every living training child that works in this state folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "training.run" in words and any(word.startswith(str(var)) for word in words):
            found.append(process)
    return found
