"""manage.py import_data PROJECT FILE: import a file now, in this process."""

import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate.interchange.fitting import GROUPS
from annotate.interchange.registry import FORMATS, UnknownFormat, detect_file
from annotate.interchange.table import TABLE
from annotate.models import Project
from annotate.services.incoming.imports import (
    ImportOptions,
    ImportReport,
    became,
    import_stream,
    kept_aside,
)
from annotate.services.incoming.remembered_mappings import Remembered, remember

SHOWN_ERRORS = 20


class Command(BaseCommand):
    help = "Import preferences or prompts from a file into a project."

    def add_arguments(self, parser):
        parser.add_argument("project", type=int, help="The project's number.")
        parser.add_argument(
            "file", type=Path, help="JSONL, JSON array, CSV, TSV (.gz too), Parquet."
        )
        parser.add_argument("--format", choices=FORMATS, help="Guessed when left out.")
        parser.add_argument(
            "--labels",
            choices=["judgements", "tasks"],
            default="judgements",
            help="judgements: labels are imported, and nobody is asked about labelled rows. tasks: "
            "they are left out, and people are asked about every row. (default: judgements)",
        )
        parser.add_argument("--overlap", type=int, help="People per task.")
        parser.add_argument("--priority", type=int, default=500)
        parser.add_argument(
            "--group", choices=GROUPS, default="auto", help="Responses that a task takes."
        )
        parser.add_argument("--dry-run", action="store_true")
        parser.add_argument("--mapping", action="append", default=[], metavar="NAME:COLUMN")
        parser.add_argument("--label-value", action="append", default=[], metavar="VALUE:MEANING")
        parser.add_argument(
            "--remembered",
            action="store_true",
            help="Map a table as the project's last import of these columns did.",
        )

    def handle(self, *, project, file, **options):
        found = Project.objects.live().filter(pk=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        try:
            with open(file, "rb") as stream:
                remembered = remember(found, stream) if options["remembered"] else None
                known = TABLE.name if remembered else detect_file(stream, file.name)
                chosen = options["format"] or known
                report = import_stream(
                    project=found,
                    actor=None,
                    stream=stream,
                    format=chosen,
                    options=_options(options, remembered),
                    progress=self._progress,
                )
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}.") from error
        except (ValidationError, UnknownFormat) as error:
            raise CommandError("; ".join(getattr(error, "messages", [str(error)]))) from error
        self._print(chosen, report)

    def _progress(self, report: ImportReport, errors: list) -> bool:
        if sys.stderr.isatty():
            self.stderr.write(f"\r{report.lines:,} lines", ending="")
        return False

    def _print(self, chosen: str, report: ImportReport) -> None:
        for error in report.errors[:SHOWN_ERRORS]:
            place = f"line {error.line}" + (f", {error.field}" if error.field else "")
            self.stderr.write(f"{place}: {error.message}")
        if report.error_count > SHOWN_ERRORS:
            self.stderr.write(f"… and {report.error_count - SHOWN_ERRORS} more")
        self.stdout.write(
            f"{chosen}: {report.created} created, {report.updated} updated, "
            f"{report.skipped} skipped, {report.error_count} refused"
        )
        new = {name: count for name, count in report.counts.items() if count}
        aside = new.pop("kept_aside", 0)
        made = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in new.items())
        self.stdout.write(f"new: {made or 'nothing'}")
        self.stdout.write(became(report).message)
        if aside:
            self.stdout.write(kept_aside(aside).message)
        for use in report.ratings:
            taken = f", by {', '.join(use.criteria)}" if use.criteria else ""
            self.stdout.write(
                f"ratings {use.name}: {use.answers} rows as answers{taken}, "
                f"{use.metadata} in metadata"
            )


def _options(given: dict, remembered: Remembered | None) -> ImportOptions:
    return ImportOptions(
        labels=given["labels"],
        mapping=_pairs(given["mapping"]) or (remembered.mapping if remembered else {}),
        label_values=_pairs(given["label_value"])
        or (remembered.label_values if remembered else {}),
        dry_run=given["dry_run"],
        overlap=given["overlap"],
        priority=given["priority"],
        group=given["group"],
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if ":" not in text:
            raise CommandError(f"{text!r} must read key:value.")
    return dict(text.split(":", 1) for text in texts)
