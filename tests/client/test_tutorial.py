"""docs/tutorial.md, block by block, against a live server with a worker."""

import io
import re
import threading
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from django.db import connection

from annotate.models import JobState
from annotate.services import jobs
from training.models import ServingJob, TrainingRun
from training.services import running, serving_work

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def worker(transactional_db, tmp_path, settings):
    """A thread that works through what is queued, as the worker processes do."""
    settings.VAR_DIR = tmp_path / "var"
    settings.VAR_DIR.mkdir()
    over = threading.Event()
    failures = []

    def work() -> None:
        try:
            while not over.wait(0.05):
                for model, do in ((TrainingRun, train), (ServingJob, serve)):
                    queued = model.objects.filter(state=JobState.QUEUED)
                    for pk in queued.values_list("pk", flat=True):
                        job = jobs.claim(model, pk, owner="worker")
                        if job is not None:
                            do(job)
        except Exception as error:  # noqa: BLE001 — told at the end: the thread has no other way
            failures.append(error)
        finally:
            connection.close()

    def train(run) -> None:
        running.train(run=run)

    def serve(job) -> None:
        serving_work.serve(job=job)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()
    assert failures == []


@pytest.mark.long
def test_the_tutorial_does_what_it_says(
    live_server, worker, make_user, token_of, tmp_path, monkeypatch
):
    monkeypatch.setenv("TANDEM_URL", live_server.url)
    monkeypatch.setenv("TANDEM_TOKEN", token_of(make_user("ada")))
    monkeypatch.chdir(tmp_path)
    text = TUTORIAL.read_text()
    blocks = [(found[1], found[2], found.start()) for found in BLOCK.finditer(text)]
    assert len(blocks) > 20
    world: dict[str, object] = {"__name__": "tutorial"}
    printed = ""
    for language, block, start in blocks:
        line = text.count("\n", 0, start) + 1
        if language == "text":
            assert printed == block, f"docs/tutorial.md:{line}"
            printed = ""
            continue
        assert printed == "", f"docs/tutorial.md:{line}: what was printed is not shown"
        output = io.StringIO()
        with redirect_stdout(output):
            exec(compile("\n" * line + block, str(TUTORIAL), "exec"), world)
        printed = output.getvalue()
    assert printed == ""
