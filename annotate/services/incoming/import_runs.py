"""Imports in the background: an upload is kept, queued as an ImportRun, and taken in by a worker.

A run whose worker died goes on where its last batch ended.
"""

import time
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.fields.files import File

from annotate.interchange.records import RowError
from annotate.interchange.registry import UnknownFormat, get_format
from annotate.models import ImportRun, JobState, Project, User
from annotate.services import audit, jobs
from annotate.services.incoming.bad_rows import keep_errors
from annotate.services.incoming.imports import (
    BadFile,
    ImportOptions,
    ImportReport,
    ImportStopped,
    became,
    import_batches,
    kept_aside,
    record_import,
    survey_file,
    too_large,
)
from annotate.wording import Grouped, Told

UPLOAD_AGE = 3600.0  # seconds; a younger file may still be on its way in


def start_import(
    *,
    project: Project,
    actor: User | None,
    upload: BinaryIO,
    format: str,
    options: ImportOptions,
    file_name: str = "",
) -> ImportRun:
    """Keep the upload under VAR_DIR/uploads and queue its import.

    Raises BadFile for one that is larger than MAX_UPLOAD_BYTES, UnknownFormat, and
    ValidationError for a dry run, whose single transaction would hide the run's progress.
    """
    if options.dry_run:
        raise ValidationError({"dry_run": "A dry run answers at once; leave background out."})
    get_format(format)
    stored_as = _keep_upload(upload)
    name = Path(file_name).name or "upload"
    with transaction.atomic():
        run = ImportRun.objects.create(
            project=project,
            file_name=name[:255],
            stored_as=stored_as,
            format=format,
            options=asdict(options),
            created_by=actor,
        )
        audit.record(
            action="import.queued", target=run, actor=actor, project=project, format=format
        )
        jobs.enqueue(run)
    return run


def run_import(run_id: int) -> None:
    """Run a queued import to its end; called by the worker. Safe to call twice."""
    run = jobs.claim(ImportRun, run_id, owner=jobs.owner_name())
    if run is None:
        return
    try:
        with open(upload_path(run), "rb") as stream:
            state, message = _run(run, stream)
    except (BadFile, UnknownFormat, FileNotFoundError) as error:
        why = str(error) if isinstance(error, FileNotFoundError) else error.why
        jobs.finish(run, JobState.FAILED, message=why)
    else:
        jobs.finish(run, state, message=message)
    if run.is_over:
        upload_path(run).unlink(missing_ok=True)


@transaction.atomic
def cancel_import(*, run: ImportRun, actor: User) -> None:
    """Stop it after the batch it is at; what it imported stays. One that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="import.cancel_asked", target=run, actor=actor, project=run.project)


def remove_uploads() -> int:
    """Remove uploads that no import waits for: of runs cancelled or failed in the queue, or of a
    process killed before it wrote the row. Returns how many.
    """
    folder = settings.VAR_DIR / "uploads"
    long_ago = time.time() - UPLOAD_AGE
    files = [path for path in folder.glob("*") if path.is_file()]  # pending_uploads has a folder
    old = [path for path in files if path.stat().st_mtime < long_ago]
    going = ImportRun.objects.filter(state__in=[JobState.QUEUED, JobState.RUNNING])
    wanted = set(going.values_list("stored_as", flat=True))
    gone = [path for path in old if path.name not in wanted]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def upload_path(run: ImportRun) -> Path:
    return settings.VAR_DIR / "uploads" / run.stored_as


def _run(run: ImportRun, stream: BinaryIO) -> tuple[JobState, str | Told]:
    """How the run ended, and what its page says of it."""
    options = ImportOptions(**run.options)
    project = run.project
    found = survey_file(stream, run.format, options)
    jobs.heartbeat(run, total=found)
    report = ImportReport(
        created=run.created_count,
        updated=run.updated_count,
        skipped=run.skipped_count,
        error_count=run.error_count,
        lines=run.progress,
    )
    try:
        import_batches(project, stream, run.format, options, report, _Reporter(run))
    except ImportStopped:
        return JobState.CANCELLED, ""
    if report.fatal:
        raise BadFile(report.fatal.why)
    record_import(project, run.created_by, run.format, report)
    aside = report.counts["kept_aside"]
    told = [became(report), *([kept_aside(aside)] if aside else [])]
    if run.attempt > 1:  # earlier attempts kept no count
        told = [Told("At least {what}", what=line) for line in told]
    if not aside:
        return JobState.DONE, told[0]
    return JobState.DONE, Told("{first} {then}", first=told[0], then=told[1])


class _Reporter:
    """Writes a run's progress and errors in the same transaction as the batch itself."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run

    def __call__(self, report: ImportReport, errors: list[RowError]) -> bool:
        keep_errors(run=self.run, errors=errors, before=report.error_count - len(errors))
        return jobs.heartbeat(
            self.run,
            progress=report.lines,
            created_count=report.created,
            updated_count=report.updated,
            skipped_count=report.skipped,
            error_count=report.error_count,
            message=Told("{count} lines read", count=Grouped(report.lines)),
        )


def _keep_upload(upload: BinaryIO) -> str:
    folder = settings.VAR_DIR / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    size = 0
    with open(folder / name, "xb") as kept:
        while chunk := upload.read(File.DEFAULT_CHUNK_SIZE):
            size += len(chunk)
            if size > settings.MAX_UPLOAD_BYTES:
                (folder / name).unlink()
                raise too_large()
            kept.write(chunk)
    return name
