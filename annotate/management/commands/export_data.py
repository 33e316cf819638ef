"""manage.py export_data PROJECT: write preferences, spans or raw judgements to a file."""

import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.models import Project
from annotate.services.outgoing.export_filters import FILTERS, ExportFilters
from annotate.services.outgoing.export_options import OPTIONS, ExportOptions
from annotate.services.outgoing.export_parameters import read_all
from annotate.services.outgoing.exports import stream_export


class Command(BaseCommand):
    help = "Export a project's preferences, spans or raw judgements as JSON lines or Parquet."

    def add_arguments(self, parser):
        parser.add_argument("project", type=int, help="The project's number.")
        parser.add_argument("--format", choices=EXPORT_FORMATS, default="trl")
        parser.add_argument("--output", type=Path, help="Standard output when left out.")
        for one in (*FILTERS, *OPTIONS):
            said = one.described.replace("%", "%%")
            flag = f"--{one.name.replace('_', '-')}"
            if one.sort == "flag":
                parser.add_argument(flag, action="store_const", const="1", help=said)
            else:
                parser.add_argument(flag, choices=one.words or None, help=said)

    def handle(self, *, project, output, **options):
        found = Project.objects.live().filter(pk=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        given = {name: str(said) for name, said in options.items() if said is not None}
        try:
            chunks = stream_export(
                project=found,
                format=options["format"],
                filters=ExportFilters(**read_all(FILTERS, given)),
                options=ExportOptions(**read_all(OPTIONS, given)),
            )
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if output is None:
            _write(chunks, sys.stdout.buffer)
            return
        partial = output.with_name(f"{output.name}.partial")
        with open(partial, "wb") as file:
            _write(chunks, file)
        partial.rename(output)


def _write(chunks, file) -> None:
    for chunk in chunks:
        file.write(chunk)
