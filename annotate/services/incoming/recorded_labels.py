"""What an imported judgement keeps beside its answer: of raw rows all that they tell."""

from collections.abc import Iterable, Sequence
from typing import Any

from annotate.interchange.records import Given, Origin
from annotate.models import Installation, Judgement, Project, content_hash
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


def origin_key(judgement_id: int, installation: str) -> str:
    """By which a row of a judgement with this id is known again: ids are an installation's own.
    Rows that tell none are known among such rows by the id alone.
    """
    parts = (installation, judgement_id) if installation else (judgement_id,)
    return content_hash("raw", *parts)[:32]


def given_here(
    told: Iterable[tuple[int, str, Origin | Given | None]], project: Project
) -> set[tuple[int, str]]:
    """Of raw rows with their tasks and keys those of a judgement of this very task here, by the id
    that they have or first had in this installation and by when it was given: a copy of the
    database goes on with the same ids. Two queries, none without raw rows.
    """
    rows = [(task_id, key, said) for task_id, key, said in told if isinstance(said, Origin)]
    if not rows:
        return set()
    own = str(Installation.this())
    named = [
        (pk, task_id, key, said)
        for task_id, key, said in rows
        for installation, pk in (
            (said.installation, said.id),
            (said.first.get("installation"), said.first["id"]),
        )
        if installation == own
    ]
    kept = Judgement.objects.filter(project=project, pk__in=[pk for pk, *_ in named])
    there = {
        (pk, task_id, given.isoformat())
        for pk, task_id, given in kept.values_list("pk", "task_id", "submitted_at")
    }
    return {
        (task_id, key)
        for pk, task_id, key, said in named
        if (pk, task_id, said.submitted_at) in there
    }
