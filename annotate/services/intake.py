"""One batch of imported items into prompts, responses, tasks, seats and judgements.

Everything is looked up by content hash first, so a batch that is already there adds nothing.
The caller owns the transaction and holds `bulk.lock_imports`.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from annotate.interchange.records import ImportedItem, ImportedResponse, RowError, excerpt
from annotate.models import (
    Project,
    Prompt,
    Response,
    Seat,
    Task,
    TaskResponse,
    split_bucket,
)
from annotate.services import bulk
from annotate.services.canonical import encode, encode_conversation, encode_text, hash_json
from annotate.services.imported_labels import LabelledItem, store_labels
from annotate.services.tasks import lower_cursors, queue_key, shown_order

ResponseKey = tuple[int, str, str, str]  # prompt, content hash, generator, version


@dataclass(frozen=True)
class Wish:
    """What is to become of the items: labels as judgements, or tasks for people."""

    as_tasks: bool
    overlap: int
    priority: int = 500


@dataclass
class BatchResult:
    """Rows by what became of them, and how many rows of each table are new."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    errors: list[RowError] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(eq=False, slots=True)
class PreparedItem:
    """An item with its canonical JSON and hashes; ids are filled in as they become known."""

    source: ImportedItem
    conversation: str
    prompt_hash: str
    texts: list[str]
    text_hashes: list[str]
    prompt_id: int = 0
    response_ids: tuple[int, ...] = ()
    outcome: str = "skipped"

    @property
    def line(self) -> int:
        return self.source.line

    def mark(self, outcome: str) -> None:
        if self.outcome != "created":
            self.outcome = outcome


@dataclass(frozen=True, slots=True)
class _Pair:
    item: PreparedItem
    positions: tuple[int, int]
    response_ids: tuple[int, int]
    key: str


def prepare(source: ImportedItem) -> PreparedItem:
    """The part of the work that needs no database."""
    conversation = encode_conversation(source.conversation)
    texts = [encode_text(response.text) for response in source.responses]
    return PreparedItem(
        source=source,
        conversation=conversation,
        prompt_hash=hash_json(f"[{encode_text(source.system)},{conversation}]"),
        texts=texts,
        text_hashes=[hash_json(f"[{text}]") for text in texts],
    )


def store_batch(*, project: Project, items: list[PreparedItem], wish: Wish) -> BatchResult:
    """Write what is new. The errors are items whose id belongs to another prompt."""
    result = BatchResult()
    for item in items:
        item.outcome = "skipped"
    waiting = _store_prompts(project, items, result)
    _store_responses(waiting, result)
    pairs = [pair for item in waiting for pair in _pairs(item, wish)]
    task_ids = _store_tasks(project, pairs, wish, result)
    if not wish.as_tasks:
        _store_labels(project, waiting, pairs, task_ids, result)
    outcomes = Counter(item.outcome for item in waiting)
    result.created, result.updated = outcomes["created"], outcomes["updated"]
    result.skipped = outcomes["skipped"]
    return result


def pair_key(prompt_id: int, response_ids: Iterable[int]) -> str:
    """The task's dedup_key: content_hash(prompt_id, sorted(response_ids))."""
    ids = ",".join(map(str, sorted(response_ids)))
    return hash_json(f"[{prompt_id},[{ids}]]")


def _store_prompts(
    project: Project, items: list[PreparedItem], result: BatchResult
) -> list[PreparedItem]:
    there = _existing_prompts(project, items)
    ids = {row[1]: row[0] for row in there}
    owner = {row[2]: row[1] for row in there if row[2]}
    known = {row[1]: row[2:] for row in there}
    kept: list[PreparedItem] = []
    fresh: dict[str, PreparedItem] = {}
    for item in items:
        name = item.source.external_id
        if name and owner.setdefault(name, item.prompt_hash) != item.prompt_hash:
            result.errors.append(_id_taken(item.source))
            continue
        kept.append(item)
        if item.prompt_hash not in ids:
            fresh.setdefault(item.prompt_hash, item)
    ids.update(zip(fresh, bulk.reserve_ids(Prompt, len(fresh)), strict=True))
    bulk.copy_rows(Prompt, PROMPT_COLUMNS, _prompt_rows(project, fresh, ids))
    result.counts["prompts"] += len(fresh)
    for item in kept:
        item.prompt_id = ids[item.prompt_hash]
        if item.prompt_hash in fresh:
            item.mark("created")
        else:
            _refresh_prompt(item, *known[item.prompt_hash])
    return kept


PROMPT_COLUMNS = (
    *("id", "project_id", "external_id", "system", "conversation", "language", "taxonomy"),
    *("metadata", "content_hash", "split_bucket", "created_at"),
)


