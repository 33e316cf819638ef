"""What the tasks of a snapshot came to: copied while it is made, hashed, and read again as rows.

Copied is the project's consensus as its latest report on quality left it, of the snapshot's tasks
and of those voices that it has labels of. A row of docs/formats.md#consensus-of-a-snapshot each.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from annotate.models import Project, Snapshot
from annotate.models.judgement import ARRIVED
from annotate.quality.methods import DIVIDED, VERSIONS

BATCH = 2000
COLUMNS = {
    **{"task_id": "integer", "prompt_id": "integer", "split": "text", "responses": "integers"},
    **{"judgements": "integers", "voices": "text", "method": "text", "version": "integer"},
    **{"votes": "integer", "answers": "json", "entropy": "number", "divided": "number"},
    "divergent": "flag",
}
VOICE_OF = (
    "CASE WHEN j.source = 'judge' THEN 'judges' WHEN j.simulated THEN 'simulated' ELSE 'human' END"
)
FROZEN = "tandem_frozen f JOIN annotate_judgement j ON j.id = f.judgement_id"
KEPT = "annotate_snapshotjudgement f JOIN annotate_judgement j ON j.id = f.judgement_id"
COPY = f"""
CREATE TEMPORARY TABLE tandem_consensus ON COMMIT DROP AS
SELECT c.task_id, c.voices, c.method, c.version, c.votes, c.answers, c.entropy, c.divided,
    c.computed_at
FROM annotate_consensus c
JOIN (SELECT DISTINCT j.task_id, {VOICE_OF} AS voices FROM {FROZEN}) said
    ON said.task_id = c.task_id AND said.voices = c.voices
JOIN annotate_task t ON t.id = c.task_id
JOIN annotate_prompt p ON p.id = t.prompt_id
JOIN unnest(%s::text[], %s::int[]) known (method, version)
    ON known.method = c.method AND known.version = c.version
WHERE c.project_id = %s AND NOT (c.voices = 'judges' AND p.split_bucket < %s)
"""
KEEP = """
INSERT INTO annotate_snapshotconsensus
    (snapshot_id, task_id, voices, method, version, votes, answers, entropy, divided)
SELECT %s, task_id, voices, method, version, votes, answers, entropy, divided
FROM tandem_consensus ORDER BY task_id, voices, method
"""
ROWS = """
SELECT c.task_id, c.voices, c.method, c.version, c.votes, c.answers::text, c.entropy, c.divided,
    t.prompt_id, p.split_bucket
FROM {source} c JOIN annotate_task t ON t.id = c.task_id
JOIN annotate_prompt p ON p.id = t.prompt_id
WHERE {where} AND c.task_id > %s AND c.task_id <= %s ORDER BY c.task_id, c.voices, c.method
"""
# The last task of the next batch.
LAST = """
SELECT max(task_id) FROM (
    SELECT DISTINCT task_id FROM {source} c WHERE {where} AND task_id > %s
    ORDER BY task_id LIMIT %s
) next
"""
RESPONSES = """
SELECT task_id, array_agg(response_id ORDER BY position) FROM annotate_taskresponse
WHERE task_id = ANY(%s) GROUP BY 1
"""
JUDGEMENTS = f"""
SELECT j.task_id, {VOICE_OF}, array_agg(j.id ORDER BY j.id) FROM {{kept}}
WHERE {{where}} AND j.task_id = ANY(%s) GROUP BY 1, 2
"""


@dataclass(frozen=True)
class KeptConsensus:
    """Of the rows copied: how many, their hash, and when the oldest was computed. `newer`: the
    frozen judgements that came after; `divergent` and `by_method` count rows.
    """

    rows: int = 0
    sha256: str = ""
    at: datetime | None = None
    newer: int = 0
    divergent: int = 0
    by_method: tuple[tuple[str, int], ...] = ()


def copy_consensus(project: Project, on_row: Callable[[], object] | None = None) -> KeptConsensus:
    """Copy the rows for what `tandem_frozen` holds into the temporary table `tandem_consensus`.

    Within the transaction that froze the judgements. `on_row` is called at every row.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            COPY, [list(VERSIONS), list(VERSIONS.values()), project.pk, project.test_percent]
        )
        cursor.execute("CREATE UNIQUE INDEX ON tandem_consensus (task_id, voices, method)")
        cursor.execute("ANALYZE tandem_consensus")
    [(rows, at, divergent)] = _fetch(
        "SELECT count(*), min(computed_at), count(*) FILTER (WHERE divided > %s)"
        " FROM tandem_consensus",
        [DIVIDED],
    )
    if not rows:
        return KeptConsensus()
    digest = hashlib.sha256()
    copied = _Source("tandem_consensus", "true", (), FROZEN, "true", ())
    for row in _rows(copied, project.test_percent):
        digest.update(_line(row))
        if on_row:
            on_row()
    [(newer,)] = _fetch(f"SELECT count(*) FROM {FROZEN} WHERE {ARRIVED} > %s", [at])
    methods = _fetch("SELECT method, count(*) FROM tandem_consensus GROUP BY 1 ORDER BY 1", [])
    return KeptConsensus(rows, digest.hexdigest(), at, newer, divergent, tuple(methods))


def keep_consensus(snapshot: Snapshot) -> None:
    """Write what `copy_consensus` copied as the snapshot's."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP, [snapshot.pk])
        cursor.execute("DROP TABLE tandem_consensus")


def consensus_rows(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """Its rows in order of task, voices and method. Four queries a batch."""
    mine = (snapshot.pk,)
    source = _Source(
        *("annotate_snapshotconsensus", "c.snapshot_id = %s", mine),
        *(KEPT, "f.snapshot_id = %s", mine),
    )
    return _rows(source, snapshot.split["test_percent"])


def stream_consensus_lines(snapshot: Snapshot) -> Iterator[bytes]:
    """The rows as JSON lines; over these bytes its hash is."""
    return map(_line, consensus_rows(snapshot))


@dataclass(frozen=True)
class _Source:
    """Where rows `c` are, and where the judgements `j` of their snapshot."""

    table: str
    where: str
    params: tuple[Any, ...]
    judgements: str
    judgements_where: str
    judgements_params: tuple[Any, ...]


def _rows(source: _Source, test_percent: int) -> Iterator[dict[str, Any]]:
    place = {"source": source.table, "where": source.where}
    said = JUDGEMENTS.format(kept=source.judgements, where=source.judgements_where)
    after = 0
    while True:
        [(last,)] = _fetch(LAST.format(**place), [*source.params, after, BATCH])
        if last is None:
            return
        found = _fetch(ROWS.format(**place), [*source.params, after, last])
        tasks = sorted({row[0] for row in found})
        responses = dict(_fetch(RESPONSES, [tasks]))
        judgements = {
            (task, voices): ids
            for task, voices, ids in _fetch(said, [*source.judgements_params, tasks])
        }
        for (
            task,
            voices,
            method,
            version,
            votes,
            answers,
            entropy,
            divided,
            prompt,
            bucket,
        ) in found:
            yield {
                "task_id": task,
                "prompt_id": prompt,
                "split": "test" if bucket < test_percent else "train",
                "responses": responses.get(task, []),
                "judgements": judgements[task, voices],
                "voices": voices,
                "method": method,
                "version": version,
                "votes": votes,
                "answers": json.loads(answers),
                "entropy": entropy,
                "divided": divided,
                "divergent": divided > DIVIDED,
            }
        after = last


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _fetch(statement: str, params: list[Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
