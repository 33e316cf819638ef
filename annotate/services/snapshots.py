"""Freezing judgements for training, and writing the files that a run reads."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.models import Max

from annotate.interchange.preferences import Preference, aggregate
from annotate.models import Project, Snapshot, User
from annotate.services import audit
from annotate.services.exports import ExportOptions, pair_rules, require_pairs
from annotate.services.selection import ExportFilters, Selection, select, select_snapshot

HUMAN = ("person", "imported")
OnRow = Callable[[], object]


def create_snapshot(
    *,
    project: Project,
    actor: User | None,
    query: Mapping[str, Any] | None = None,
    tie_rule: str = "drop",
    aggregation: str = "each",
    on_row: OnRow | None = None,
) -> Snapshot:
    """Freeze what `query` (see ExportFilters) selects now, under the rules given.

    Prompts below the project's test_percent are held out; the test rows are human labels only.
    The hash covers every row of the training files in order, so two snapshots with the same hash
    train the same. Raises ValidationError for an unknown filter or rule, DoesNotFit for a project
    whose answers hold no preferences. `on_row` is called at every row; what it raises takes
    everything back.
    """
    filters = ExportFilters.from_query(query or {})
    ExportOptions(tie_rule=tie_rule, aggregation=aggregation)
    require_pairs(project, "query", "A snapshot holds preferences")
    with transaction.atomic():
        frozen = _freeze(select(project=project, filters=filters))
        digest, rows = _hash(frozen, tie_rule, aggregation, on_row)
        Project.objects.select_for_update(no_key=True).get(pk=project.pk)
        last = project.snapshots.aggregate(last=Max("number"))["last"]
        snapshot = Snapshot.objects.create(
            project=project,
            number=(last or 0) + 1,
            query=filters.as_query(),
            tie_rule=tie_rule,
            aggregation=aggregation,
            split={"by": "prompt", "test_percent": project.test_percent, "seed": project.seed},
            rows=rows,
            sha256=digest,
            created_by=actor,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO annotate_snapshotjudgement (snapshot_id, judgement_id)"
                " SELECT %s, judgement_id FROM tandem_frozen ORDER BY judgement_id",
                [snapshot.pk],
            )
            cursor.execute("DROP TABLE tandem_frozen")
        audit.record(
            action="snapshot.created",
            target=snapshot,
            actor=actor,
            project=project,
            sha256=digest,
            rows=rows,
        )
    return snapshot


def write_training_files(snapshot: Snapshot, folder: Path, on_row: OnRow | None = None) -> None:
    """Write train.jsonl and test.jsonl into the folder, which is made if it is not there.

    A tie is one row with `tie` true, its two responses in storage order; the tie rule "drop"
    leaves ties out of train.jsonl, never out of test.jsonl. Raises RuntimeError if the rows no
    longer have the hash that the snapshot was made with. `on_row` is called at every row and may
    raise.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with (
        open(folder / "train.jsonl", "wb") as train,
        open(folder / "test.jsonl", "wb") as test,
    ):
        selection = select_snapshot(snapshot=snapshot)
        for split, line in _training_lines(selection, snapshot.tie_rule, snapshot.aggregation):
            digest.update(line)
            (test if split == "test" else train).write(line)
            if on_row:
                on_row()
    if digest.hexdigest() != snapshot.sha256:
        raise RuntimeError(f"{snapshot} gave other rows than it was made with; make a new one.")


def stream_training_file(*, snapshot: Snapshot, split: str) -> Iterator[bytes]:
    """The lines of train.jsonl ("train") or test.jsonl ("test"), as `write_training_files`."""
    selection = select_snapshot(snapshot=snapshot)
    lines = _training_lines(selection, snapshot.tie_rule, snapshot.aggregation)
    return (line for side, line in lines if side == split)


def _freeze(selection: Selection) -> Selection:
    """Put the selected ids into a temporary table and select from that."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE tandem_frozen ON COMMIT DROP AS"
            f" SELECT j.id AS judgement_id FROM {selection.source}"
            f" WHERE {selection.where} AND j.id <= %s",
            [*selection.params, selection.last_id],
        )
        cursor.execute("CREATE UNIQUE INDEX ON tandem_frozen (judgement_id)")
        cursor.execute("ANALYZE tandem_frozen")
    return Selection(
        project=selection.project,
        source="tandem_frozen f JOIN annotate_judgement j ON j.id = f.judgement_id",
        where="true",
        params=(),
        last_id=selection.last_id,
        test_percent=selection.test_percent,
        key="f.judgement_id",
    )


def _hash(
    selection: Selection, tie_rule: str, aggregation: str, on_row: OnRow | None
) -> tuple[str, int]:
    digest, rows = hashlib.sha256(), 0
    for _, line in _training_lines(selection, tie_rule, aggregation):
        digest.update(line)
        rows += 1
        if on_row:
            on_row()
    return digest.hexdigest(), rows


def _training_lines(
    selection: Selection, tie_rule: str, aggregation: str
) -> Iterator[tuple[str, bytes]]:
    rows = aggregate(
        selection.judged(by_task=aggregation == "majority"),
        aggregation=aggregation,
        rules=pair_rules(selection.project),
    )
    for row in rows:
        split = "test" if row.prompt.held_out else "train"
        if split == "test" and row.source not in HUMAN:
            continue
        if split == "train" and row.tie and tie_rule == "drop":
            continue
        line = json.dumps(_training_row(row), ensure_ascii=False, sort_keys=True)
        yield split, line.encode() + b"\n"


def _training_row(row: Preference) -> dict[str, Any]:
    return {
        "id": row.id,
        "prompt_id": row.prompt.id,
        "prompt": row.prompt.messages,
        "chosen": row.chosen.said,
        "rejected": row.rejected.said,
        "margin": round(row.margin, 6),
        "weight": row.weight,
        "source": row.source,
        "tie": row.tie,
    }
