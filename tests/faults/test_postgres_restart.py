"""PostgreSQL stopped and started under the web: errors meanwhile, and nothing lost or doubled.

The web is the real server on a private cluster, and is not restarted.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import psutil
import psycopg
import pytest

from benchmarks.scratch import wait_healthy
from config.cluster import Cluster
from config.supervisor import web_service
from tests.faults.processes import ROOT, free_port, new_var, wait_until
from tests.waiting import PATIENCE

TASKS = 400
PEOPLE = 4
SEED = f"""
import django, json
django.setup()
from annotate.services.people.tokens import issue_token
from benchmarks.filling import add_annotator, make_project
project = make_project(tasks={TASKS}, overlap=1)
people = [add_annotator(project, f"ann{{n}}") for n in range({PEOPLE})]
tokens = [issue_token(user=user, scopes=["read", "annotate"])[1] for user in people]
print(json.dumps({{"project": project.pk, "tokens": tokens}}))
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    var = new_var()
    cluster = Cluster(var)
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(cluster.home)
    shutil.rmtree(var)


@pytest.fixture
def environment(cluster, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "DATABASE_URL": cluster.url(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "TANDEM_VAR": str(tmp_path),
        "TANDEM_LOG_LEVEL": "CRITICAL",
    }


@pytest.fixture
def seeded(environment) -> dict:
    """{project, tokens} in a database that has just been made."""
    for words in (["manage.py", "migrate", "--verbosity", "0"], ["-c", SEED]):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def web(environment, seeded) -> Iterator[tuple[psutil.Process, int]]:
    port = free_port()
    command = web_service("127.0.0.1", port).command
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_healthy(port, process)
        yield psutil.Process(process.pid), port
    finally:
        process.terminate()
        process.wait(PATIENCE)


def ask(port: int, path: str, token: str, body: dict | None = None) -> tuple[int, dict | None]:
    """The answer's status and JSON; 0 when the server did not answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/api/v1{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            raw = answer.read()
            return answer.status, json.loads(raw) if raw else None
    except urllib.error.HTTPError as error:
        return error.code, None
    except (OSError, HTTPException):
        return 0, None


class Annotator:
    """Sends a request again, the very same, until it is answered by other than an error."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.refused: list[int] = []

    def insist(self, path: str, body: dict | None = None) -> tuple[int, dict | None]:
        deadline = time.monotonic() + PATIENCE
        while True:
            status, found = ask(self.port, path, self.token, body)
            if 200 <= status < 300:
                return status, found
            self.refused.append(status)
            assert time.monotonic() < deadline, f"still {status} from {path}"
            time.sleep(0.05)

    def work(self, project: int, accepted: list[int]) -> None:
        while True:
            status, seat = self.insist(f"/projects/{project}/next/")
            if status == 204:
                return
            value = {"verdict": "prefer", "preferred": seat["responses"][0]["id"]}
            answer = {"value": value, "idempotency_key": f"seat-{seat['seat']}"}
            _, judgement = self.insist(f"/seats/{seat['seat']}/judgement/", answer)
            accepted.append(judgement["id"])


def test_a_restart_of_postgres_costs_errors_but_no_work(cluster, seeded, web):
    process, port = web
    family = {one.pid for one in process.children(recursive=True)}
    annotators = [Annotator(port, token) for token in seeded["tokens"]]
    accepted: list[int] = []
    over = threading.Event()
    seen_down: list[int] = []

    def stop_and_start() -> None:
        wait_until(lambda: len(accepted) > TASKS // 4 or over.is_set(), 30, "work under way")
        assert cluster.stop()
        before = len(accepted)
        for _ in range(3):
            seen_down.append(ask(port, "/projects/", seeded["tokens"][0])[0])
        with pytest.raises(urllib.error.HTTPError) as page:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE)
        seen_down.append(page.value.code)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=PATIENCE) as alive:
            assert alive.status == 200
        assert before < TASKS, "all was done before PostgreSQL could be stopped"
        cluster.start()

    with ThreadPoolExecutor(PEOPLE + 1) as pool:
        restart = pool.submit(stop_and_start)
        workers = [pool.submit(one.work, seeded["project"], accepted) for one in annotators]
        try:
            for worker in workers:
                worker.result()
        finally:
            over.set()
        restart.result()

    assert seen_down == [503, 503, 503, 503]
    refused = [status for one in annotators for status in one.refused]
    assert refused
    assert set(refused) == {503}, "every refusal was an answer that says: send it again"
    assert {one.pid for one in process.children(recursive=True)} == family, "the web went on"
    with psycopg.connect(cluster.url()) as database:
        rows = database.execute("SELECT id, task_id FROM annotate_judgement").fetchall()
        states = database.execute("SELECT state, count(*) FROM annotate_seat GROUP BY 1").fetchall()
    assert sorted(pk for pk, _ in rows) == sorted(accepted)
    assert len({task for _, task in rows}) == len(rows) == TASKS
    assert states == [("done", TASKS)]
