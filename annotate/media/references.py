"""Content as people write it, turned into parts: texts, code, tables, and files by their name.

    "a text"
    {"type": "text", "text": "…"}
    {"type": "code", "text": "…", "language": "python"}
    {"type": "table", "columns": ["…"], "rows": [["…", 1]], "title": "…"}
    {"type": "image", "file": "cat.png", "alt": "…"}, or shorter {"image": "cat.png", "alt": "…"}
    {"type": "audio" | "video", "file": …, "title": "…", "transcript": "…"}

A file is named by its SHA-256, by the name it was uploaded under, or by its id. The part that
comes out names id and SHA-256.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from annotate.inputs import clean_text
from annotate.kinds.errors import InvalidValue
from annotate.media.checks.types import KINDS
from annotate.wording import Told

Reference = int | str
Part = dict[str, Any]

MAX_PARTS, MAX_COLUMNS, MAX_CELLS = 100, 100, 20_000
MAX_TEXT, MAX_WORD, MAX_CELL = 1_000_000, 2_000, 10_000
DESCRIPTIONS = {
    "image": ("alt", "title"),
    "audio": ("title", "transcript"),
    "video": ("title", "alt", "transcript"),
}
_FILES = {
    "image": Told("an image file"),
    "audio": Told("an audio file"),
    "video": Told("a video file"),
}
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class KnownFile:
    """An uploaded file as far as a reference needs it."""

    id: int
    sha256: str
    kind: str
    names: tuple[str, ...]


class Catalogue:
    """Uploaded files by everything that may name them."""

    def __init__(self, files: Iterable[KnownFile]) -> None:
        self._files: dict[Reference, list[KnownFile]] = {}
        for file in files:
            names: set[Reference] = {file.id, file.sha256, *file.names}
            for name in names:
                self._files.setdefault(name, []).append(file)

    def find(self, reference: Reference, kind: str, field: str) -> KnownFile:
        """Raises InvalidValue when none or several fit, or one of another kind does."""
        found = self._files.get(_normal(reference), [])
        if not found:
            raise InvalidValue(
                field,
                "no file {name!r} was uploaded here; upload it first",
                name=str(reference)[:200],
            )
        if len(found) > 1:
            hashes = ", ".join(sorted(file.sha256[:12] for file in found))
            raise InvalidValue(
                field,
                "{name!r} names {count} different files "
                "(SHA-256 {hashes}); name the one you mean by its SHA-256",
                name=str(reference)[:200],
                count=len(found),
                hashes=hashes,
            )
        if found[0].kind != kind:
            raise InvalidValue(
                field,
                '{name!r} is {what}; write "{kind}" for "{given}", or name another file',
                name=str(reference)[:200],
                what=_FILES[found[0].kind],
                kind=found[0].kind,
                given=kind,
            )
        return found[0]


def references_in(content: object) -> Iterator[Reference]:
    """What content names, so that one query can find the files of many rows. Never raises."""
    for entry in content if isinstance(content, list) else [content]:
        if isinstance(entry, Mapping):
            for key in ("file", *KINDS):
                reference = entry.get(key)
                if _is_reference(reference):
                    yield _normal(reference)


def resolve_parts(content: object, catalogue: Catalogue, field: str) -> list[Part]:
    """The parts of a turn or a response. Raises InvalidValue with the path of what is wrong."""
    entries = content if isinstance(content, list) else [content]
    if not entries:
        raise InvalidValue(field, "is an empty list; give a text or a part")
    if len(entries) > MAX_PARTS:
        raise InvalidValue(
            field, "has {count} parts; at most {most} fit", count=len(entries), most=MAX_PARTS
        )
    listed = isinstance(content, list)
    return [
        _part(entry, catalogue, f"{field}.{number}" if listed else field)
        for number, entry in enumerate(entries)
    ]


def _part(entry: object, catalogue: Catalogue, field: str) -> Part:
    if isinstance(entry, str):
        return {"type": "text", "text": clean_text(field, entry, max_chars=MAX_TEXT)}
    if not isinstance(entry, Mapping):
        raise InvalidValue(field, 'must be a text or a part such as {"image": "cat.png"}')
    kind = _kind(entry, field)
    if kind in KINDS:
        return _media(kind, entry, catalogue, field)
    if kind == "table":
        return _table(entry, field)
    known = ("type", "text", "language") if kind == "code" else ("type", "text")
    _refuse_unknown(entry, known, field)
    part = {
        "type": kind,
        "text": clean_text(f"{field}.text", entry.get("text"), max_chars=MAX_TEXT),
    }
    if kind == "code":
        part["language"] = _word(entry, "language", field)
    return part


def _kind(entry: Mapping[Any, Any], field: str) -> str:
    kind = entry.get("type")
    if kind is None:
        named = [name for name in (*KINDS, "text") if name in entry]
        kind = named[0] if len(named) == 1 else None
    if kind == "image_url":
        raise InvalidValue(
            field, "names an address, and nothing is fetched; upload the file and name it"
        )
    if kind not in ("text", "code", "table", *KINDS):
        kinds = ", ".join(("text", "code", "table", *KINDS))
        raise InvalidValue(f"{field}.type", "must be one of: {choices}", choices=kinds)
    return str(kind)


def _media(kind: str, entry: Mapping[Any, Any], catalogue: Catalogue, field: str) -> Part:
    _refuse_unknown(entry, ("type", "file", "sha256", kind, *DESCRIPTIONS[kind]), field)
    key = kind if kind in entry else "file"
    reference = entry.get(key)
    if not _is_reference(reference):
        raise InvalidValue(
            f"{field}.{key}", "must name an uploaded file, by its name, SHA-256 or id"
        )
    file = catalogue.find(reference, kind, f"{field}.{key}")
    if entry.get("sha256", file.sha256) != file.sha256:
        raise InvalidValue(
            f"{field}.sha256",
            "is not that of file {name}; leave it out, or correct it",
            name=repr(reference),
        )
    part: Part = {"type": kind, "file": file.id, "sha256": file.sha256}
    for name in DESCRIPTIONS[kind]:
        limit = MAX_TEXT if name == "transcript" else MAX_WORD
        if entry.get(name):
            part[name] = clean_text(f"{field}.{name}", entry[name], max_chars=limit)
    return part


def _table(entry: Mapping[Any, Any], field: str) -> Part:
    _refuse_unknown(entry, ("type", "columns", "rows", "title"), field)
    columns, rows = entry.get("columns"), entry.get("rows")
    if not isinstance(columns, list) or not 1 <= len(columns) <= MAX_COLUMNS:
        raise InvalidValue(
            f"{field}.columns", "must be a list of 1 to {most} names", most=MAX_COLUMNS
        )
    if not isinstance(rows, list) or len(rows) * len(columns) > MAX_CELLS:
        raise InvalidValue(
            f"{field}.rows", "must be a list of rows, of {most} cells in all", most=MAX_CELLS
        )
    part: Part = {
        "type": "table",
        "columns": [
            clean_text(f"{field}.columns.{i}", name, max_chars=MAX_WORD)
            for i, name in enumerate(columns)
        ],
        "rows": [_row(row, len(columns), f"{field}.rows.{i}") for i, row in enumerate(rows)],
    }
    if entry.get("title"):
        part["title"] = _word(entry, "title", field)
    return part


def _row(row: object, width: int, field: str) -> Sequence[object]:
    if not isinstance(row, list) or len(row) != width:
        raise InvalidValue(
            field, "must be a list of {count} cells, as many as there are columns", count=width
        )
    for i, cell in enumerate(row):
        if isinstance(cell, str):
            clean_text(f"{field}.{i}", cell, max_chars=MAX_CELL)
        elif cell is not None and not (isinstance(cell, int | float) and math.isfinite(cell)):
            raise InvalidValue(f"{field}.{i}", "must be a text, a number, true, false or null")
    return row


def _word(entry: Mapping[Any, Any], name: str, field: str) -> str:
    value = entry.get(name, "")
    return clean_text(f"{field}.{name}", value, max_chars=MAX_WORD, lines=False)


def _refuse_unknown(entry: Mapping[Any, Any], known: Sequence[str], field: str) -> None:
    for name in entry:
        if name not in known:
            names = ", ".join(sorted(set(known)))
            raise InvalidValue(
                f"{field}.{str(name)[:100]}", "unknown field; there are: {names}", names=names
            )


def _is_reference(value: object) -> TypeGuard[Reference]:
    if isinstance(value, str):
        return bool(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _normal(reference: Reference) -> Reference:
    """A hash may be written in capitals."""
    if isinstance(reference, str) and _SHA256.fullmatch(reference.lower()):
        return reference.lower()
    return reference
