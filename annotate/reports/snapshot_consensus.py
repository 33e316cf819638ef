"""What the tasks of two snapshots came to, side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from annotate.models import Snapshot, SnapshotConsensus
from annotate.quality.methods import DIVIDED

SHIFTS = {
    "other_answer": _("came to another answer"),
    "divergent": _("are divergent now: people are of two minds"),
    "settled": _("are divergent no more"),
    "surer": _("the same answer, less doubt"),
    "less_sure": _("the same answer, more doubt"),
    "otherwise": _("the same answer from other votes"),
    "came": _("are new"),
    "went": _("are there no more"),
}
# What a task came to, without how sure that is.
SAID = " || ".join(
    f"jsonb_build_array(jsonb_path_query_array({{0}}.answers, '$[*].{path}'))"
    for path in (
        *("question", "about", "label", "order"),
        *("spans[*].start", "spans[*].end", "spans[*].type"),
    )
)
SHIFTED = f"""
SELECT coalesce(n.id, o.id) AS id, CASE
    WHEN o.id IS NULL THEN 'came' WHEN n.id IS NULL THEN 'went'
    WHEN {SAID.format("o")} <> {SAID.format("n")} THEN 'other_answer'
    WHEN n.divided > %s AND o.divided <= %s THEN 'divergent'
    WHEN n.divided <= %s AND o.divided > %s THEN 'settled'
    WHEN n.entropy < o.entropy THEN 'surer' WHEN n.entropy > o.entropy THEN 'less_sure'
    WHEN n.answers <> o.answers OR n.votes <> o.votes OR n.version <> o.version
        OR n.divided <> o.divided THEN 'otherwise'
    ELSE 'same' END AS shift
FROM (SELECT * FROM annotate_snapshotconsensus WHERE snapshot_id = %s) o
FULL JOIN (SELECT * FROM annotate_snapshotconsensus WHERE snapshot_id = %s) n
    ON n.task_id = o.task_id AND n.voices = o.voices AND n.method = o.method
"""


@dataclass(frozen=True)
class ConsensusComparison:
    """Rows: of how many nothing changed, and how many there are of each of SHIFTS."""

    same: int
    counts: list[tuple[str, int]]


def compare_consensus(older: Snapshot, newer: Snapshot) -> ConsensusComparison:
    """One query, over the consensus of both."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT shift, count(*) FROM ({SHIFTED}) found GROUP BY 1", _params(older, newer)
        )
        found: dict[str, int] = dict(cursor.fetchall())
    return ConsensusComparison(
        found.get("same", 0), [(shift, found[shift]) for shift in SHIFTS if shift in found]
    )


def shifted_consensus(
    older: Snapshot, newer: Snapshot, shift: str = ""
) -> QuerySet[SnapshotConsensus]:
    """The rows of which anything changed; of those that went, the older's.

    `shift` names one of SHIFTS, or none for all.
    """
    found = f"SELECT id FROM ({SHIFTED}) found WHERE shift <> 'same' AND %s IN ('', shift)"
    return SnapshotConsensus.objects.filter(
        pk__in=RawSQL(found, [*_params(older, newer), shift])
    ).order_by("pk")


def shifts_of(older: Snapshot, newer: Snapshot, ids: Iterable[int]) -> dict[int, str]:
    """By row, of a page's. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, shift FROM ({SHIFTED}) found WHERE id = ANY(%s)",
            [*_params(older, newer), list(ids)],
        )
        return dict(cursor.fetchall())


def _params(older: Snapshot, newer: Snapshot) -> list[Any]:
    return [*[DIVIDED] * 4, older.pk, newer.pk]
