"""What a file would become, told from its first rows; nothing is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from annotate.interchange.formats import NoFormatHasThem, ReadOptions
from annotate.interchange.rated import PREFIX, RatingUse
from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import UnknownFormat, detect_file, read
from annotate.interchange.table import LABEL_VALUES, LETTERS, TABLE, plain
from annotate.interchange.table_columns import columns_of_table
from annotate.models import Project
from annotate.reports.imported_words import VERDICTS, said_of
from annotate.services.incoming.imported_media import resolve_items
from annotate.services.incoming.imports import configured_limits, fit_of
from annotate.services.incoming.remembered_mappings import Remembered, remembered_mapping
from annotate.wording import Told

ROWS = 200
SHOWN = 8
MAPPED = {
    "prompt": _("Prompt"),
    "response_a": _("Response, or response A"),
    "response_b": _("Response B"),
    "responses": _("All responses, as a list"),
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
    "generators": _("Generators of all, as a list"),
    "metadata": _("Metadata, as an object"),
    "gold": _("Known answer"),
    "gold_explanation": _("Why the known answer is right"),
    "gold_use": _("Use of the known answer"),
    "rationale": _("Reason of the label"),
    "submitted_at": _("When the label was given, with its zone"),
    "seconds_active": _("Seconds that the label took"),
    **{
        f"response_{letter}": format_lazy(_("Response {letter}"), letter=letter.upper())
        for letter in LETTERS[2:]
    },
    **{
        f"generator_{letter}": format_lazy(_("Generator of {letter}"), letter=letter.upper())
        for letter in LETTERS[2:]
    },
}
# Asked only where they are mapped, or on demand: few tables have them.
RARE = tuple(MAPPED)[tuple(MAPPED).index("metadata") :]
SYNONYMS = {
    "prompt": ("prompt", "question", "instruction", "input", "query"),
    "response_a": (
        *("response_a", "answer_a", "model_a_response", "response_1", "output_1", "a"),
        *("response1", "answer1", "output1", "completion_a", "response", "answer", "completion"),
        "output",
    ),
    "response_b": (
        *("response_b", "answer_b", "model_b_response", "response_2", "output_2", "b"),
        *("response2", "answer2", "output2", "completion_b"),
    ),
    "responses": ("responses", "answers", "completions", "outputs", "candidates"),
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
    "generators": ("generators", "models"),
    "metadata": ("metadata", "meta"),
    "gold": ("gold",),
    "gold_explanation": ("gold_explanation",),
    "gold_use": ("gold_use",),
    "rationale": ("rationale", "reason"),
    "submitted_at": ("submitted_at",),
    "seconds_active": ("seconds_active", "seconds"),
    **{
        f"response_{letter}": (f"response_{letter}", f"answer_{letter}", f"response_{place}")
        for place, letter in enumerate(LETTERS[2:], 3)
    },
    **{
        f"generator_{letter}": (f"generator_{letter}", f"model_{letter}", f"model_{place}")
        for place, letter in enumerate(LETTERS[2:], 3)
    },
}
MEANINGS = {
    "a": _("A is better"),
    "b": _("B is better"),
    **{
        letter: format_lazy(_("{letter} is the best"), letter=letter.upper())
        for letter in LETTERS[2:]
    },
    **VERDICTS,
}


@dataclass
class Preview:
    """The first rows under a format. `unknown_format`: why none was recognised.

    `aside` is how many labels and answers do not fit the project's kind. Where rows have `ratings`,
    `criteria` are the project's: name, title, and what the file calls those that it takes.
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
    ratings: list[RatingUse] = field(default_factory=list)
    criteria: list[tuple[str, str, str]] = field(default_factory=list)
    unknown_format: Told | None = None
    remembered: Remembered | None = None

    @property
    def mapping_letters(self) -> set[str]:
        """Of the responses that have a column of their own."""
        return {letter for letter in LETTERS if f"response_{letter}" in self.mapping}

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
    import will. One query where rows name files, and one for how such a table was mapped before.
    """
    unknown = None
    if not format:
        try:
            format = detect_file(stream, name)
        except NoFormatHasThem as problem:
            format = TABLE.name
            unknown = Told(
                "No format has the fields {fields}, so the file is read as a table: say which "
                "column is what, or choose a format and preview again.",
                fields=problem.fields,
            )
        except UnknownFormat as problem:
            format, unknown = TABLE.name, problem.why
    found = Preview(format, unknown_format=unknown)
    if found.is_table:
        found.columns = columns_of_table(stream, configured_limits())
        if mapping is None and project is not None:
            found.remembered = remembered_mapping(project, found.columns)
        if mapping is None and found.remembered:
            mapping = found.remembered.mapping
            label_values = {**found.remembered.label_values, **(label_values or {})}
        found.mapping = dict(guess_mapping(found.columns) if mapping is None else mapping)
        found.label_values = values_of_label(stream, found.mapping, label_values or {})
        stream.seek(0)
    elif project is not None:
        asked = {f"{PREFIX}{one.name}" for one in fit_of(project, group).criteria.listed}
        found.mapping = {ours: said for ours, said in (mapping or {}).items() if ours in asked}
    _read_rows(stream, found, project, group)
    return found


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
        found.pop("responses", None)
    elif "chosen" in found and "rejected" in found:
        found.pop("response_a", None)
        found.pop("responses", None)
    return found


def values_of_label(
    stream: BinaryIO, mapping: Mapping[str, str], given: Mapping[str, str]
) -> dict[str, str]:
    """What stands in the label column of the first rows, each with its meaning or ""."""
    column = mapping.get("label")
    if not column:
        return {}
    options = ReadOptions(configured_limits(), {"prompt": column})  # others may be missing yet
    seen: dict[str, str] = {}
    for row in islice(TABLE.read_rows(stream, options), ROWS):
        value = None if isinstance(row, RowError) else row.data.get(column)
        said = "" if value is None else str(plain(value)).strip()
        if said and said not in seen and len(seen) < 12:
            seen[said] = given.get(said) or LABEL_VALUES.get(
                said, LABEL_VALUES.get(said.lower(), "")
            )
    return seen


def _read_rows(stream: BinaryIO, found: Preview, project: Project | None, group: str) -> None:
    meanings = {said: meaning for said, meaning in found.label_values.items() if meaning}
    options = ReadOptions(configured_limits(), found.mapping, meanings)
    fit = fit_of(project, group, found.mapping) if project else None
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
        if isinstance(row, RowError):
            found.read += not row.fatal  # which is of the file, or of what is left of it
            found.errors.append(row)
            continue
        found.read += 1
        found.labelled += _is_labelled(row)
        found.aside += sum(map(len, (row.aside or {}).values()))
        if len(found.items) < SHOWN:
            found.items.append((row, _said(row)))
    if fit:
        found.ratings = [*fit.criteria.uses.values()]
        taken = {name: use.name for use in found.ratings for name in use.criteria}
        found.criteria = [
            (one.name, str(one.title or one.name), taken.get(one.name, ""))
            for one in fit.criteria.listed
        ]


def _said(item: ImportedItem) -> str:
    """The first labels, and what other answers there are."""
    aside = {entry["kind"] for entry in (item.aside or {}).get("answers", ())}
    kept = _is_labelled(item)
    return said_of(item, [one for one in item.answers if kept or one.kind not in aside])


def _is_labelled(item: ImportedItem) -> bool:
    """Whether it will be: what the project has no place for is no label there."""
    if item.tasks is None:
        return bool(item.labels or item.answers)
    return any(task.answers for task in item.tasks) or bool(item.labels and not item.aside)
