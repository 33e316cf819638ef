"""Taking a file in, batch by batch; `import_runs` does it in the background.

Each batch is one transaction, and one that is already there adds nothing, so a file may be sent
twice.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from annotate.forms import Form
from annotate.interchange.fitting import GROUPS, Fit
from annotate.interchange.formats import ReadOptions
from annotate.interchange.rated import NoSuchCriterion, RatingUse
from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import get_format, read, survey
from annotate.interchange.streams import Limits
from annotate.models import Project, User
from annotate.services import audit
from annotate.services.incoming import bulk
from annotate.services.incoming.events import tell_import_done
from annotate.services.incoming.imported_contents import BatchResult, PreparedItem, prepare
from annotate.services.incoming.imported_media import resolve_items
from annotate.services.incoming.intake import Wish, store_batch
from annotate.services.incoming.read_ahead import batches_ahead
from annotate.wording import Grouped, Told

BATCH = 2000
BATCH_CHARS = 32_000_000
REPORTED_ERRORS = 1000
ATTEMPTS = 3


class BadFile(ValidationError):
    """The file as a whole cannot be imported, and `why`; nothing of it was written."""

    def __init__(self, why: Told) -> None:
        super().__init__({"file": why.message})
        self.why = why


def too_large() -> BadFile:
    limit = settings.MAX_UPLOAD_BYTES
    return BadFile(Told("The file is larger than {most} bytes. Send it in parts.", most=limit))


class ImportStopped(Exception):
    """The import was asked to stop; what was imported so far stays."""


@dataclass(frozen=True)
class ImportOptions:
    """`labels`: "judgements" keeps them as imported judgements, "tasks" asks people anew.

    `mapping` and `label_values` are for tables, names of the mapping such as `rating.helpful` for
    ratings of other formats (see `annotate/interchange/rated.py`); `overlap` defaults to the
    project's. `group` is how many of a row's responses a task takes: see
    `annotate/interchange/fitting.py`.
    """

    labels: str = "judgements"
    mapping: Mapping[str, str] = field(default_factory=dict)
    label_values: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    overlap: int | None = None
    priority: int = 500
    group: str = "auto"

    def __post_init__(self) -> None:
        if self.labels not in ("judgements", "tasks"):
            raise ValidationError({"labels": f"{self.labels!r} is neither judgements nor tasks."})
        if self.group not in GROUPS:
            known = ", ".join(GROUPS)
            raise ValidationError({"group": f"{self.group!r} is unknown. Choose one of: {known}."})
        if self.overlap is not None and not 1 <= self.overlap <= 100:
            raise ValidationError({"overlap": "Must be from 1 to 100."})
        if not 0 <= self.priority <= 1000:
            raise ValidationError({"priority": "Must be from 0 to 1000."})


@dataclass
class ImportReport:
    """Rows by what became of them. `errors` holds the first 1,000, without the rows themselves."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    error_count: int = 0
    errors: list[RowError] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    """New rows by table; `tasks_for_people`: tasks that people are asked, new ones and known ones
    that asked nobody before; `kept_aside`: labels and answers of kinds other than the project's."""
    lines: int = 0
    fatal: RowError | None = None
    ratings: list[RatingUse] = field(default_factory=list)
    """What the file's ratings became; empty where labels are left out."""

    def add(self, result: BatchResult, errors: list[RowError], last_line: int) -> None:
        self.created += result.created
        self.updated += result.updated
        self.skipped += result.skipped
        self.counts += result.counts
        self.lines = last_line
        self.error_count += len(errors)
        shown = errors[: max(0, REPORTED_ERRORS - len(self.errors))]
        self.errors += [replace(error, raw=None) for error in shown]

    def as_json(self) -> dict[str, Any]:
        return {
            "created": self.created,
            "updated": self.updated,
            "skipped": self.skipped,
            "error_count": self.error_count,
            "errors": [error.as_json() for error in self.errors],
            "counts": dict(self.counts),
            "ratings": [use.as_json() for use in self.ratings],
        }


Progress = Callable[[ImportReport, list[RowError]], bool]
BatchRow = PreparedItem | ImportedItem | RowError


def configured_limits() -> Limits:
    return Limits(
        max_bytes=settings.MAX_UPLOAD_BYTES,
        max_line_bytes=settings.MAX_LINE_BYTES,
        max_text_bytes=settings.MAX_TEXT_BYTES,
    )


def import_stream(
    *,
    project: Project,
    actor: User | None,
    stream: BinaryIO,
    format: str,
    options: ImportOptions,
    progress: Progress | None = None,
) -> ImportReport:
    """Import a seekable file now, batch by batch.

    `progress` gets the report so far and the batch's errors, inside the batch's transaction; if
    it answers True the import stops after that batch with ImportStopped.
    A dry run does everything in one transaction and takes it back.
    Raises BadFile before anything is written if the file is damaged, UnknownFormat for a format
    that does not exist.
    """
    survey_file(stream, format, options)
    report = ImportReport()
    with _undone() if options.dry_run else _kept():
        import_batches(project, stream, format, options, report, progress)
        with transaction.atomic():
            record_import(project, actor, format, report)
            tell_import_done(
                project_id=project.pk,
                format=format,
                created=report.created,
                updated=report.updated,
                skipped=report.skipped,
                errors=report.error_count,
            )
    return report


