"""manage.py export_snapshot PROJECT NUMBER FOLDER: a snapshot as a folder of Parquet files."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from annotate.models import Snapshot
from annotate.services.outgoing.snapshot_files import write_folder


class Command(BaseCommand):
    help = "Write a snapshot as a folder that datasets.load_dataset reads: Parquet by split."

    def add_arguments(self, parser):
        parser.add_argument("project", type=int, help="The project's number.")
        parser.add_argument("number", type=int, help="The snapshot's number in the project.")
        parser.add_argument("folder", type=Path, help="Made if it is not there.")

    def handle(self, *, project, number, folder, **options):
        snapshots = Snapshot.objects.filter(project_id=project, project__archived_at=None)
        found = snapshots.select_related("project").filter(number=number).first()
        if found is None:
            numbers = ", ".join(str(known) for known in snapshots.values_list("number", flat=True))
            raise CommandError(
                f"Project {project} has no snapshot {number}. It has: {numbers or 'none'}."
            )
        if folder.exists() and not folder.is_dir():
            raise CommandError(f"{folder} is a file. Name a folder.")
        for path in write_folder(found, folder):
            self.stdout.write(str(path))