def _existing_prompts(project: Project, items: list[PreparedItem]) -> list[tuple[Any, ...]]:
    """(id, content_hash, external_id, language, metadata) of prompts the items may mean."""
    hashes = list({item.prompt_hash for item in items})
    names = list({item.source.external_id for item in items if item.source.external_id})
    with connection.cursor() as cursor:
        cursor.execute(EXISTING_PROMPTS, [project.pk, hashes, project.pk, names])
        return cursor.fetchall()


EXISTING_PROMPTS = """
SELECT id, content_hash, external_id, language, metadata FROM annotate_prompt
WHERE project_id = %s AND content_hash = ANY(%s)
UNION
SELECT id, content_hash, external_id, language, metadata FROM annotate_prompt
WHERE project_id = %s AND external_id = ANY(%s) AND external_id <> ''
"""


def _prompt_rows(
    project: Project, fresh: dict[str, PreparedItem], ids: dict[str, int]
) -> Iterator[str]:
    now = timezone.now().isoformat()
    for digest, item in fresh.items():
        source = item.source
        yield bulk.line(
            *(ids[digest], project.pk, bulk.escape(source.external_id or "")),
            *(bulk.escape(source.system), bulk.escape_json(item.conversation)),
            *(bulk.escape(source.language), "", bulk.escape_json(encode(source.metadata))),
            *(digest, split_bucket(digest, project.seed), now),
        )


def _refresh_prompt(item: PreparedItem, name: str, language: str, metadata: str) -> None:
    """Bring language and metadata up to a later row that names the prompt's own id."""
    source = item.source
    if not name or name != source.external_id:
        return
    old = (language, json.loads(metadata))
    new = (source.language or old[0], source.metadata or old[1])
    if new != old:
        Prompt.objects.filter(pk=item.prompt_id).update(language=new[0], metadata=new[1])
        item.mark("updated")


def _id_taken(item: ImportedItem) -> RowError:
    return RowError(
        line=item.line,
        field="id",
        value=excerpt(item.external_id),
        message="The id belongs to another prompt of this project. Give the row its own id.",
    )


def _store_responses(items: list[PreparedItem], result: BatchResult) -> None:
    wanted: dict[ResponseKey, tuple[ImportedResponse, str]] = {}
    keys: list[list[ResponseKey]] = []
    for item in items:
        responses = item.source.responses
        mine = [
            (item.prompt_id, digest, response.generator, response.generator_version)
            for digest, response in zip(item.text_hashes, responses, strict=True)
        ]
        for key, response, text in zip(mine, responses, item.texts, strict=True):
            wanted[key] = (response, text)
        keys.append(mine)
    ids = _existing_responses({item.prompt_id for item in items if item.outcome != "created"})
    fresh = {key: response for key, response in wanted.items() if key not in ids}
    # By hash, because annotators see the ids: in the file's order the chosen one would be first.
    drawn = sorted(fresh, key=lambda key: key[1:])
    ids.update(zip(drawn, bulk.reserve_ids(Response, len(fresh)), strict=True))
    bulk.copy_rows(Response, RESPONSE_COLUMNS, _response_rows(fresh, ids))
    result.counts["responses"] += len(fresh)
    for item, mine in zip(items, keys, strict=True):
        item.response_ids = tuple(ids[key] for key in mine)
        if any(key in fresh for key in mine):
            item.mark("created")


RESPONSE_COLUMNS = (
    *("id", "prompt_id", "generator", "generator_version", "content", "metadata"),
    *("content_hash", "created_at"),
)


def _existing_responses(prompt_ids: set[int]) -> dict[ResponseKey, int]:
    if not prompt_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT prompt_id, content_hash, generator, generator_version, id"
            " FROM annotate_response WHERE prompt_id = ANY(%s)",
            [list(prompt_ids)],
        )
        return {tuple(row[:4]): row[4] for row in cursor.fetchall()}


def _response_rows(
    fresh: dict[ResponseKey, tuple[ImportedResponse, str]], ids: dict[ResponseKey, int]
) -> Iterator[str]:
    now = timezone.now().isoformat()
    for key, (response, text) in fresh.items():
        prompt_id, digest, generator, version = key
        yield bulk.line(
            *(ids[key], prompt_id, bulk.escape(generator), bulk.escape(version)),
            bulk.escape_json(f'[{{"type":"text","text":{text}}}]'),
            *(bulk.escape_json(encode(response.metadata)), digest, now),
        )


def _pairs(item: PreparedItem, wish: Wish) -> Iterator[_Pair]:
    """The pairs that people or the labels compare; two equal texts are no pair."""
    source = item.source
    wanted: Iterable[tuple[int, int]] = itertools.combinations(range(len(source.responses)), 2)
    if source.labels and not wish.as_tasks:
        wanted = dict.fromkeys((label.first, label.second) for label in source.labels)
    for first, second in wanted:
        if source.responses[first].text != source.responses[second].text:
            ids = (item.response_ids[first], item.response_ids[second])
            yield _Pair(item, (first, second), ids, pair_key(item.prompt_id, ids))


