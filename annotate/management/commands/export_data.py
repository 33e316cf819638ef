"""manage.py export_data PROJECT: write preferences, spans or raw judgements as JSON lines."""

import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.models import Project
from annotate.services.outgoing.export_filters import CHOICES, ExportFilters
from annotate.services.outgoing.exports import CHOICES as RULES
from annotate.services.outgoing.exports import ExportOptions, stream_export

FLAGS = ("margin", "metadata")


class Command(BaseCommand):
    help = "Export a project's preferences, spans or raw judgements as JSON lines."

    def add_arguments(self, parser):
        parser.add_argument("project", type=int, help="The project's number.")
        parser.add_argument("--format", choices=EXPORT_FORMATS, default="trl")
        parser.add_argument("--output", type=Path, help="Standard output when left out.")
        for name in (
            "source",
            "simulated",
            "split",
            "suggested",
            "flipped",
            "gold",
            "review",
            "norming",
        ):
            parser.add_argument(f"--{name}", choices=CHOICES[name], default=CHOICES[name][0])
        parser.add_argument("--superseded", action="store_true")
        parser.add_argument("--team", default="", help="Only of people in this team, by name.")
        for name, choices in RULES.items():
            default = getattr(ExportOptions, name)
            parser.add_argument(f"--{name.replace('_', '-')}", choices=choices, default=default)
        for name in FLAGS:
            parser.add_argument(f"--{name}", action="store_true")

    def handle(self, *, project, output, **options):
        found = Project.objects.live().filter(pk=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        try:
            chunks = stream_export(
                project=found,
                format=options["format"],
                filters=ExportFilters(
                    **{
                        name: options[name]
                        for name in (
                            *("source", "simulated", "split", "suggested", "superseded"),
                            *("flipped", "gold", "review", "norming", "team"),
                        )
                    }
                ),
                options=ExportOptions(**{n: options[n] for n in (*RULES, *FLAGS)}),
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
