"""Evaluation sets: from a file to frozen rows.

evaluation_sets/<project>/<kind>-<hash>.jsonl has a canonical line for each row, and beside it
….npz the columns that figures need: prompt and subset of each row as numbers, length differences.
"""

import hashlib
import json
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from django.db import IntegrityError, transaction

from annotate.inputs import clean_choice, clean_text
from annotate.interchange.records import RowError
from annotate.kinds import InvalidValue
from annotate.models import Project, Prompt, SnapshotJudgement, User, content_hash
from annotate.services import audit
from annotate.services.incoming.imports import configured_limits
from training import folders
from training.data.evaluation_files import EvaluationItem, read_items
from training.models import EvaluationRun, EvaluationSet, ModelVersion

Kind = EvaluationSet.Kind
MOST_ROWS = 500_000
SHOWN_ERRORS = 100
BATCH = 1000  # prompts looked up at once


class BadRows(Exception):
    """Rows of the file were refused, so the set was not made; `errors` holds the first of them."""

    def __init__(self, count: int, errors: list[RowError]) -> None:
        first = errors[0]
        where = f"line {first.line}" + (f", field {first.field}" if first.field else "")
        super().__init__(f"{count} rows were refused; {where}: {first.message}")
        self.count = count
        self.errors = errors


@dataclass
class _Columns:
    """What is kept of rows while they are read."""

    digest: Any = field(default_factory=hashlib.sha256)
    prompt: "array[int]" = field(default_factory=lambda: array("i"))
    subset: "array[int]" = field(default_factory=lambda: array("i"))
    length_gap: "array[int]" = field(default_factory=lambda: array("q"))
    prompts: dict[str, int] = field(default_factory=dict)
    subsets: dict[str, int] = field(default_factory=dict)

    def add(self, item: EvaluationItem, line: bytes) -> None:
        self.digest.update(line)
        hashed = prompt_hash(item.prompt)
        self.prompt.append(self.prompts.setdefault(hashed, len(self.prompts)))
        self.subset.append(self.subsets.setdefault(item.subset, len(self.subsets)))
        self.length_gap.append(len(item.chosen) - len(item.rejected))


def add_evaluation_set(
    *,
    project: Project,
    actor: User | None,
    name: str,
    kind: str,
    stream: BinaryIO,
    file_name: str,
    leave_out: bool = False,
) -> EvaluationSet:
    """Read the whole file and keep its rows, or none of them.

    leave_out: keep the other rows where some are refused, and count those. Raises InvalidValue
    for the name, the kind, or a set that is there already; BadRows when any row is refused, or
    with `leave_out` all. A query for every thousand prompts.
    """
    name = clean_text("name", name, max_chars=100, required=True, lines=False).strip()
    kind = clean_choice("kind", kind, Kind.values)
    folder = folders.evaluation_rows(project.pk, kind, "").parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".partial") as kept:
        columns, left_out = _keep(stream, kind, file_name, kept, leave_out=leave_out)
        sha256 = columns.digest.hexdigest()
        counts = Counter(columns.subset)
        found = EvaluationSet(
            project=project,
            name=name,
            kind=kind,
            file_name=Path(file_name).name[:255],
            sha256=sha256,
            rows=len(columns.prompt),
            prompts=len(columns.prompts),
            left_out=left_out,
            subsets={one: counts[place] for one, place in columns.subsets.items()}
            if kind == Kind.PAIRS
            else {},
            overlap=_overlap(project, columns.prompts),
            created_by=actor,
        )
        with transaction.atomic():
            _save(found)
            target = folders.evaluation_rows(project.pk, kind, sha256)
            _write_columns(target, columns)
            kept.flush()
            partial = target.with_name(f".{target.name}.partial")
            partial.unlink(missing_ok=True)
            partial.hardlink_to(kept.name)
            partial.replace(target)
            audit.record(
                action="training.evaluation_set_added",
                target=found,
                actor=actor,
                project=project,
                sha256=sha256,
                rows=found.rows,
                left_out=left_out,
            )
    return found


def _keep(
    stream: BinaryIO, kind: str, file_name: str, kept: Any, *, leave_out: bool
) -> tuple[_Columns, int]:
    columns, errors, refused = _Columns(), [], 0
    for row in read_items(stream, kind=kind, file_name=file_name, limits=configured_limits()):
        if isinstance(row, RowError):
            refused += 1
            errors += [row] if len(errors) < SHOWN_ERRORS or row.fatal else []
            continue
        if len(columns.prompt) == MOST_ROWS:
            raise InvalidValue(
                "file", "has more than {most} rows; send it in parts", most=MOST_ROWS
            )
        line = json.dumps(_canonical(row, kind), ensure_ascii=False, sort_keys=True).encode()
        kept.write(line + b"\n")
        columns.add(row, line + b"\n")
    whole = not any(error.fatal for error in errors)
    if errors and not (leave_out and whole and columns.prompt):
        raise BadRows(refused, errors)
    if not columns.prompt:
        raise InvalidValue("file", "holds no row; send at least one")
    return columns, refused


def _canonical(item: EvaluationItem, kind: str) -> dict[str, Any]:
    row: dict[str, Any] = {"id": item.id, "prompt": list(item.prompt)}
    if kind == Kind.PAIRS:
        row |= {"chosen": item.chosen, "rejected": item.rejected, "subset": item.subset}
    return row


