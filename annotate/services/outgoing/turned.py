"""Labels that were turned round, as exports and snapshots read them: by SQL, a batch at a time."""

from collections.abc import Mapping
from typing import Any

from annotate.interchange.preferences import Judged

# The newest of each up to a moment; without a value it takes an earlier one back.
FLIPS = """
SELECT DISTINCT ON (judgement_id) judgement_id, value, why FROM annotate_labelflip
WHERE id <= %s AND judgement_id = ANY(%s) ORDER BY judgement_id, id DESC
"""
SNAPSHOT_FLIPS = """
SELECT f.judgement_id, l.value, l.why
FROM annotate_snapshotjudgement f JOIN annotate_labelflip l ON l.id = f.flip_id
WHERE f.snapshot_id = %s AND f.judgement_id = ANY(%s)
"""
FLIP_IN_FORCE = """(
    SELECT CASE WHEN l.value IS NULL THEN NULL ELSE l.id END FROM annotate_labelflip l
    WHERE l.judgement_id = j.id AND l.id <= {} ORDER BY l.id DESC LIMIT 1)"""


def turn(row: Judged, value: Mapping[str, Any], why: Mapping[str, Any]) -> Judged:
    """The row with its turned value; its provenance, if any, tells what the judge said."""
    provenance = row.provenance
    if provenance:
        provenance = {**provenance, "flipped": {"as_judged": row.value, "why": why}}
    return row._replace(value=value, provenance=provenance, flipped=True)