def fit_of(project: Project, group: str = "auto", mapping: Mapping[str, str] | None = None) -> Fit:
    """What makes items of any format fit the project as it asks now.

    Raises BadFile where the mapping names a criterion that it does not ask for.
    """
    try:
        return Fit(project.kind, Form.of_project(project).settings, group, mapping)
    except NoSuchCriterion as error:
        raise BadFile(error.why) from error


def became(report: ImportReport) -> Told:
    """What is told of an import's end: what people are asked, and which labels were taken."""
    tasks, labels = report.counts["tasks_for_people"], report.counts["judgements"]
    known = report.counts["known_answers"]
    told = Told(
        "{asked}, {kept}.",
        asked=Told("1 task for people")
        if tasks == 1
        else Told("{count} tasks for people", count=Grouped(tasks)),
        kept=Told("1 label kept")
        if labels == 1
        else Told("{count} labels kept", count=Grouped(labels)),
    )
    if labels and not tasks:
        told = Told(
            "{told} So nobody is asked about them; to ask people anew, send the file again with "
            "its labels left out.",
            told=told,
        )
    if not known:
        return told
    return Told("{told} Known answers: {count}.", told=told, count=Grouped(known))


def kept_aside(count: int) -> Told:
    """What is told of labels and answers that the project's kind has no place for."""
    if count == 1:
        return Told("1 label or answer of other kinds kept in the prompts' metadata.")
    return Told(
        "{count} labels or answers of other kinds kept in the prompts' metadata.",
        count=Grouped(count),
    )


def import_batches(
    project: Project,
    stream: BinaryIO,
    format: str,
    options: ImportOptions,
    report: ImportReport,
    progress: Progress | None,
) -> None:
    wish = Wish(
        fit=fit_of(project, options.group, options.mapping),
        as_tasks=options.labels == "tasks",
        overlap=options.overlap or project.overlap,
        priority=options.priority,
    )
    flushed_later = not connection.in_atomic_block  # by record_import, or by the end of a run
    # Of a line with several rows some may be missing; read again, the others change nothing.
    start = report.lines - get_format(format).several_a_line
    rows = read(stream, format, _read_options(options), fit=wish.fit)
    unread = (_prepared(row) for row in rows if row.line > start)
    for batch in batches_ahead(unread, BATCH, weigh=_chars, weight=BATCH_CHARS):
        report.fatal = next((row for row in batch if isinstance(row, RowError) and row.fatal), None)
        with transaction.atomic():
            if flushed_later:
                bulk.commit_without_waiting()
            items, errors = _resolved(project, batch, wish.fit)
            result = _store(project, items, wish)
            errors = sorted(errors + result.errors, key=lambda error: error.line)
            report.add(result, errors, batch[-1].line)
            stop = progress(report, errors) if progress else False
        if stop:
            raise ImportStopped
    if not wish.as_tasks:
        report.ratings = [*wish.fit.criteria.uses.values()]


def _chars(row: BatchRow) -> int:
    """About how long the row was."""
    if isinstance(row, PreparedItem):
        return len(row.prompt_fields) + sum(map(len, row.response_fields))
    return len(row.raw if isinstance(row.raw, str) else str(row.raw))


def _prepared(row: ImportedItem | RowError) -> BatchRow:
    """As far as it goes without the database: items with parts wait for their files."""
    return row if isinstance(row, RowError) or row.raw is not None else prepare(row)


def _resolved(
    project: Project, batch: list[BatchRow], fit: Fit
) -> tuple[list[PreparedItem], list[RowError]]:
    """The batch's items, and its errors. One query if any item names a file, else none."""
    waiting = [row for row in batch if isinstance(row, ImportedItem)]
    if waiting:
        found = iter(resolve_items(project=project, items=waiting, fit=fit, keep=True))
        resolved = (
            _prepared(next(found)) if isinstance(row, ImportedItem) else row for row in batch
        )
        batch = list(resolved)
    return (
        [row for row in batch if isinstance(row, PreparedItem)],
        [row for row in batch if isinstance(row, RowError)],
    )


def _store(project: Project, items: list[PreparedItem], wish: Wish) -> BatchResult:
    """Somebody who does not import may add the same content meanwhile; then look again."""
    for attempt in range(ATTEMPTS):
        try:
            with transaction.atomic():
                bulk.lock_imports(project.pk)
                return store_batch(project=project, items=items, wish=wish)
        except IntegrityError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def survey_file(stream: BinaryIO, format: str, options: ImportOptions) -> int:
    """The number of lines; rewinds the stream. Raises BadFile."""
    begin = stream.tell()
    found = survey(stream, format, _read_options(options))
    if found.fatal:
        raise BadFile(found.fatal.why)
    stream.seek(begin)
    return found.lines


def _read_options(options: ImportOptions) -> ReadOptions:
    return ReadOptions(configured_limits(), options.mapping, options.label_values)


def record_import(project: Project, actor: User | None, format: str, report: ImportReport) -> None:
    audit.record(
        action="import.finished",
        target=project,
        actor=actor,
        project=project,
        format=format,
        created=report.created,
        updated=report.updated,
        skipped=report.skipped,
        error_count=report.error_count,
    )


@contextmanager
def _undone() -> Iterator[None]:
    """Do everything for real, constraints included, and take it back."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def _kept() -> Iterator[None]:
    yield
