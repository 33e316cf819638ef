"""Imports, told once each: those done at once, those in the background, however they end."""

import io
import json
from itertools import count

import pytest

from annotate.services import jobs
from annotate.services.incoming import import_runs, imports
from annotate.services.incoming.import_runs import cancel_import, run_import, start_import
from annotate.services.incoming.imports import ImportOptions
from tests.annotate.services.sending import many, send
from tests.hearing import heard, listen

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    project = make_project()
    listen(project, "import.ended", "judgement.created", "task.done")
    return project


def start(project, data: bytes):
    return start_import(
        project=project,
        actor=project.created_by,
        upload=io.BytesIO(data),
        format="trl",
        options=ImportOptions(),
    )


def of(rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def test_an_import_is_told_once_with_its_rows_by_outcome(project):
    send(project, [*many(5), {"prompt": "p", "chosen": 3}])
    [event] = heard()
    assert (event["type"], event["project"]) == ("import.ended", project.pk)
    assert event["data"] == {
        "import": None,
        "format": "trl",
        "state": "done",
        "created": 5,
        "updated": 0,
        "skipped": 0,
        "errors": 1,
    }
    send(project, many(5))  # the same file again is told too
    assert [event["data"]["skipped"] for event in heard()] == [0, 5]


def test_a_dry_run_is_told_to_nobody(project):
    send(project, many(2), dry_run=True)
    assert heard() == []


def test_runs_in_the_background_are_told_however_they_end(project, monkeypatch):
    done, broken, waiting = start(project, of(many(3))), start(project, b"\0" * 99), None
    for run in (done, broken, done):
        run_import(run.pk)
    waiting = start(project, of(many(3)))
    cancel_import(run=waiting, actor=project.created_by)
    stopped = start(project, of(many(9)[3:]))
    monkeypatch.setattr(imports, "BATCH", 2)
    heartbeat, calls = jobs.heartbeat, count()

    def asked_to_stop(job, **fields):
        if "progress" in fields and next(calls) == 1:
            cancel_import(run=job, actor=project.created_by)
        return heartbeat(job, **fields)

    monkeypatch.setattr(import_runs.jobs, "heartbeat", asked_to_stop)
    run_import(stopped.pk)
    told = {event["data"]["import"]: event["data"] for event in heard()}
    assert len(heard()) == len(told) == 4
    assert (told[done.pk]["state"], told[done.pk]["created"]) == ("done", 3)
    assert (told[broken.pk]["state"], told[broken.pk]["created"]) == ("failed", 0)
    assert (told[waiting.pk]["state"], told[waiting.pk]["created"]) == ("cancelled", 0)
    assert (told[stopped.pk]["state"], told[stopped.pk]["created"]) == ("cancelled", 4)
