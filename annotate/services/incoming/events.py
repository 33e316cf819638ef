"""What webhooks are told of imports: one event each, however many rows the file had."""

import uuid

from annotate.models import EventType, ImportRun, Job, JobState
from annotate.services.webhooks.events import announce


def tell_import_done(
    *, project_id: int, format: str, created: int, updated: int, skipped: int, errors: int
) -> None:
    """Of one that was done at once. Call it in the transaction that records it."""
    rows = {"created": created, "updated": updated, "skipped": skipped, "errors": errors}
    _tell(project_id, uuid.uuid4().hex, None, format, JobState.DONE, rows)


def tell_import_run_ended(run: Job) -> None:
    """Of one in the background: done, failed or cancelled, with what became of its rows till then.

    Call it in the transaction that ends it.
    """
    assert isinstance(run, ImportRun)
    rows = {
        "created": run.created_count,
        "updated": run.updated_count,
        "skipped": run.skipped_count,
        "errors": run.error_count,
    }
    _tell(run.project_id, f"run {run.pk}", run.pk, run.format, JobState(run.state), rows)


def _tell(
    project_id: int,
    key: str,
    run_id: int | None,
    format: str,
    state: JobState,
    rows: dict[str, int],
) -> None:
    """Rows alone, not what they became: known answers must not show, not even as a number."""
    announce(
        project_id=project_id,
        type=EventType.IMPORT,
        key=key,
        data={"import": run_id, "format": format, "state": str(state), **rows},
    )
