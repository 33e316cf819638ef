"""What the API answers of snapshots; `shapes` gives these with all others."""

from typing import Any, TypedDict


class Snapshot(TypedDict):
    id: int
    project: int
    number: int
    query: dict[str, Any]
    holds: str
    tie_rule: str
    aggregation: str
    split: dict[str, Any]
    row_format: int
    rows: int
    sha256: str
    consensus_rows: int
    consensus_sha256: str
    consensus_at: str | None
    files: list[str]
    created_at: str


class SnapshotFile(TypedDict):
    name: str
    split: str | None
    media_type: str
    url: str


class SnapshotComparison(TypedDict):
    """Judgements by what became of them since the older one: `counts` of change, cause, count."""

    older: int
    newer: int
    same: int
    counts: list[dict[str, Any]]
    settings: list[dict[str, Any]]
    consensus: dict[str, Any]


class ConsensusChange(TypedDict):
    snapshot: int
    task: int
    voices: str
    method: str
    version: int
    votes: int
    answers: list[dict[str, Any]]
    entropy: float
    divided: float
    shift: str


class SnapshotChange(TypedDict):
    id: int
    task: int
    source: str
    annotator: str | None
    judge: str | None
    change: str
    cause: str
    instead_of: int | None
