"""Imports in the background: what a run reports, runs that are killed or cancelled, uploads."""

import gzip
import io
import json
import os
from itertools import count

import pytest

from annotate.models import AuditEvent, ImportRun, Judgement, Project
from annotate.services import jobs
from annotate.services.incoming import import_runs, imports
from annotate.services.incoming.bad_rows import bad_rows
from annotate.services.incoming.import_runs import start_import
from annotate.services.incoming.imports import BadFile, ImportOptions
from tests.annotate.services.sending import many, outcome, send

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(make_project) -> Project:
    return make_project(overlap=2)


def start(project, rows, **options) -> ImportRun:
    data = gzip.compress("\n".join(map(json.dumps, rows)).encode())
    return start_import(
        project=project,
        actor=project.created_by,
        upload=io.BytesIO(data),
        format="trl",
        options=ImportOptions(**options),
        file_name="../pairs.jsonl.gz",
    )


@pytest.fixture(autouse=True)
def own_var(tmp_path, settings):
    settings.VAR_DIR = tmp_path


def test_a_run_reports_and_cleans_up(project):
    run = start(project, [*many(10), {"prompt": "p", "chosen": 3}])
    assert run.file_name == "pairs.jsonl.gz"
    import_runs.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.created_count, run.error_count) == ("done", 10, 1)
    assert (run.progress, run.total, run.percent) == (11, 11, 100)
    assert not import_runs.upload_path(run).exists()
    [row] = [json.loads(line) for line in b"".join(bad_rows(run=run)).splitlines()]
    assert row["chosen"] == 3
    assert row["_error"]["line"] == 11
    import_runs.run_import(run.pk)  # a doubled message finds nothing to do
    assert Judgement.objects.count() == 10


def test_mended_rows_can_be_sent_again(project):
    run = start(project, [{"prompt": "p", "chosen": 3, "rejected": "b"}])
    import_runs.run_import(run.pk)
    mended = b"".join(bad_rows(run=run)).replace(b'"chosen": 3', b'"chosen": "a"')
    assert outcome(send(project, [], data=mended)) == (1, 0, 0, 0)


def test_a_killed_run_goes_on_where_it_stopped(project, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 4)
    run = start(project, many(10))
    heartbeat, calls = jobs.heartbeat, count()

    def dying(job, **fields):
        if "progress" in fields and next(calls) == 1:
            raise KeyboardInterrupt  # inside the second batch's transaction
        return heartbeat(job, **fields)

    monkeypatch.setattr(jobs, "heartbeat", dying)
    with pytest.raises(KeyboardInterrupt):
        import_runs.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.progress, run.created_count) == ("running", 4, 4)
    assert Judgement.objects.count() == 4
    ImportRun.objects.filter(pk=run.pk).update(lease_until="2000-01-01T00:00Z")
    import_runs.run_import(run.pk)
    run.refresh_from_db()
    assert (run.state, run.progress, run.created_count, run.attempt) == ("done", 10, 10, 2)
    assert Judgement.objects.count() == 10


def test_cancel_keeps_what_is_in(project, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 4)
    run = start(project, many(10))
    heartbeat = jobs.heartbeat

    def cancelling(job, **fields):
        if "progress" in fields:
            jobs.request_cancel(job)
        return heartbeat(job, **fields)

    monkeypatch.setattr(jobs, "heartbeat", cancelling)
    import_runs.run_import(run.pk)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert Judgement.objects.count() == run.created_count == 4


def test_a_damaged_upload_fails_with_the_reason(project):
    run = start(project, many(3))
    path = import_runs.upload_path(run)
    path.write_bytes(path.read_bytes()[:-9])
    import_runs.run_import(run.pk)
    run.refresh_from_db()
    assert run.state == "failed"
    assert "stops in the middle" in run.message
    assert Judgement.objects.count() == 0


def test_an_upload_that_is_too_large(project, settings):
    settings.MAX_UPLOAD_BYTES = 100
    with pytest.raises(BadFile, match="100 bytes"):
        start(project, many(200))
    assert not list((settings.VAR_DIR / "uploads").iterdir())
    assert not ImportRun.objects.exists()


def test_uploads_of_imports_that_ended_in_the_queue_are_removed(project, tmp_path, settings):
    settings.VAR_DIR = tmp_path
    waiting, cancelled = (
        start_import(
            project=project,
            actor=None,
            upload=io.BytesIO(b"{}"),
            format="trl",
            options=ImportOptions(),
        )
        for _ in range(2)
    )
    jobs.request_cancel(cancelled)
    assert import_runs.remove_uploads() == 0  # too young to judge
    pending = tmp_path / "uploads" / "pending"  # of annotate/services/incoming/pending_uploads.py
    pending.mkdir()
    for path in (pending, import_runs.upload_path(waiting), import_runs.upload_path(cancelled)):
        os.utime(path, (0, 0))
    assert import_runs.remove_uploads() == 1
    assert import_runs.upload_path(waiting).exists()
    assert not import_runs.upload_path(cancelled).exists()
    assert pending.is_dir()


def test_a_cancellation_is_audited_once(project):
    run = start(project, many(3))
    for _ in range(2):
        import_runs.cancel_import(run=run, actor=project.created_by)
        run.refresh_from_db()
        assert run.state == "cancelled"
    event = AuditEvent.objects.get(action="import.cancel_asked")
    assert (event.object_id, event.actor) == (run.pk, project.created_by)
