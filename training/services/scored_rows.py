"""What a version scored on each held-out row: written once with its run, without the texts.

runs/<id>/work/test_scores.jsonl is the child's; scored_rows.jsonl has the same rows in the order
of their keys, with what the database knows of their prompts. See training/evaluation/scored_pairs.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from annotate.models import Prompt, Snapshot
from annotate.services.outgoing.snapshots import stream_training_file
from training import folders
from training.evaluation.scored_pairs import (
    ScoredPair,
    counts_of,
    in_order,
    numbered,
    pair_key,
    read_rows,
    write_rows,
)
from training.models import ModelVersion, TrainingRun

NAME = "scored_rows.jsonl"
BATCH = 1000  # rows whose prompts are looked up at once
Row = dict[str, Any]


def keep_scored_rows(run: TrainingRun) -> dict[str, int]:
    """Write what the run scored, in order, and return how many rows there are of each kind.

    Nothing for a run that scored none. May be repeated. A query for every thousand rows; what is
    held in memory does not grow with them.
    """
    folder = folders.run_folder(run.pk)
    data = folder / "data" / "test.jsonl"
    if data.is_file():
        with data.open("rb") as lines:
            return _put_in_order(folder, run.snapshot, lines)
    return _put_in_order(folder, run.snapshot, ())


def scored_rows(version: ModelVersion) -> Iterator[ScoredPair]:
    """The rows that the version scored, in order, one at a time; none where its run kept none.

    The file of an older run is put in order first, once; where it kept scores alone, its rows are
    read from the snapshot for that.
    """
    return read_rows(_path(version)) if scored_counts(version) else iter(())


def scored_counts(version: ModelVersion) -> dict[str, int]:
    """How many rows of each kind the version scored, ties among them; empty for none."""
    path = _path(version)
    if not path.is_file():
        snapshot = version.run.snapshot
        lines: Iterable[bytes] = ()
        if _holds_pairs(snapshot):
            lines = stream_training_file(snapshot=snapshot, split="test")
        return _put_in_order(folders.run_folder(version.run_id), snapshot, lines)
    counts = counts_of(path)
    return write_rows(path, in_order(read_rows(path))) if counts is None else counts


def _path(version: ModelVersion) -> Path:
    return folders.run_folder(version.run_id) / "work" / NAME


def _put_in_order(
    folder: Path, snapshot: Snapshot | None, lines: Iterable[bytes]
) -> dict[str, int]:
    """`lines`: the held-out rows of the snapshot, read only where scores do not tell of theirs."""
    target = folder / "work" / NAME
    if target.is_file():
        return counts_of(target) or {}
    if not _scores_path(folder).is_file():
        return {}
    rows = _described(folder)
    if not _tells_of_rows(folder):
        rows = iter(_joined(folder, lines) if _holds_pairs(snapshot) else ())
    counts = write_rows(target, numbered(in_order(rows)))
    if not counts:
        target.unlink()
    return counts


def _holds_pairs(snapshot: Snapshot | None) -> bool:
    return snapshot is not None and snapshot.holds == Snapshot.Holds.PREFERENCES


def _scores_path(folder: Path) -> Path:
    return folder / "work" / "test_scores.jsonl"


def _tells_of_rows(folder: Path) -> bool:
    """Whether the child wrote what each row is; once it wrote scores alone."""
    with _scores_path(folder).open(encoding="utf-8") as lines:
        first = next(lines, "{}")
    return "key" in json.loads(first)


def _described(folder: Path) -> Iterator[ScoredPair]:
    with _scores_path(folder).open(encoding="utf-8") as lines:
        rows = map(json.loads, lines)
        while batch := list(islice(rows, BATCH)):
            topics = _topics({row["prompt_id"] for row in batch})
            for row in batch:
                yield ScoredPair(
                    key=row["key"],
                    chosen=row["chosen"],
                    rejected=row["rejected"],
                    tie=row["tie"],
                    margin=row["margin"],
                    subsets={**row["subsets"], **topics.get(row["prompt_id"], {})},
                    kind=row.get("kind", "pair"),
                )


def _joined(folder: Path, lines: Iterable[bytes]) -> list[ScoredPair]:
    """Of an older run: scores meet rows by id, in order within one id; half-scored ids go."""
    scores: dict[int, list[Row]] = defaultdict(list)
    with _scores_path(folder).open(encoding="utf-8") as scored:
        for line in scored:
            score = json.loads(line)
            if {"id", "chosen", "rejected"} <= score.keys():
                scores[score["id"]].append(score)
    rows: dict[int, list[tuple[ScoredPair, int]]] = defaultdict(list)
    for line in lines:
        row = json.loads(line)
        if row["id"] in scores:
            rows[row["id"]].append((_unscored(row), row["prompt_id"]))
    topics = _topics({prompt for same in rows.values() for _, prompt in same})
    return [
        replace(
            pair,
            chosen=score["chosen"],
            rejected=score["rejected"],
            subsets={**pair.subsets, **topics.get(prompt, {})},
        )
        for row_id, same in rows.items()
        if len(same) == len(scores[row_id])
        for (pair, prompt), score in zip(same, scores[row_id], strict=True)
    ]


def _unscored(row: Row) -> ScoredPair:
    longer = len(row["chosen"]) > len(row["rejected"])
    return ScoredPair(
        key=pair_key(row["id"], row["prompt"], row["chosen"], row["rejected"]),
        chosen=0.0,
        rejected=0.0,
        tie=row["tie"],
        margin=row["margin"],
        subsets={"source": row["source"], "chosen": "longer" if longer else "not longer"},
    )


def _topics(ids: set[int]) -> dict[int, dict[str, str]]:
    """The language and topic of prompts that have them. One query."""
    found = Prompt.objects.filter(pk__in=ids).values_list("pk", "language", "taxonomy")
    return {
        pk: {name: value for name, value in (("language", language), ("topic", topic)) if value}
        for pk, language, topic in found
    }
