"""What distinguishes two snapshots of a project: which judgements came, went and changed, and why.

Told of judgements, not of rows: under the rule of the majority a row stands for several.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy as _

from annotate.models import Judgement, Snapshot
from annotate.models.judgement import ARRIVED

CHANGES = {"came": _("came"), "went": _("went"), "changed": _("changed")}
CAUSES = {
    "given_since": _("given since"),
    "taken_in": _("there before, but not taken then"),
    "answered_anew": _("answered anew by the same person or judge"),
    "turned": _("a second look turned the label round, or back"),
    "superseded": _("replaced by a later answer"),
    "left_out": _("not taken any more: other filters, or a review, tier, team or check since"),
}
NAMED = re.compile(r"%\((\w+)\)s")
SETTINGS = ("holds", "tie_rule", "aggregation", "row_format")
# A changed answer is told once, with the newer judgement.
DIFFERENT = f"""
SELECT j.id, j.task_id,
    CASE WHEN d.was AND d.now THEN 'changed' WHEN d.now AND anew.id IS NOT NULL THEN 'changed'
        WHEN d.now THEN 'came' ELSE 'went' END AS change,
    CASE WHEN d.was AND d.now THEN 'turned' WHEN d.now AND anew.id IS NOT NULL THEN 'answered_anew'
        WHEN d.now AND {ARRIVED} > %(made)s THEN 'given_since' WHEN d.now THEN 'taken_in'
        WHEN later.id IS NOT NULL THEN 'superseded' ELSE 'left_out' END AS cause,
    CASE WHEN d.now AND NOT d.was AND anew.id IS NOT NULL THEN j.supersedes_id END AS instead_of
FROM (
    SELECT judgement_id, bool_or(snapshot_id = %(older)s) AS was,
        bool_or(snapshot_id = %(newer)s) AS now
    FROM annotate_snapshotjudgement WHERE snapshot_id IN (%(older)s, %(newer)s)
    GROUP BY judgement_id
    HAVING count(*) = 1 OR min(coalesce(flip_id, 0)) <> max(coalesce(flip_id, 0))
) d
JOIN annotate_judgement j ON j.id = d.judgement_id
LEFT JOIN annotate_judgement later ON later.supersedes_id = j.id
LEFT JOIN annotate_snapshotjudgement instead
    ON instead.snapshot_id = %(newer)s AND instead.judgement_id = later.id
LEFT JOIN annotate_snapshotjudgement kept
    ON kept.snapshot_id = %(newer)s AND kept.judgement_id = j.supersedes_id
LEFT JOIN annotate_snapshotjudgement anew
    ON anew.snapshot_id = %(older)s AND anew.judgement_id = j.supersedes_id AND kept.id IS NULL
WHERE (d.now OR instead.id IS NULL)
"""
COUNTS = f"SELECT change, cause, count(*) FROM ({DIFFERENT}) found GROUP BY 1, 2"
SAME = """
SELECT count(*) FROM annotate_snapshotjudgement a JOIN annotate_snapshotjudgement b
ON b.snapshot_id = %(newer)s AND b.judgement_id = a.judgement_id
WHERE a.snapshot_id = %(older)s AND a.flip_id IS NOT DISTINCT FROM b.flip_id
"""


@dataclass(frozen=True)
class Change:
    """Of one judgement; `instead_of`: the older one that it took the place of."""

    change: str
    cause: str
    instead_of: int | None


@dataclass(frozen=True)
class Comparison:
    """`counts`: (change, cause, how many) of those that there are; `settings`: (name, older's,
    newer's) of filters, rules and split that differ.
    """

    same: int
    counts: list[tuple[str, str, int]]
    settings: list[tuple[str, Any, Any]]


def compare_snapshots(older: Snapshot, newer: Snapshot) -> Comparison:
    """Two queries, over the judgements of both."""
    params = _params(older, newer)
    found = {(change, cause): count for change, cause, count in _fetch(COUNTS, params)}
    order = [(change, cause) for change in CHANGES for cause in CAUSES]
    return Comparison(
        same=_fetch(SAME, params)[0][0],
        counts=[(*key, found[key]) for key in order if key in found],
        settings=_settings(older, newer),
    )


def changed_judgements(older: Snapshot, newer: Snapshot, change: str = "") -> QuerySet[Judgement]:
    """Those that came, went or changed; `change` names one of CHANGES, or none for all."""
    named = {**_params(older, newer), "chosen": change}
    ids = f"SELECT id FROM ({DIFFERENT}) found WHERE %(chosen)s IN ('', change)"
    names = NAMED.findall(ids)  # the ORM takes parameters by place alone
    return Judgement.objects.filter(
        pk__in=RawSQL(NAMED.sub("%s", ids), [named[name] for name in names])
    )


def changes_of(older: Snapshot, newer: Snapshot, ids: Iterable[int]) -> dict[int, Change]:
    """By judgement, of a page's. One query."""
    params = {**_params(older, newer), "ids": list(ids)}
    rows = _fetch(
        f"SELECT id, change, cause, instead_of FROM ({DIFFERENT} AND j.id = ANY(%(ids)s)) found",
        params,
    )
    return {row[0]: Change(*row[1:]) for row in rows}


def _settings(older: Snapshot, newer: Snapshot) -> list[tuple[str, Any, Any]]:
    def all_of(snapshot: Snapshot) -> dict[str, Any]:
        rules = {name: getattr(snapshot, name) for name in SETTINGS}
        return {**snapshot.query, **rules, "test_percent": snapshot.split["test_percent"]}

    was, now = all_of(older), all_of(newer)
    names = [*was, *(name for name in now if name not in was)]
    return [
        (name, was.get(name), now.get(name)) for name in names if was.get(name) != now.get(name)
    ]


def _params(older: Snapshot, newer: Snapshot) -> dict[str, Any]:
    return {"older": older.pk, "newer": newer.pk, "made": older.created_at}


def _fetch(statement: str, params: dict[str, Any]) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
