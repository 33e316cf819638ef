"""Labels and answers that a file brought along, as judgements with source `imported`.

A label is known again by its item's id, its annotator and its place among the annotator's labels
of that task. Sent again unchanged it adds nothing; changed, it supersedes the old one. A label
with neither id nor annotator is known by what it says. One that a reviewer amended stays so, and so
does one that another raw row replaced. A raw row of what was given here itself adds nothing.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.utils import timezone

from annotate.interchange.fitting import Fit
from annotate.interchange.records import (
    Given,
    ImportedItem,
    ImportedLabel,
    Origin,
)
from annotate.models import Judgement, Project, content_hash
from annotate.models.judgement import ISO_TIME
from annotate.services.incoming import bulk
from annotate.services.incoming.canonical import encode
from annotate.services.incoming.recorded_labels import TOLD, given_here, origin_key, told_of


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
    given: tuple[str, str, float | None]
    """Its reason, time (UTC) and seconds."""

    def says(self, value: dict[str, Any], told: Origin | Given | None) -> bool:
        """Whether nothing is new in it. What the file does not tell stays as it was."""
        if self.value != value or not isinstance(told, Given):
            return self.value == value
        return self.with_what(told) == Given(*self.given)

    def with_what(self, told: Given) -> Given:
        """All that is known of it by now."""
        why, when, seconds = self.given
        return Given(
            told.rationale or why,
            told.submitted_at or when,
            seconds if told.seconds_active is None else told.seconds_active,
        )


@dataclass(frozen=True, slots=True)
class _Lineage:
    """What came after the tasks' imported judgements, of which one has at most one successor."""

    by_key: dict[tuple[int, str], int]
    after: dict[int, int]
    amended: set[int]
    """Those that a person replaced."""

    def newest(self, task_id: int, told: Origin | Given | None) -> int | None:
        """What a raw row replaces that says it replaces another of its installation: that one,
        whoever gave it, or what came after it. None if it says so of none, or of one that is not
        here.
        """
        if not isinstance(told, Origin) or told.supersedes is None:
            return None
        found = self.by_key.get((task_id, origin_key(told.supersedes, told.installation)))
        while found in self.after:
            found = self.after[found]
        return found


Identity = tuple[int, str, str]  # task, author, key
Said = tuple[Identity, dict[str, Any], Origin | Given | None]


@dataclass(frozen=True, slots=True)
class Written:
    count: int
    outcomes: dict[int, str]
    """ "created" or "updated" by the place in `items`; unchanged ones are missing."""


def store_labels(*, project: Project, fit: Fit, items: list[LabelledItem]) -> Written:
    """Write new and changed labels and answers."""
    wanted: dict[Identity, tuple[int, dict[str, Any], Origin | Given | None]] = {}
    for place, item in enumerate(items):
        values = _values(item, fit) if item.source.tasks is None else _answers(item, fit)
        for identity, value, told in values:
            wanted.setdefault(identity, (place, value, told))
    there, lineage = _existing(list({task_id for task_id, _, _ in wanted}))
    here = given_here(((task, key, wanted[task, by, key][2]) for task, by, key in wanted), project)
    outcomes: dict[int, str] = {}
    rows = []
    now = timezone.now().isoformat()
    named = any(isinstance(told, Origin) for _, _, told in wanted.values())  # rows name rows
    ids = iter(bulk.reserve_ids(Judgement, len(wanted)) if named else ())
    for (task_id, author, key), (place, value, told) in wanted.items():
        if (task_id, key) in here:
            continue
        known = there.get((task_id, author, key))
        if known is None and (known := _unmarked(there, task_id, author, told)):
            lineage.by_key[task_id, key] = known.judgement_id
        if known and (known.judgement_id in lineage.after or known.says(value, told)):
            continue
        if known and known.value == value and isinstance(told, Given):
            told = known.with_what(told)
        before = known.judgement_id if known else lineage.newest(task_id, told)
        if before in lineage.amended:
            continue
        if outcomes.get(place) != "created":
            outcomes[place] = "updated" if known else "created"
        response_ids = items[place].response_ids
        own = [next(ids)] if named else []
        rows.append(
            bulk.line(
                *own,
                *(project.pk, task_id, project.kind),
                *(bulk.escape_json(encode(value)), bulk.escape(author)),
                bulk.NULL if before is None else before,
                f"{key}.{known.revisions}" if known and known.revisions else key,
                "imported",
                *told_of(told, response_ids, fit.schema_version, now),
            )
        )
        if own:
            lineage.by_key[task_id, key] = own[0]
            if before is not None:
                lineage.after[before] = own[0]
    bulk.copy_rows(Judgement, ("id", *COLUMNS) if named else COLUMNS, rows)
    return Written(len(rows), outcomes)


COLUMNS = (
    *("project_id", "task_id", "kind", "value", "imported_author", "supersedes_id"),
    *("idempotency_key", "source", *TOLD),
)


def _unmarked(
    there: dict[Identity, _Known], task_id: int, author: str, told: Origin | Given | None
) -> _Known | None:
    """What a raw row brought before rows told their installation: the same id, author and time.
    Its revisions under the key with the installation are yet to come.
    """
    if not isinstance(told, Origin) or not told.installation:
        return None
    found = there.get((task_id, author, origin_key(told.id, "")))
    same = found and found.given[1] == told.submitted_at
    return replace(found, revisions=0) if found and same else None


def _answers(item: LabelledItem, fit: Fit) -> Iterator[Said]:
    source = item.source
    for task in source.tasks or ():
        task_id = item.task_ids[task.positions]
        places: Counter[str] = Counter()
        for answer in task.answers:
            if answer.origin is not None:
                author = answer.annotator or ""
                value = fit.stored_recorded(source, answer, item.response_ids)
                key = origin_key(answer.origin.id, answer.origin.installation)
                yield (task_id, author, key), value, answer.origin
                continue
            value = fit.stored(source, task, answer.value, item.response_ids)
            author = answer.annotator or ""
            key = _key(source, author, places[author], value)
            yield (task_id, author, key), value, answer.given
            places[author] += 1


def _values(item: LabelledItem, fit: Fit) -> Iterator[Said]:
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
        yield (task_id, author, _key(source, author, place, value)), value, label.given


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


def _existing(task_ids: list[int]) -> tuple[dict[Identity, _Known], _Lineage]:
    """The newest revision of every imported judgement of the tasks, and what replaced which."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT j.task_id, j.imported_author, j.idempotency_key, j.id, j.value, n.id, n.source,"
            f" j.rationale, {ISO_TIME.format('j.submitted_at')}, j.seconds_active"
            " FROM annotate_judgement j LEFT JOIN annotate_judgement n ON n.supersedes_id = j.id"
            " WHERE j.task_id = ANY(%s) AND j.source = 'imported' ORDER BY j.id",
            [task_ids],
        )
        known: dict[Identity, _Known] = {}
        lineage = _Lineage({}, {}, set())
        for task_id, author, key, pk, value, after, source, *given in cursor.fetchall():
            identity = (task_id, author, key.partition(".")[0])
            revisions = known[identity].revisions + 1 if identity in known else 1
            known[identity] = _Known(pk, revisions, json.loads(value), tuple(given))
            lineage.by_key[task_id, identity[2]] = pk
            if source == "person":
                lineage.amended.add(pk)
            elif after is not None:
                lineage.after[pk] = after
        return known, lineage
