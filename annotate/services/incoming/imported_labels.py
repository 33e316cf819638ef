"""Labels and answers that a file brought along, as judgements with source `imported`.

A label is known again by its item's id, its annotator and its place among the annotator's labels
of that task. Sent again unchanged it adds nothing; changed, it supersedes the old one. A label
with neither id nor annotator is known by what it says. One that a reviewer amended stays so.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils import timezone

from annotate.interchange.fitting import Fit
from annotate.interchange.records import ImportedItem, ImportedLabel
from annotate.models import Judgement, Project, content_hash
from annotate.services.incoming import bulk
from annotate.services.incoming.canonical import encode


@dataclass(frozen=True, slots=True)
class LabelledItem:
    source: ImportedItem
    response_ids: tuple[int, ...]
    task_ids: dict[tuple[int, ...], int]
    """By the positions of their responses."""


@dataclass(frozen=True, slots=True)
class _Known:
    judgement_id: int
    revisions: int
    value: dict[str, Any]
    amended: bool


Identity = tuple[int, str, str]  # task, author, key


@dataclass(frozen=True, slots=True)
class Written:
    count: int
    outcomes: dict[int, str]
    """ "created" or "updated" by the place in `items`; unchanged ones are missing."""


def store_labels(*, project: Project, fit: Fit, items: list[LabelledItem]) -> Written:
    """Write new and changed labels and answers."""
    wanted: dict[Identity, tuple[int, dict[str, Any]]] = {}
    for place, item in enumerate(items):
        values = _values(item, fit) if item.source.tasks is None else _answers(item, fit)
        for identity, value in values:
            wanted.setdefault(identity, (place, value))
    there = _existing(list({task_id for task_id, _, _ in wanted}))
    outcomes: dict[int, str] = {}
    rows = []
    now = timezone.now().isoformat()
    for (task_id, author, key), (place, value) in wanted.items():
        known = there.get((task_id, author, key))
        if known and (known.amended or known.value == value):
            continue
        if outcomes.get(place) != "created":
            outcomes[place] = "updated" if known else "created"
        rows.append(
            bulk.line(
                *(project.pk, task_id, project.kind, fit.schema_version),
                *(bulk.escape_json(encode(value)), "", ""),
                *("imported", "f", bulk.escape(author), "{}", "f", now),
                known.judgement_id if known else bulk.NULL,
                f"{key}.{known.revisions}" if known else key,
            )
        )
    bulk.copy_rows(Judgement, COLUMNS, rows)
    return Written(len(rows), outcomes)


COLUMNS = (
    *("project_id", "task_id", "kind", "schema_version", "value", "rationale", "flag"),
    *("source", "simulated", "imported_author", "shown_order", "late", "submitted_at"),
    *("supersedes_id", "idempotency_key"),
)


def _answers(item: LabelledItem, fit: Fit) -> Iterator[tuple[Identity, dict[str, Any]]]:
    source = item.source
    for task in source.tasks or ():
        task_id = item.task_ids[task.positions]
        places: Counter[str] = Counter()
        for answer in task.answers:
            value = fit.stored(source, task, answer.value, item.response_ids)
            author = answer.annotator or ""
            yield (task_id, author, _key(source, author, places[author], value)), value
            places[author] += 1


def _values(item: LabelledItem, fit: Fit) -> Iterator[tuple[Identity, dict[str, Any]]]:
    source = item.source
    levels = fit.settings.strength_levels
    places: Counter[tuple[int, str]] = Counter()
    for label in source.labels:
        task_id = item.task_ids.get((label.first, label.second))
        if task_id is None:
            continue  # two equal texts: there is no such pair
        author = label.annotator or ""
        value = _value(label, item.response_ids, levels)
        place = places[task_id, author]
        places[task_id, author] += 1
        yield (task_id, author, _key(source, author, place, value)), value


def _key(source: ImportedItem, author: str, place: int, value: dict[str, Any]) -> str:
    said = None if source.external_id or author else value
    return content_hash(source.external_id, place, said)[:32]


def _value(label: ImportedLabel, response_ids: tuple[int, ...], levels: int) -> dict[str, Any]:
    if label.preferred is None:
        return {"verdict": label.verdict}
    value: dict[str, Any] = {
        "verdict": label.verdict,
        "preferred": response_ids[label.preferred],
        "strength": min(label.strength or 1, levels),
    }
    if label.margin is not None:
        value["margin"] = label.margin
    return value


def _existing(task_ids: list[int]) -> dict[Identity, _Known]:
    """The newest revision of every imported judgement of the tasks."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.task_id, j.imported_author, j.idempotency_key, j.id, j.value,"
            " EXISTS (SELECT FROM annotate_judgement n"
            "         WHERE n.supersedes_id = j.id AND n.source = 'person')"
            " FROM annotate_judgement j WHERE j.task_id = ANY(%s) AND j.source = 'imported'"
            " ORDER BY j.id",
            [task_ids],
        )
        known: dict[Identity, _Known] = {}
        for task_id, author, key, pk, value, amended in cursor.fetchall():
            identity = (task_id, author, key.partition(".")[0])
            revisions = known[identity].revisions + 1 if identity in known else 1
            known[identity] = _Known(pk, revisions, json.loads(value), amended)
        return known
