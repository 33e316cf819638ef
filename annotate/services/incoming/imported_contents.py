"""Prompts and responses of a batch of imported items, found by content hash or written.

What an item said and the project's kind has no place for is kept in its prompt's metadata under
`not_fitting`: a list with an entry for each row, {"responses": [<content hash>, …], "labels": […],
"answers": […]}, whose labels and answers name responses by their place in that list.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from django.db import connection
from django.utils import timezone

from annotate.interchange.records import ImportedItem, ImportedResponse, RowError, excerpt
from annotate.models import Project, Prompt, Response, split_bucket
from annotate.services.incoming import bulk
from annotate.services.incoming.bulk import escape, escape_json
from annotate.services.incoming.canonical import (
    encode,
    encode_conversation,
    encode_list,
    encode_text,
    hash_json,
)
from annotate.wording import Told

NOT_FITTING = "not_fitting"
ResponseKey = tuple[int, str, str, str]  # prompt, content hash, generator, version


@dataclass
class BatchResult:
    """Rows by what became of them, and how many rows of each table are new."""

    created: int = 0
    updated: int = 0
    skipped: int = 0
    errors: list[RowError] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    relabelled: set[int] = field(default_factory=set)
    """Prompts whose seats' requirements may be others now."""


@dataclass(eq=False, slots=True)
class PreparedItem:
    """An item with its hashes, and what COPY gets of it that needs no id.

    `prompt_fields` and `response_fields` are parts of lines as `bulk.line` makes them, columns that
    stand side by side. Ids are
    filled in as they become known; with a `new_prompt` no response or task can be there yet.
    """

    source: ImportedItem
    prompt_hash: str
    prompt_fields: str
    text_hashes: list[str]
    response_fields: list[str]
    prompt_id: int = 0
    language: str = ""
    new_prompt: bool = False
    response_ids: tuple[int, ...] = ()
    outcome: str = "skipped"

    @property
    def line(self) -> int:
        return self.source.line

    def mark(self, outcome: str) -> None:
        if self.outcome != "created":
            self.outcome = outcome


def prepare(source: ImportedItem) -> PreparedItem:
    """The part of the work that needs no database."""
    conversation = encode_conversation(source.conversation)
    hashes: list[str] = []
    response_fields: list[str] = []
    for response in source.responses:
        if response.parts is None:
            text = encode_text(response.text)
            content = f'[{{"type":"text","text":{text}}}]'
        else:
            text = content = encode_list(response.parts.entries)
        hashes.append(hash_json(f"[{text}]"))
        response_fields.append(_response_fields(response, content))
    metadata, hashed, passages = source.metadata, conversation, "[]"
    if source.aside:
        metadata = {**metadata, NOT_FITTING: [_aside_entry(source, hashes)]}
    if source.passages:
        passages = encode_list(source.passages)
        hashed = f"{conversation},{passages}"
    return PreparedItem(
        source=source,
        prompt_hash=hash_json(f"[{encode_text(source.system)},{hashed}]"),
        prompt_fields=(
            f"{escape(source.external_id or '')}\t{escape(source.system)}"
            f"\t{escape_json(conversation)}\t{escape_json(passages)}"
            f"\t{escape(source.language)}\t{escape_json(encode(metadata))}"
        ),
        text_hashes=hashes,
        response_fields=response_fields,
    )


def _response_fields(response: ImportedResponse, content: str) -> str:
    return (
        f"{escape(response.generator)}\t{escape(response.generator_version)}"
        f"\t{escape_json(content)}\t{escape_json(encode(response.metadata))}"
    )


def store_prompts(
    project: Project, items: list[PreparedItem], result: BatchResult, copies: bulk.Copies
) -> list[PreparedItem]:
    """The items that are kept, with their prompts."""
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
    copies.add(Prompt, PROMPT_COLUMNS, _prompt_rows(project, fresh, ids))
    result.counts["prompts"] += len(fresh)
    late: list[PreparedItem] = []
    for item in kept:
        item.prompt_id = ids[item.prompt_hash]
        first = fresh.get(item.prompt_hash)
        if first is not None:
            item.language = first.source.language
            item.new_prompt = True
            if first is item:
                item.mark("created")
        if item.source.aside:
            if first is item:
                result.counts["kept_aside"] += _size(item.source)
            else:
                late.append(item)
    if known:
        copies.settle()
        for item in kept:
            if not item.new_prompt:
                _refresh_prompt(item, result, *known[item.prompt_hash])
    if late:
        copies.settle()
        _keep_aside(late, result)
    return kept


PROMPT_COLUMNS = (
    *("id", "project_id", "external_id", "system", "conversation", "passages", "language"),
    *("metadata", "taxonomy", "content_hash", "split_bucket", "created_at"),
)


