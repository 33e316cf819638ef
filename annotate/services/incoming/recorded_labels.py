"""What an imported judgement keeps beside its answer: of raw rows all that they tell."""

from collections.abc import Sequence
from typing import Any

from annotate.interchange.records import Given, Origin
from annotate.models import content_hash
from annotate.services.incoming import bulk
from annotate.services.incoming.canonical import encode

TOLD = (
    *("schema_version", "rationale", "flag", "simulated", "shown_order", "late", "is_gold"),
    *("submitted_at", "arrived_at", "started_at", "seconds_active", "origin"),
)


def told_of(
    told: Origin | Given | None, response_ids: Sequence[int], schema_version: int, now: str
) -> tuple[Any, ...]:
    """The columns of TOLD, as COPY takes them."""
    if told is None:
        nothing = (bulk.NULL, bulk.NULL, bulk.NULL, "{}")
        return schema_version, "", "", "f", "{}", "f", "f", now, *nothing
    if isinstance(told, Given):
        times = (told.submitted_at, now) if told.submitted_at else (now, bulk.NULL)
        seconds = bulk.NULL if told.seconds_active is None else told.seconds_active
        why = bulk.escape(told.rationale)
        return schema_version, why, "", "f", "{}", "f", "f", *times, bulk.NULL, seconds, "{}"
    origin = told
    order = ",".join(str(response_ids[place]) for place in origin.shown_order)
    return (
        origin.schema_version,
        bulk.escape(origin.rationale),
        bulk.escape(origin.flag),
        "t" if origin.simulated else "f",
        f"{{{order}}}",
        "t" if origin.late else "f",
        "t" if origin.gold else "f",
        origin.submitted_at,
        now,
        origin.started_at or bulk.NULL,
        bulk.NULL if origin.seconds_active is None else origin.seconds_active,
        bulk.escape_json(encode(origin.first)),
    )


def origin_key(judgement_id: int) -> str:
    """By which a row of a judgement with this id is known again."""
    return content_hash("raw", judgement_id)[:32]
