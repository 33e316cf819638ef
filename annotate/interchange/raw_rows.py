"""Raw rows coming back: judgements of Tandem with all that is told of them.

The columns are those of the export `raw` (docs/formats.md). People come under their pseudonyms.
"""

import re
import uuid
from collections.abc import Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.dialogues import split_system
from annotate.interchange.formats import ImportFormat, ReadOptions
from annotate.interchange.given import reason, seconds_of, time_of
from annotate.interchange.recorded import renamed_value
from annotate.interchange.records import (
    ImportedAnswer,
    ImportedItem,
    ImportedResponse,
    Origin,
    RowProblem,
)
from annotate.interchange.renaming import named_context
from annotate.interchange.rows import Row, decode_cell
from annotate.interchange.streams import Limits
from annotate.kinds import KINDS
from annotate.wording import translatable

PSEUDONYM = re.compile(r"[a-z]-[0-9a-f]{10}")
SOURCES = ("person", "judge", "imported")
MAX_ID = 2**63 - 1
MAX_KIND_CHARS = 32


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    data, limits = row.data, options.limits
    prompt = _object(data, "prompt", limits)
    turns = fields.messages(fields.require(prompt, "conversation"), "prompt.conversation", limits)
    _, conversation = split_system(turns, "prompt.conversation")
    responses, names = _responses(data, limits)
    kind = fields.name_of(data, "kind", MAX_KIND_CHARS)
    if kind not in KINDS:
        raise RowProblem("kind", kind, "Expected one of {kinds}.", kinds=", ".join(KINDS))
    origin = _origin(data, names, limits)
    context = data.get("context") and _object(data, "context", limits)
    author = fields.name_of(data, "annotator") or fields.name_of(data, "judge")
    return ImportedItem(
        line=row.line,
        external_id=fields.name_of(prompt, "external_id") or None,
        system=fields.text(prompt.get("system") or "", "prompt.system", limits),
        conversation=conversation,
        responses=responses,
        language=fields.language_of(prompt),
        metadata=fields.metadata(
            {"metadata": prompt.get("metadata")}, frozenset({"metadata"}), limits
        ),
        passages=tuple(fields.passages(prompt.get("passages"), limits)),
        context=named_context(context, names) if context else None,
        answers=(
            ImportedAnswer(
                kind,
                tuple(range(len(responses))),
                _value(data, kind, names, limits),
                author or None,
                origin,
            ),
        ),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return {"task_id", "value", "kind", "prompt", "responses"} <= row.keys()


def _object(data: Mapping[str, Any], name: str, limits: Limits) -> dict[str, Any]:
    """As it stands, or as its JSON text: so Parquet has it."""
    value = _parsed(data, name, limits)
    if not isinstance(value, dict):
        raise fields.not_an_object(name, value)
    return value


def _parsed(data: Mapping[str, Any], name: str, limits: Limits) -> Any:
    value = fields.require(dict(data), name)
    return decode_cell(value, name, limits) if isinstance(value, str) else value


def _responses(
    data: dict[str, Any], limits: Limits
) -> tuple[tuple[ImportedResponse, ...], dict[int, int]]:
    """In storage order, with the positions by their ids in the file."""
    given = fields.listed(_parsed(data, "responses", limits), "responses")
    if len(given) > limits.max_responses:
        raise RowProblem(
            "responses",
            given,
            "Got {count} responses. Give at most {most}.",
            count=len(given),
            most=limits.max_responses,
        )
    found: list[ImportedResponse] = []
    names: dict[int, int] = {}
    for place, entry in enumerate(given):
        name = f"responses[{place}]"
        if not isinstance(entry, dict):
            raise fields.not_an_object(name, entry)
        pk = fields.integer(entry.get("id"), f"{name}.id", 0, MAX_ID)
        if pk in names:
            raise RowProblem(f"{name}.id", pk, "The id stands there twice.")
        names[pk] = place
        key = "content" if entry.get("content") is not None else "text"
        content = fields.content(entry.get(key), f"{name}.{key}", limits)
        found.append(
            fields.response_of(
                content,
                fields.name_of(entry, "generator"),
                fields.name_of(entry, "generator_version", fields.MAX_VERSION_CHARS),
            )
        )
    return tuple(found), names


def _value(
    data: dict[str, Any], kind: str, names: dict[int, int], limits: Limits
) -> dict[str, Any]:
    value = _object(data, "value", limits)
    try:
        return renamed_value(kind, value, names)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RowProblem(
            "value", value, "It names a response that the row does not have, or is no answer."
        ) from error


def _origin(data: dict[str, Any], names: dict[int, int], limits: Limits) -> Origin:
    source = data.get("source")
    if source not in SOURCES:
        raise RowProblem("source", source, "Expected one of {sources}.", sources=", ".join(SOURCES))
    shown = [
        fields.integer(pk, f"shown_order[{place}]", 0, MAX_ID)
        for place, pk in enumerate(fields.listed(data.get("shown_order") or [], "shown_order"))
    ]
    if shown and sorted(shown) != sorted(names):
        raise RowProblem("shown_order", shown, "Expected the ids of the responses, each once.")
    supersedes = data.get("supersedes")
    return Origin(
        id=fields.integer(data.get("id"), "id", 0, MAX_ID),
        supersedes=None
        if supersedes is None
        else fields.integer(supersedes, "supersedes", 0, MAX_ID),
        installation=_installation(data, "installation"),
        first=_first(data, source, limits),
        schema_version=fields.integer(data.get("schema_version"), "schema_version", 1, 32_000),
        submitted_at=time_of(fields.require(data, "submitted_at"), "submitted_at"),
        started_at=time_of(data["started_at"], "started_at") if data.get("started_at") else None,
        seconds_active=seconds_of(data.get("seconds_active"), "seconds_active"),
        rationale=reason(data.get("rationale"), "rationale", limits),
        flag=fields.text(data.get("flag") or "", "flag", limits),
        shown_order=tuple(names[pk] for pk in shown),
        simulated=_flag(data, "simulated"),
        late=_flag(data, "late"),
        gold=_flag(data, "gold"),
    )


def _first(data: dict[str, Any], source: str, limits: Limits) -> dict[str, Any]:
    """What the first installation told; of people their pseudonyms alone."""
    inner = "origin." if data.get("origin") else ""
    before = _object(data, "origin", limits) if inner else data
    found: dict[str, Any] = {
        "id": fields.integer(before.get("id"), "id", 0, MAX_ID),
        "source": before.get("source") if before.get("source") in SOURCES else source,
    }
    if installation := _installation(before, "installation", inner):
        found["installation"] = installation
    annotator = before.get("annotator")
    if isinstance(annotator, str) and PSEUDONYM.fullmatch(annotator):
        found["annotator"] = annotator
    if judge := fields.name_of(before, "judge"):
        found["judge"] = judge
    for name in ("form_version", "supersedes"):
        if before.get(name) is not None:
            found[name] = fields.integer(before[name], name, 0, MAX_ID)
    return found


def _installation(data: dict[str, Any], name: str, inner: str = "") -> str:
    """Empty in files from before raw rows told it."""
    value = data.get(name)
    if value is None or value == "":
        return ""
    try:
        if isinstance(value, str):
            return str(uuid.UUID(value))
    except ValueError:
        pass
    raise RowProblem(
        inner + name, value, "Expected the UUID that the installation wrote there, or leave it out."
    )


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.get(name)
    if value not in (None, True, False) or (isinstance(value, int) and not isinstance(value, bool)):
        raise RowProblem(name, value, "Expected true or false.")
    return bool(value)


RAW_ROWS = ImportFormat("raw", translatable("Raw judgements with provenance"), parse, recognises)