def _store_tasks(
    project: Project, pairs: list[_Pair], wish: Wish, result: BatchResult
) -> dict[str, int]:
    """Task ids by key. Pairs that only carry labels get tasks without seats."""
    for_people = {p.key: p for p in pairs if wish.as_tasks or not p.item.source.labels}
    ids, seatless = _existing_tasks(project, [pair.key for pair in pairs])
    fresh = {pair.key: pair for pair in pairs if pair.key not in ids}
    to_open = {ids[key]: p for key, p in for_people.items() if ids.get(key) in seatless}
    Task.objects.filter(pk__in=list(to_open)).update(overlap=wish.overlap, priority=wish.priority)
    for pair in to_open.values():
        pair.item.mark("updated")
    ids.update(zip(fresh, bulk.reserve_ids(Task, len(fresh)), strict=True))
    overlaps = {key: wish.overlap if key in for_people else 0 for key in fresh}
    bulk.copy_rows(Task, TASK_COLUMNS, _task_rows(project, fresh, ids, overlaps, wish))
    bulk.copy_rows(TaskResponse, ("task_id", "response_id", "position"), _place_rows(fresh, ids))
    for pair in pairs:
        if pair.key in fresh:
            pair.item.mark("created")
    to_open.update({ids[key]: pair for key, pair in fresh.items() if key in for_people})
    result.counts["tasks"] += len(fresh)
    result.counts["seats"] += _open_seats(project, to_open, wish)
    return ids


TASK_COLUMNS = (
    *("id", "project_id", "prompt_id", "dedup_key", "overlap", "priority", "stratum", "route"),
    *("gold", "metadata", "created_at"),
)


def _task_rows(
    project: Project,
    fresh: dict[str, _Pair],
    ids: dict[str, int],
    overlaps: dict[str, int],
    wish: Wish,
) -> Iterator[str]:
    now = timezone.now().isoformat()
    for key, pair in fresh.items():
        name = pair.item.source.external_id
        metadata = bulk.escape_json(f'{{"external_id":{encode_text(name)}}}') if name else "{}"
        yield bulk.line(
            *(ids[key], project.pk, pair.item.prompt_id, key, overlaps[key], wish.priority),
            *("", Task.Route.PEOPLE.value, bulk.NULL, metadata, now),
        )


def _place_rows(fresh: dict[str, _Pair], ids: dict[str, int]) -> Iterator[str]:
    for key, pair in fresh.items():
        for position, response_id in enumerate(pair.response_ids):
            yield f"{ids[key]}\t{response_id}\t{position}\n"


def _existing_tasks(project: Project, keys: list[str]) -> tuple[dict[str, int], set[int]]:
    """Ids by key, and which of them never asked for people."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT dedup_key, id, overlap = 0 FROM annotate_task"
            " WHERE project_id = %s AND dedup_key = ANY(%s)",
            [project.pk, keys],
        )
        rows = cursor.fetchall()
    return {key: pk for key, pk, _ in rows}, {pk for _, pk, seatless in rows if seatless}


def _open_seats(project: Project, pairs: dict[int, _Pair], wish: Wish) -> int:
    """As `tasks.open_seats`, for tasks that have no seat yet, without reading them back."""
    lines: list[str] = []
    lowest: int | None = None
    for task_id, pair in pairs.items():
        ids = list(pair.response_ids)
        for number in range(wish.overlap):
            order = shown_order(project=project, task_id=task_id, number=number, responses=ids)
            key = queue_key(project=project, priority=wish.priority, number=number, task_id=task_id)
            lowest = key if lowest is None else min(lowest, key)
            shown = ",".join(map(str, order))
            lines.append(
                f"{task_id}\t{project.pk}\t{number}\t{Seat.State.OPEN}\t{{{shown}}}\t{{}}\t{key}\n"
            )
    bulk.copy_rows(Seat, SEAT_COLUMNS, lines)
    if lowest is not None:
        transaction.on_commit(partial(lower_cursors, project_id=project.pk, queue_key=lowest))
    return len(lines)


SEAT_COLUMNS = (
    *("task_id", "project_id", "number", "state", "shown_order", "former_holders", "queue_key"),
)


def _store_labels(
    project: Project,
    items: list[PreparedItem],
    pairs: list[_Pair],
    task_ids: dict[str, int],
    result: BatchResult,
) -> None:
    tasks_of: dict[PreparedItem, dict[tuple[int, int], int]] = {item: {} for item in items}
    for pair in pairs:
        tasks_of[pair.item][pair.positions] = task_ids[pair.key]
    labelled = [item for item in items if item.source.labels]
    written = store_labels(
        project=project,
        items=[LabelledItem(i.source, i.response_ids, tasks_of[i]) for i in labelled],
    )
    for place, outcome in written.outcomes.items():
        labelled[place].mark(outcome)
    result.counts["judgements"] += written.count
