"""The web server killed in the middle of everybody's work: nothing lost, nothing twice.

64 people work at 2,000 tasks with an overlap of 2 through the real server, which is killed with
SIGKILL, all its processes, and started again while they go on.
"""

import json
import os
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException

import psutil
import pytest
from django.db import connection
from django.db.models import Count

from annotate.models import Judgement, Membership, Seat, User
from annotate.services.people.tokens import issue_token
from benchmarks.filling import make_project
from benchmarks.scratch import wait_healthy
from config.supervisor import web_service
from tests.faults.processes import ROOT, free_port

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 64
TASKS = 2000
OVERLAP = 2
KILLS = 2
PATIENCE = 300  # seconds until a client gives up on a server that does not answer


class Server:
    """The web server of bin/serve on the test's database."""

    def __init__(self) -> None:
        self.port = free_port()
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        parts = connection.get_connection_params()
        names = {"dbname": "dbname", "user": "user", "password": "password", "host": "host"}
        words = [f"{names[key]}={parts[key]}" for key in names if parts.get(key)]
        words.append(f"port={parts.get('port', 5432)}")
        self.process = subprocess.Popen(
            web_service("127.0.0.1", self.port).command,
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": " ".join(words), "TANDEM_LOG_LEVEL": "ERROR"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_healthy(self.port, self.process)

    def kill(self) -> None:
        """SIGKILL to the whole tree, children first in line, so that nobody can tidy up.

        Its head is stopped before: it might start another child, which nobody would end.
        """
        tree = psutil.Process(self.process.pid)
        tree.suspend()
        family = [*tree.children(recursive=True), tree]
        for process in family:
            process.send_signal(signal.SIGKILL)
        psutil.wait_procs(family, timeout=PATIENCE)
        self.process.wait(PATIENCE)


@pytest.fixture
def server():
    server = Server()
    server.start()
    yield server
    server.kill()


class Annotator:
    """A client that repeats a request until it is answered, as the contract allows."""

    def __init__(self, port: int, token: str) -> None:
        self.base = f"http://127.0.0.1:{port}/api/v1"
        self.headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        self.repeats = 0

    def ask(self, path: str, body: dict | None = None) -> tuple[int, dict | None]:
        data = None if body is None else json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE
        while True:
            request = urllib.request.Request(self.base + path, data, self.headers)
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    raw = answer.read()
                    return answer.status, json.loads(raw) if raw else None
            except urllib.error.HTTPError as error:
                return error.code, json.loads(error.read())
            except (OSError, HTTPException):
                assert time.monotonic() < deadline, "the server did not come back"
                self.repeats += 1
                time.sleep(0.05)

    def work(self, project_id: int, accepted: list[int]) -> None:
        """Until nothing is left; `accepted` gets the id of every judgement that was confirmed."""
        while True:
            status, seat = self.ask(f"/projects/{project_id}/next/")
            if status == 204:
                return
            assert status == 200, seat
            answer = {
                "value": {"verdict": "prefer", "preferred": seat["responses"][0]["id"]},
                "idempotency_key": f"seat-{seat['seat']}",
            }
            status, judgement = self.ask(f"/seats/{seat['seat']}/judgement/", answer)
            assert status in (200, 201), judgement
            accepted.append(judgement["id"])


def test_killing_the_web_server_loses_nothing_and_doubles_nothing(server):
    project = make_project(tasks=TASKS, overlap=OVERLAP)
    people = [User.objects.create(username=f"ann{number}") for number in range(PEOPLE)]
    for user in people:
        Membership.objects.create(project=project, user=user, role="annotator")
    annotators = [
        Annotator(server.port, issue_token(user=user, scopes=["read", "annotate"])[1])
        for user in people
    ]
    accepted: list[int] = []
    wanted = TASKS * OVERLAP
    over = threading.Event()

    def kill_and_restart() -> None:
        for number in range(1, KILLS + 1):
            while len(accepted) < wanted * number // (KILLS + 2) and not over.wait(0.01):
                pass
            assert not over.is_set(), "all was done before the server could be killed"
            server.kill()
            server.start()
        connection.close()

    with ThreadPoolExecutor(PEOPLE + 1) as pool:
        killer = pool.submit(kill_and_restart)
        workers = [pool.submit(one.work, project.pk, accepted) for one in annotators]
        try:
            for worker in workers:
                worker.result()
        finally:
            over.set()
        killer.result()

    assert sum(one.repeats for one in annotators) > 0
    judgements = Judgement.objects.filter(project=project)
    assert judgements.count() == wanted == len(set(accepted))
    assert set(judgements.values_list("pk", flat=True)) == set(accepted)
    assert not judgements.filter(late=True).exists()
    assert not judgements.values("task", "annotator").annotate(n=Count("*")).filter(n__gt=1)
    assert Seat.objects.filter(project=project, state="done").count() == wanted
    done = Membership.objects.filter(project=project).values_list("done_count", flat=True)
    assert sum(done) == wanted