def _save(found: EvaluationSet) -> None:
    try:
        with transaction.atomic():
            found.save()
    except IntegrityError as error:
        if "evaluation_set_name_unique" in str(error):
            raise InvalidValue("name", "another set has it; choose one of its own") from error
        if "evaluation_set_rows_unique" not in str(error):
            raise
        same = EvaluationSet.objects.get(
            project=found.project, kind=found.kind, sha256=found.sha256
        )
        raise InvalidValue(
            "file", "has the rows of {same} already; use that set", same=same
        ) from error


def _write_columns(target: Path, columns: _Columns) -> None:
    partial = target.with_name(f".{target.name}.npz.partial")
    with partial.open("wb") as out:
        np.savez(
            out,
            prompt=np.array(columns.prompt, dtype=np.int32),
            subset=np.array(columns.subset, dtype=np.int32),
            length_gap=np.array(columns.length_gap, dtype=np.int64),
            subsets=np.array(list(columns.subsets)),
            hashes=np.frombuffer(bytes.fromhex("".join(columns.prompts)), np.uint8).reshape(-1, 32),
        )
    partial.replace(columns_path(target))


def columns_path(rows: Path) -> Path:
    return rows.with_suffix(".npz")


@dataclass(frozen=True)
class SetColumns:
    """`prompt_N`, `subset_N`: numbers; `subsets`: names; `hashes`: of the prompts, by number."""

    prompt_N: np.ndarray
    subset_N: np.ndarray
    length_gap_N: np.ndarray
    subsets: list[str]
    hashes: list[str]

    @property
    def names_N(self) -> list[str]:
        return [self.subsets[place] for place in self.subset_N]


def read_columns(found: EvaluationSet) -> SetColumns:
    """Raises InvalidValue when the set's files are gone."""
    path = columns_path(folders.evaluation_rows(found.project_id, found.kind, found.sha256))
    try:
        with np.load(path) as stored:
            return SetColumns(
                stored["prompt"],
                stored["subset"],
                stored["length_gap"],
                stored["subsets"].tolist(),
                [row.tobytes().hex() for row in stored["hashes"]],
            )
    except FileNotFoundError as error:
        raise _gone(found) from error


def frozen_rows(found: EvaluationSet) -> Path:
    """The file of the set's rows. Raises InvalidValue when it is gone or was changed."""
    path = folders.evaluation_rows(found.project_id, found.kind, found.sha256)
    if not path.is_file():
        raise _gone(found)
    with path.open("rb") as rows:
        if hashlib.file_digest(rows, "sha256").hexdigest() != found.sha256:
            raise InvalidValue(
                "evaluation_set",
                "the rows of {found} were changed since it was added; delete it and add it anew",
                found=found,
            )
    return path


def _gone(found: EvaluationSet) -> InvalidValue:
    return InvalidValue(
        "evaluation_set",
        "the files of {found} are missing; delete it and add it anew",
        found=found,
    )


@transaction.atomic
def delete_evaluation_set(*, evaluation_set: EvaluationSet, actor: User | None) -> None:
    """Remove a set that no run has looked at. Raises InvalidValue for others."""
    if EvaluationRun.objects.filter(evaluation_set=evaluation_set).exists():
        raise InvalidValue(
            "evaluation_set", "was used by a run, whose figures would say nothing without it"
        )
    path = folders.evaluation_rows(
        evaluation_set.project_id, evaluation_set.kind, evaluation_set.sha256
    )
    audit.record(
        action="training.evaluation_set_deleted",
        target=evaluation_set,
        actor=actor,
        project=evaluation_set.project,
        sha256=evaluation_set.sha256,
    )
    evaluation_set.delete()
    transaction.on_commit(lambda: _unlink(path, columns_path(path)))


def _unlink(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def prompt_hash(prompt: Iterable[dict[str, str]]) -> str:
    """As `Prompt.content_hash` of the same conversation without references."""
    turns = list(prompt)
    system = turns[0]["content"] if turns and turns[0]["role"] == "system" else ""
    return content_hash(system, turns[1:] if system else turns)


def _overlap(project: Project, hashes: Iterable[str]) -> dict[str, int]:
    """How many of the prompts the project has, and how many of those it may train on."""
    known = [row for batch in _known_prompts(project, hashes) for row in batch]
    trainable = sum(bucket >= project.test_percent for _, _, bucket in known)
    return {"prompts": len(known), "trainable": trainable}


def _known_prompts(project: Project, hashes: Iterable[str]) -> Iterator[list[tuple[int, str, int]]]:
    """(id, hash, bucket of the split) of the project's prompts with these hashes, in batches."""
    wanted = list(hashes)
    for start in range(0, len(wanted), BATCH):
        found = Prompt.objects.filter(
            project=project, content_hash__in=wanted[start : start + BATCH]
        )
        yield list(found.values_list("pk", "content_hash", "split_bucket"))


def trained_prompts(run: EvaluationRun, hashes: Iterable[str]) -> set[str]:
    """The hashes of prompts on which the evaluated version, or one before it, was trained.

    Two queries for every thousand prompts, and two for each version before.
    """
    percent_of: dict[int, int] = {}
    version: ModelVersion | None = run.model_version
    while version is not None:
        snapshot = version.run.snapshot
        if snapshot is not None:
            percent_of[snapshot.pk] = snapshot.split.get("test_percent", 0)
        version = version.parent
    found: set[str] = set()
    for batch in _known_prompts(run.project, hashes):
        known = {pk: (hashed, bucket) for pk, hashed, bucket in batch}
        there = SnapshotJudgement.objects.filter(
            snapshot__in=percent_of, judgement__task__prompt__in=known
        ).values_list("snapshot", "judgement__task__prompt")
        for snapshot_id, pk in there.distinct():
            hashed, bucket = known[pk]
            if bucket >= percent_of[snapshot_id]:
                found.add(hashed)
    return found
