"""What a file would become, told from its first rows; nothing is written."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import ImportedItem, ImportedLabel, RowError
from annotate.interchange.registry import UnknownFormat, detect_format, read
from annotate.interchange.rows import looks_like_json, start
from annotate.interchange.streams import FatalProblem
from annotate.interchange.table import LABEL_VALUES, TABLE, delimiter_of
from annotate.models import Project
from annotate.services.incoming.imported_media import resolve_items
from annotate.services.incoming.imports import configured_limits, fit_of
from annotate.wording import Told

ROWS = 200
SHOWN = 8
HEAD_BYTES = 256 << 10
MAPPED = {
    "prompt": _("Prompt"),
    "response_a": _("Response A"),
    "response_b": _("Response B"),
    "chosen": _("Chosen response"),
    "rejected": _("Rejected response"),
    "label": _("Label (which is better)"),
    "strength": _("Strength, 1 to 3"),
    "annotator": _("Annotator"),
    "id": _("Id"),
    "system": _("System prompt"),
    "language": _("Language"),
    "stratum": _("Stratum"),
    "skills": _("Skills that people need"),
    "authors": _("Authors of its texts"),
    "generator_a": _("Generator of A"),
    "generator_b": _("Generator of B"),
}
SYNONYMS = {
    "prompt": ("prompt", "question", "instruction", "input", "query"),
    "response_a": ("response_a", "answer_a", "model_a_response", "response_1", "output_1", "a"),
    "response_b": ("response_b", "answer_b", "model_b_response", "response_2", "output_2", "b"),
    "chosen": ("chosen",),
    "rejected": ("rejected",),
    "label": ("label", "winner", "preference", "preferred", "vote"),
    "strength": ("strength",),
    "annotator": ("annotator", "annotator_id", "worker", "judge", "rater"),
    "id": ("id", "question_id", "prompt_id"),
    "system": ("system", "system_prompt"),
    "language": ("language", "lang"),
    "stratum": ("stratum",),
    "skills": ("skills",),
    "authors": ("authors",),
    "generator_a": ("generator_a", "model_a", "model_1"),
    "generator_b": ("generator_b", "model_b", "model_2"),
}
MEANINGS = {
    "a": _("A is better"),
    "b": _("B is better"),
    "tie": _("Tie"),
    "both_good": _("Both good"),
    "both_bad": _("Both bad"),
}


@dataclass
class Preview:
    """The first rows under a format. `unknown_format`: why none was recognised.

    `aside` is how many labels and answers do not fit the project's kind.
    """

    format: str
    columns: list[str] = field(default_factory=list)
    mapping: dict[str, str] = field(default_factory=dict)
    label_values: dict[str, str] = field(default_factory=dict)
    items: list[tuple[ImportedItem, str]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    read: int = 0
    labelled: int = 0
    aside: int = 0
    unknown_format: Told | None = None

    @property
    def is_table(self) -> bool:
        return self.format == TABLE.name


def preview(
    stream: BinaryIO,
    name: str,
    *,
    format: str = "",
    mapping: Mapping[str, str] | None = None,
    label_values: Mapping[str, str] | None = None,
    project: Project | None = None,
    group: str = "auto",
) -> Preview:
    """Read the first ROWS rows. `format` is guessed if empty, the mapping if None.

    With a project, what it cannot take and files that it does not have are told as errors, as the
    import will. One query where rows name files.
    """
    unknown = None
    if not format:
        try:
            format = detect_format(stream.read(HEAD_BYTES), name)
        except UnknownFormat as problem:
            format, unknown = TABLE.name, problem.why
        stream.seek(0)
    found = Preview(format, unknown_format=unknown)
    if found.is_table:
        found.columns = columns(stream)
        stream.seek(0)
        found.mapping = dict(guess_mapping(found.columns) if mapping is None else mapping)
        found.label_values = values_of_label(stream, found.mapping, label_values or {})
        stream.seek(0)
    _read_rows(stream, found, project, group)
    return found


def columns(stream: BinaryIO) -> list[str]:
    """The names in the header of a table, or the fields of its first JSON row."""
    try:
        first = _first_line(stream)
    except FatalProblem:
        return []
    if looks_like_json(first.encode()):
        try:
            row = json.loads(first.strip("[], \r"))
        except ValueError:
            return []
        return [str(name) for name in row] if isinstance(row, dict) else []
    return next(csv.reader([first.rstrip("\r")], delimiter=delimiter_of(first)), [])


def _first_line(stream: BinaryIO) -> str:
    """The first line with something in it, up to HEAD_BYTES. Raises FatalProblem."""
    _, chunks = start(stream, configured_limits())
    head = b""
    for chunk in chunks:
        head = (head + chunk).lstrip()
        if b"\n" in head or len(head) > HEAD_BYTES:
            break
    return head.decode("utf-8", "replace").split("\n", 1)[0]


def guess_mapping(names: list[str]) -> dict[str, str]:
    """Columns by what they are usually called; response columns win over chosen and rejected."""
    by_name = {name.strip().lower().replace(" ", "_"): name for name in reversed(names)}
    found = {}
    for ours, synonyms in SYNONYMS.items():
        hit = next((by_name[s] for s in synonyms if s in by_name), None)
        if hit is not None and hit not in found.values():
            found[ours] = hit
    if "response_a" in found and "response_b" in found:
        found.pop("chosen", None)
        found.pop("rejected", None)
    return found


def values_of_label(
    stream: BinaryIO, mapping: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """What stands in the label column of the first rows, each with its meaning or ""."""
    column = mapping.get("label")
    if not column:
        return {}
    options = ReadOptions(configured_limits(), mapping)
    seen: dict[str, str] = {}
    for row in islice(TABLE.read_rows(stream, options), ROWS):
        said = "" if isinstance(row, RowError) else str(row.data.get(column) or "").strip()
        if said and said not in seen and len(seen) < 12:
            seen[said] = given.get(said) or LABEL_VALUES.get(
                said, LABEL_VALUES.get(said.lower(), "")
            )
    return seen


def _read_rows(stream: BinaryIO, found: Preview, project: Project | None, group: str) -> None:
    meanings = {said: meaning for said, meaning in found.label_values.items() if meaning}
    options = ReadOptions(configured_limits(), found.mapping, meanings)
    fit = fit_of(project, group) if project else None
    rows: list[ImportedItem | RowError] = [
        *islice(read(stream, found.format, options, fit=fit), ROWS)
    ]
    if project and fit:
        waiting = {
            place: row
            for place, row in enumerate(rows)
            if isinstance(row, ImportedItem) and row.raw is not None
        }
        resolved = resolve_items(project=project, items=waiting.values(), fit=fit)
        for place, row in zip(waiting, resolved, strict=True):
            rows[place] = row
    for row in rows:
        found.read += 1
        if isinstance(row, RowError):
            found.errors.append(row)
            continue
        found.labelled += bool(row.labels or row.answers)
        found.aside += sum(map(len, (row.aside or {}).values()))
        if len(found.items) < SHOWN:
            found.items.append((row, _said(row)))


def _said(item: ImportedItem) -> str:
    """The first labels, and what other answers there are."""
    others = sorted({answer.kind for answer in item.answers})
    return ", ".join([*map(in_words, item.labels[:3]), *others])


def in_words(label: ImportedLabel) -> str:
    """Such as "A is better" or "B is better than A"; letters by the order of the responses."""
    first, second = (chr(ord("A") + place) for place in (label.first, label.second))
    if label.verdict != "prefer":
        return str(MEANINGS[label.verdict])
    better = first if label.preferred == label.first else second
    return gettext("%s is better") % better
