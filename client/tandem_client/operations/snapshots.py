"""Snapshots: judgements frozen for training."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tandem_client.core.files import saved
from tandem_client.core.lines import read_lines
from tandem_client.core.methods import Flow, Group, M, call, flow
from tandem_client.core.paging import read_pages
from tandem_client.core.plans import Emit, Plan, ask
from tandem_client.core.requests import Request, get, given, path_of, send
from tandem_client.errors import Interrupted
from tandem_client.shapes import (
    ConsensusChange,
    Row,
    Snapshot,
    SnapshotChange,
    SnapshotComparison,
    SnapshotFile,
)

# `list` is a method below.
Paths = list[Path]
Files = list[SnapshotFile]


@dataclass(slots=True)
class Comparison:
    """What distinguishes the rows of two snapshots, with the first rows of each sort."""

    same: int = 0
    came: int = 0
    went: int = 0
    came_rows: list[Row] = field(default_factory=list)
    went_rows: list[Row] = field(default_factory=list)


class Snapshots(Group[M]):
    @flow
    def list(self, project: int) -> Flow[Snapshot]:
        return Flow(read_pages(path_of("projects", project, "snapshots")))

    @call
    def create(
        self,
        project: int,
        *,
        query: Row | None = None,
        tie_rule: str | None = None,
        aggregation: str | None = None,
    ) -> Plan[Snapshot]:
        """Freeze the judgements that the query selects now; `query` as an export's filters."""
        body = given(query=query, tie_rule=tie_rule, aggregation=aggregation)
        return ask(send("POST", path_of("projects", project, "snapshots"), body))

    @call
    def get(self, snapshot: int) -> Plan[Snapshot]:
        return ask(get(path_of("snapshots", snapshot)))

    @flow
    def rows(self, snapshot: int, name: str = "train.jsonl") -> Flow[Row]:
        """The rows of one of its files, as they come."""
        return Flow(read_lines(_file(snapshot, name)))

    @call
    def files(self, snapshot: int) -> Plan[Files]:
        """All of its files: JSON lines, Parquet in parts by split, consensus, the card."""
        return ask(get(path_of("snapshots", snapshot, "files")))

    @call
    def save(self, snapshot: int, name: str, path: str | os.PathLike[str]) -> Plan[int]:
        """Write one file, which appears when it is whole; its size in bytes."""
        return saved(_file(snapshot, name), path)

    @call
    def download(
        self, snapshot: int, folder: str | os.PathLike[str], *, file_type: str = "jsonl"
    ) -> Plan[Paths]:
        """Write its files into the folder, which is made if need be.

        Of "jsonl" train.jsonl and test.jsonl; raises Interrupted where they do not hold as many
        rows as the snapshot has. Of "parquet" the data card, the parts and the consensus, a folder
        that `datasets.load_dataset` reads. `save` has consensus.jsonl, too.
        """
        if file_type not in ("jsonl", "parquet"):
            raise ValueError(f"file_type is {file_type!r}; it is jsonl or parquet")
        wanted = _downloaded if file_type == "jsonl" else _downloaded_parts
        return wanted(snapshot, Path(folder))

    @call
    def compare(self, older: int, newer: int, *, most: int = 10) -> Plan[Comparison]:
        """What came and what went between two snapshots; up to `most` rows of each sort.

        Keeps 16 bytes in memory for each row of the older one.
        """
        return _compared(older, newer, most)

    @call
    def count_changes(self, older: int, newer: int) -> Plan[SnapshotComparison]:
        """How many judgements came, went and changed, by cause, and what differs in the settings;
        the server counts.
        """
        return ask(get(path_of("snapshots", newer, "comparison"), {"with": older}))

    @flow
    def changes(self, older: int, newer: int, *, change: str | None = None) -> Flow[SnapshotChange]:
        """The judgements that came, went or changed, each with its cause."""
        path = path_of("snapshots", newer, "changes")
        return Flow(read_pages(path, **{"with": older, "change": change}))

    @flow
    def consensus_changes(
        self, older: int, newer: int, *, shift: str | None = None
    ) -> Flow[ConsensusChange]:
        """What tasks came to that is not as it was, a row a task and method."""
        path = path_of("snapshots", newer, "consensus-changes")
        return Flow(read_pages(path, **{"with": older, "shift": shift}))


def _file(snapshot: int, name: str) -> Request:
    path = path_of("snapshots", snapshot, "files", name).rstrip("/")
    return get(path, streamed=True)


def _downloaded(snapshot: int, folder: Path) -> Plan[Paths]:
    told: Snapshot = yield from ask(get(path_of("snapshots", snapshot)))
    folder.mkdir(parents=True, exist_ok=True)
    paths, rows = [], 0
    for name in told["files"]:
        path = folder / Path(name).name
        yield from saved(_file(snapshot, name), path)
        with path.open("rb") as file:
            rows += sum(1 for _ in file)
        paths.append(path)
    if rows != told["rows"]:
        raise Interrupted(
            f"{folder} has {rows} rows of snapshot {snapshot}, which holds {told['rows']}. "
            "Download it again."
        )
    return paths


def _downloaded_parts(snapshot: int, folder: Path) -> Plan[Paths]:
    files: Files = yield from ask(get(path_of("snapshots", snapshot, "files")))
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file in files:
        if file["name"].endswith(".jsonl"):
            continue
        path = folder / Path(file["name"]).name
        yield from saved(_file(snapshot, file["name"]), path)
        paths.append(path)
    return paths


def _compared(older: int, newer: int, most: int) -> Plan[Comparison]:
    found = Comparison()
    left: Counter[bytes] = Counter()
    yield from _each(older, lambda row: left.update((_digest(row),)))

    def meet(row: Row) -> None:
        digest = _digest(row)
        if left[digest]:
            left[digest] -= 1
            found.same += 1
        else:
            found.came += 1
            if len(found.came_rows) < most:
                found.came_rows.append(row)

    def miss(row: Row) -> None:
        digest = _digest(row)
        if left[digest]:
            left[digest] -= 1
            if len(found.went_rows) < most:
                found.went_rows.append(row)

    yield from _each(newer, meet)
    found.went = left.total()
    if found.went and most:
        yield from _each(older, miss)
    return found


def _each(snapshot: int, look: Callable[[Row], object]) -> Plan[None]:
    """Show every row of all its files."""
    told: Snapshot = yield from ask(get(path_of("snapshots", snapshot)))
    for name in told["files"]:
        rows = read_lines(_file(snapshot, name))
        try:
            effect = next(rows)
            while True:
                if isinstance(effect, Emit):
                    for row in effect.items:
                        look(row)
                    effect = next(rows)
                else:
                    effect = rows.send((yield effect))
        except StopIteration:
            continue


def _digest(row: Row) -> bytes:
    text = json.dumps(row, ensure_ascii=False, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
