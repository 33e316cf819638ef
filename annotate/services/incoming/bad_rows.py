"""The rows that an import refused: kept whole, and given back to be mended and sent again."""

import json
from collections.abc import Iterator
from typing import Any

from annotate.interchange.records import RowError
from annotate.interchange.rows import ERROR_KEY
from annotate.models import ImportRowError, ImportRun

MOST_KEPT = 100_000
READ_AT_ONCE = 10  # a row may have MAX_LINE_BYTES


def keep_errors(*, run: ImportRun, errors: list[RowError], before: int) -> None:
    """Keep them with the run, which had `before` errors, up to MOST_KEPT in all."""
    room = max(0, MOST_KEPT - before)
    ImportRowError.objects.bulk_create(
        [_kept(run, error) for error in errors[:room]], batch_size=500, ignore_conflicts=True
    )


def bad_rows(*, run: ImportRun) -> Iterator[bytes]:
    """JSONL of the rows that were refused, each with its reason under `_error`.

    Mended, the file can be sent as it is: `_error` is ignored.
    """
    rows = ImportRowError.objects.filter(import_run=run).order_by("line", "pk")
    for error in rows.iterator(chunk_size=READ_AT_ONCE):
        reason = {"line": error.line, "field": error.field, "message": error.message}
        yield json.dumps({**_row(error.raw), ERROR_KEY: reason}, ensure_ascii=False).encode()
        yield b"\n"


def _kept(run: ImportRun, error: RowError) -> ImportRowError:
    raw = error.raw if error.raw is not None else {"_line": error.value}
    return ImportRowError(
        import_run=run,
        line=error.line,
        field=error.field[:200],
        value=error.value,
        message=error.message,
        told=error.why.as_dict(),
        raw=raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False),
    )


def _row(raw: str) -> dict[str, Any]:
    try:
        row = json.loads(raw)
    except (ValueError, RecursionError):
        return {"_line": raw}
    return row if isinstance(row, dict) else {"_line": raw}
