"""A snapshot as files: its card, the lines that training reads, and Parquet in parts, by split.

A part is so many judgements of the snapshot in order of id. They never change, so neither do the
parts, their names or their rows. The names are those that the Hugging Face hub and `datasets` know
the splits by.
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from annotate.interchange import judged_rows
from annotate.interchange.data_card import CONSENSUS_FILE
from annotate.interchange.parquet_files import Sink, stream_parquet
from annotate.models import Snapshot
from annotate.services.outgoing.export_options import JSONL, MEDIA_TYPES, PARQUET
from annotate.services.outgoing.selection import WHOLE
from annotate.services.outgoing.snapshot_consensus import COLUMNS as CONSENSUS_COLUMNS
from annotate.services.outgoing.snapshot_consensus import consensus_rows, stream_consensus_lines
from annotate.services.outgoing.snapshots import SPLITS, stream_training_file, training_rows

JUDGEMENTS_A_PART = 200_000
CARD = "README.md"
CONSENSUS = f"consensus.{JSONL}"
MARKDOWN = "md"
FILE_MEDIA_TYPES = {**MEDIA_TYPES, MARKDOWN: "text/markdown; charset=utf-8"}
LINES = {f"{split}.{JSONL}": split for split in SPLITS}
OF_PREFERENCES = {
    **{"id": "integer", "prompt_id": "integer", "prompt": "messages"},
    **{"chosen": "text", "rejected": "text", "margin": "number", "weight": "number"},
    **{"source": "text", "tie": "flag", "flipped": "flag"},
}
# Where each part but the first begins.
BOUNDARIES = """
SELECT judgement_id FROM (
    SELECT judgement_id, row_number() OVER (ORDER BY judgement_id) AS place
    FROM annotate_snapshotjudgement WHERE snapshot_id = %s
) numbered WHERE place %% %s = 0 ORDER BY place
"""


@dataclass(frozen=True)
class SnapshotFile:
    """`part`: the judgements in it, after the first of the ids and up to the second. The card and
    the consensus have no split.
    """

    name: str
    split: str | None
    file_type: str
    part: tuple[int, int] = WHOLE

    @property
    def is_consensus(self) -> bool:
        return self.name in (CONSENSUS, CONSENSUS_FILE)


def snapshot_files(snapshot: Snapshot) -> list[SnapshotFile]:
    """All of them. One query."""
    lines = [SnapshotFile(name, split, JSONL) for name, split in LINES.items()]
    kept = [SnapshotFile(CONSENSUS, None, JSONL)] if snapshot.consensus_rows else []
    return [*lines, *kept, *folder_files(snapshot)]


def folder_files(snapshot: Snapshot) -> list[SnapshotFile]:
    """Those of the folder that `datasets` reads: the card and the consensus, if any, and the parts.
    One query.
    """
    card = [SnapshotFile(CARD, None, MARKDOWN)] if snapshot.card else []
    kept = [SnapshotFile(CONSENSUS_FILE, None, PARQUET)] if snapshot.consensus_rows else []
    return card + kept + parquet_files(snapshot)


def parquet_files(snapshot: Snapshot) -> list[SnapshotFile]:
    """The parts by split, the training ones first. One query."""
    with connection.cursor() as cursor:
        cursor.execute(BOUNDARIES, [snapshot.pk, JUDGEMENTS_A_PART])
        ends = [row[0] for row in cursor.fetchall()]
    parts = list(zip([WHOLE[0], *ends], [*ends, WHOLE[1]], strict=True))
    return [
        SnapshotFile(f"{split}-{number:05}-of-{len(parts):05}.parquet", split, PARQUET, part)
        for split in SPLITS
        for number, part in enumerate(parts)
    ]


def stream_file(snapshot: Snapshot, file: SnapshotFile) -> Iterator[bytes]:
    """The file's bytes, the same each time."""
    if file.file_type == MARKDOWN:
        return iter([snapshot.card.encode()])
    if file.name == CONSENSUS:
        return stream_consensus_lines(snapshot)
    if file.name == CONSENSUS_FILE:
        return stream_parquet(consensus_rows(snapshot), CONSENSUS_COLUMNS)
    if file.file_type == JSONL:
        return stream_training_file(snapshot=snapshot, split=file.split)
    preferences = snapshot.holds == Snapshot.Holds.PREFERENCES
    columns = OF_PREFERENCES if preferences else judged_rows.COLUMNS
    rows = (row for split, row in training_rows(snapshot, file.part) if split == file.split)
    return stream_parquet(rows, columns)


def folder_name(snapshot: Snapshot) -> str:
    return f"snapshot-{snapshot.number}-of-project-{snapshot.project_id}"


def write_folder(snapshot: Snapshot, folder: Path) -> list[Path]:
    """Write card and Parquet files into the folder, which is made; each by rename once whole."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for file in folder_files(snapshot):
        path = folder / file.name
        partial = path.with_name(f".{file.name}.partial")
        with open(partial, "wb") as target:
            for chunk in stream_file(snapshot, file):
                target.write(chunk)
        partial.replace(path)
        written.append(path)
    return written


def stream_archive(snapshot: Snapshot) -> Iterator[bytes]:
    """The folder as a zip archive, made as it is read; Parquet is compressed already."""
    sink, day = Sink(), snapshot.created_at.timetuple()[:6]
    with zipfile.ZipFile(sink, "w") as archive:
        for file in folder_files(snapshot):
            entry = zipfile.ZipInfo(f"{folder_name(snapshot)}/{file.name}", day)
            with archive.open(entry, "w", force_zip64=True) as target:
                for chunk in stream_file(snapshot, file):
                    target.write(chunk)
                    yield sink.take()
            yield sink.take()
    yield sink.take()
