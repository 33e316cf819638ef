"""manage.py export_data PROJECT: write preferences, spans or raw judgements to a file."""

import sys
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from annotate.interchange.export_formats import EXPORT_FORMATS
from annotate.models import Consensus, Project, Voices
from annotate.services.outgoing.consensus_export import stream_consensus
from annotate.services.outgoing.export_filters import FILTERS, ExportFilters
from annotate.services.outgoing.export_options import OPTIONS, ExportOptions
from annotate.services.outgoing.export_parameters import read_all
from annotate.services.outgoing.exports import stream_export


class Command(BaseCommand):
    help = "Export a project's preferences, spans or raw judgements as JSON lines or Parquet."

    def add_arguments(self, parser):
        parser.add_argument("project", type=int, help="The project's number.")
        parser.add_argument("--format", choices=EXPORT_FORMATS, help="trl when left out.")
        parser.add_argument("--output", type=Path, help="Standard output when left out.")
        for one in (*FILTERS, *OPTIONS):
            said = one.described.replace("%", "%%")
            flag = f"--{one.name.replace('_', '-')}"
            if one.sort == "flag":
                parser.add_argument(flag, action="store_const", const="1", help=said)
            else:
                parser.add_argument(flag, choices=one.words or None, help=said)

        parser.add_argument(
            "--aggregate",
            choices=Consensus.Method.values,
            help="What tasks came to by this method, a line each, in place of all else.",
        )
        parser.add_argument(
            "--voices",
            choices=Voices.values,
            help="With --aggregate, whose labels; human when left out.",
        )

    def handle(self, *, project, output, **options):
        found = Project.objects.live().filter(pk=project).first()
        if found is None:
            raise CommandError(f"There is no project {project}.")
        given = {name: str(said) for name, said in options.items() if said is not None}
        try:
            chunks = _chunks(found, options, given)
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        if output is None:
            _write(chunks, sys.stdout.buffer)
            return
        partial = output.with_name(f"{output.name}.partial")
        with open(partial, "wb") as file:
            _write(chunks, file)
        partial.rename(output)


def _chunks(project, options, given):
    if options["aggregate"] is None and options["voices"] is None:
        return stream_export(
            project=project,
            format=options["format"] or "trl",
            filters=ExportFilters(**read_all(FILTERS, given)),
            options=ExportOptions(**read_all(OPTIONS, given)),
        )
    if options["aggregate"] is None:
        raise CommandError("--voices says whose labels --aggregate takes: give both.")
    names = {"format", *(one.name for one in (*FILTERS, *OPTIONS))}
    if others := sorted(names & given.keys()):
        told = ", ".join(f"--{name.replace('_', '-')}" for name in others)
        raise CommandError(f"--aggregate takes --voices alone: leave {told} out.")
    return stream_consensus(
        project=project,
        method=options["aggregate"],
        voices=options["voices"] or Voices.HUMAN.value,
    )


def _write(chunks, file) -> None:
    for chunk in chunks:
        file.write(chunk)