def _existing_prompts(project: Project, items: list[PreparedItem]) -> list[tuple[Any, ...]]:
    """(id, content_hash, external_id, language, metadata) of prompts the items may mean."""
    names = list({item.source.external_id for item in items if item.source.external_id})
    with connection.cursor() as cursor:
        hashes = ",".join({item.prompt_hash for item in items})
        cursor.execute(EXISTING_PROMPTS, [project.pk, hashes, project.pk, json.dumps(names)])
        return cursor.fetchall()


EXISTING_PROMPTS = """
SELECT id, content_hash, external_id, language, metadata FROM annotate_prompt
WHERE project_id = %s AND content_hash = ANY(string_to_array(%s, ','))
UNION
SELECT id, content_hash, external_id, language, metadata FROM annotate_prompt
WHERE project_id = %s AND external_id <> ''
    AND external_id = ANY(ARRAY(SELECT jsonb_array_elements_text(%s::jsonb)))
"""


def _prompt_rows(
    project: Project, fresh: dict[str, PreparedItem], ids: dict[str, int]
) -> Iterator[str]:
    now, project_id, seed = timezone.now().isoformat(), project.pk, project.seed
    for digest, item in fresh.items():
        bucket = split_bucket(digest, seed)
        fields = item.prompt_fields
        yield f"{ids[digest]}\t{project_id}\t{fields}\t\t{digest}\t{bucket}\t{now}\n"


def _refresh_prompt(
    item: PreparedItem, result: BatchResult, name: str, language: str, metadata: str
) -> None:
    """Bring language and metadata up to a later row that names the prompt's own id."""
    source = item.source
    item.language = language
    if not name or name != source.external_id:
        return
    old = (language, json.loads(metadata))
    aside = {name: entries for name, entries in old[1].items() if name == NOT_FITTING}
    new = (source.language or old[0], {**(source.metadata or old[1]), **aside})
    if new != old:
        Prompt.objects.filter(pk=item.prompt_id).update(language=new[0], metadata=new[1])
        if new[0] != language:
            item.language = new[0]
            result.relabelled.add(item.prompt_id)
        item.mark("updated")


def _keep_aside(items: list[PreparedItem], result: BatchResult) -> None:
    """Add to prompts that were there before the rows came. One query, and one for each change."""
    prompts = Prompt.objects.filter(pk__in={item.prompt_id for item in items})
    found = dict(prompts.values_list("pk", "metadata"))
    changed = set()
    for item in items:
        entry = _aside_entry(item.source, item.text_hashes)
        there = found[item.prompt_id].setdefault(NOT_FITTING, [])
        if entry not in there:
            there.append(entry)
            changed.add(item.prompt_id)
            item.mark("updated")
            result.counts["kept_aside"] += _size(item.source)
    for pk in sorted(changed):
        Prompt.objects.filter(pk=pk).update(metadata=found[pk])


def _aside_entry(source: ImportedItem, hashes: list[str]) -> dict[str, Any]:
    return {"responses": hashes, **(source.aside or {})}


def _size(source: ImportedItem) -> int:
    return sum(map(len, (source.aside or {}).values()))


def _id_taken(item: ImportedItem) -> RowError:
    return RowError(
        line=item.line,
        field="id",
        value=excerpt(item.external_id),
        why=Told("The id belongs to another prompt of this project. Give the row its own id."),
    )


def store_responses(items: list[PreparedItem], result: BatchResult, copies: bulk.Copies) -> None:
    wanted: dict[ResponseKey, str] = {}
    keys: list[list[ResponseKey]] = []
    for item in items:
        prompt_id = item.prompt_id
        mine = [
            (prompt_id, digest, response.generator, response.generator_version)
            for digest, response in zip(item.text_hashes, item.source.responses, strict=True)
        ]
        wanted.update(zip(mine, item.response_fields, strict=True))
        keys.append(mine)
    copies.settle()
    ids = _existing_responses({item.prompt_id for item in items if not item.new_prompt})
    fresh = {key: fields for key, fields in wanted.items() if key not in ids} if ids else wanted
    # By hash, because annotators see the ids: in the file's order the chosen one would be first.
    drawn = sorted(fresh, key=itemgetter(1, 2, 3))
    ids.update(zip(drawn, bulk.reserve_ids(Response, len(fresh)), strict=True))
    copies.add(Response, RESPONSE_COLUMNS, _response_rows(fresh, ids))
    result.counts["responses"] += len(fresh)
    for item, mine in zip(items, keys, strict=True):
        item.response_ids = tuple([ids[key] for key in mine])
    if fresh and any(item.outcome != "created" for item in items):
        unseen = set(fresh)
        for item, mine in zip(items, keys, strict=True):
            if not unseen.isdisjoint(mine):
                item.mark("created")
                unseen.difference_update(mine)


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


def _response_rows(fresh: dict[ResponseKey, str], ids: dict[ResponseKey, int]) -> Iterator[str]:
    now = timezone.now().isoformat()
    for key, fields in fresh.items():
        yield f"{ids[key]}\t{key[0]}\t{fields}\t{key[1]}\t{now}\n"
