"""Tables: CSV or TSV (or JSON rows of plain values) with a mapping from our names to columns.

The mapping's keys: `prompt`; `response_a`, `response_b` … `response_j`, each with `generator_a` …;
or `responses` and `generators`, lists or JSON texts of such; or `chosen` and `rejected` instead of
responses and label; `label`, `strength`, `annotator`, `id`, `system`, `language`, `stratum`,
`skills`, `authors`; `rationale`, `submitted_at`, `seconds_active` of the label; `metadata`, an
object or its JSON text; `gold`, the known answer, as `label` or as a JSON object (see known.py),
with `gold_explanation` and `gold_use`. Without a mapping the columns carry these names themselves.
Where rows are JSON or Parquet, a prompt may be a list of messages, and a response one message or a
list of one.
"""

import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from annotate.interchange import fields
from annotate.interchange.asked import asked_of
from annotate.interchange.csv_rows import read_csv
from annotate.interchange.dialogues import all_identical, split_system
from annotate.interchange.formats import ImportFormat, ReadOptions, read_any_objects
from annotate.interchange.given import OWN, given_of
from annotate.interchange.known import gold_of, use_of
from annotate.interchange.parquet_rows import is_parquet, parquet_columns
from annotate.interchange.records import (
    Given,
    ImportedGold,
    ImportedItem,
    ImportedLabel,
    ImportedResponse,
    Message,
    RowError,
    RowProblem,
)
from annotate.interchange.responses import read_label, read_ranking
from annotate.interchange.rows import Row, decode_cell, looks_like_json, objects, start
from annotate.interchange.streams import FatalProblem, Limits, split_lines
from annotate.wording import translatable

LETTERS = string.ascii_lowercase[:10]
NAMES = (
    *("prompt", "chosen", "rejected", "label", "strength", "annotator", "id", "system", "language"),
    *("gold", "gold_explanation", "gold_use", "responses", "generators", "metadata"),
    *("stratum", "skills", "authors", *OWN),
    *(f"response_{letter}" for letter in LETTERS),
    *(f"generator_{letter}" for letter in LETTERS),
)
ASKED = ("stratum", "skills", "authors")
LABEL_VALUES = {
    **{letter: letter for letter in LETTERS},
    **{f"response_{letter}": letter for letter in LETTERS},
    **{f"model_{letter}": letter for letter in LETTERS},
    **{"tie": "tie", "both_good": "both_good", "both_bad": "both_bad"},
    **{"tie (bothbad)": "both_bad", "both good": "both_good", "both bad": "both_bad"},
}
VERDICTS = ("tie", "both_good", "both_bad")


def read_rows(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    if is_parquet(stream):
        yield from _parquet_rows(stream, options)
        return
    line = 1
    try:
        head, chunks = start(stream, options.limits)
        if looks_like_json(head):
            yield from objects(head, chunks, options.limits)
            return
        lines = split_lines(chunks, options.limits)
        for row in read_csv(lines, lambda names: _check_columns(names, options)):
            line = row.line
            yield row
    except FatalProblem as problem:
        yield problem.at(line)


def _parquet_rows(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    try:
        _check_columns(parquet_columns(stream, options.limits), options)
    except FatalProblem as problem:
        yield problem.at(1)
        return
    yield from read_any_objects(stream, options)


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    cells = _Cells(row.data, _columns(options.mapping), options.limits)
    responses, letters = _responses(cells)
    labels = _labels(cells, letters, options.label_values)
    given = cells.given() if labels else None
    for label in labels:
        label.given = given
    system, conversation = _prompt(cells)
    unused = () if labels else OWN  # of an answer that is not there
    used = frozenset([said for name, said in cells.columns.items() if name not in unused])
    return ImportedItem(
        line=row.line,
        external_id=cells.name("id") or None,
        conversation=conversation,
        system=cells.text("system") if cells.has("system") else system,
        responses=responses,
        language=cells.name("language", fields.MAX_LANGUAGE_CHARS),
        metadata=fields.metadata(cells.with_metadata(), used - {"metadata"}, options.limits),
        labels=tuple(labels),
        gold=_gold(cells, letters, options.label_values),
        **asked_of({name: cells.data[cells.columns[name]] for name in ASKED if cells.has(name)}),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return "prompt" in row and "response_a" in row and "response_b" in row


def _check_columns(names: list[str], options: ReadOptions) -> None:
    """Raises FatalProblem if a column is wanted that is not among these."""
    wanted = _columns(options.mapping)
    missing = sorted(set(options.mapping.values()) - set(names))
    prompt = wanted.get("prompt", "prompt")
    if not missing and prompt not in names:
        missing = [prompt]
    if missing:
        raise FatalProblem(
            "There is no column {missing}. Columns there: {names}. Correct the mapping.",
            missing=", ".join(map(repr, missing)),
            names=", ".join(map(repr, names)),
        )


def _columns(mapping: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(mapping) - set(NAMES))
    if unknown:
        raise FatalProblem(
            "The mapping has unknown names: {unknown}. Known: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(NAMES),
        )
    return dict(mapping) if mapping else {name: name for name in NAMES}


def plain(value: Any) -> Any:
    """A label or a name as it is written in a mapping: 1 for 1.0, as tables have it beside a gap,
    "true" for true.
    """
    if isinstance(value, bool):
        return str(value).lower()
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Cells:
    """One row seen through the mapping."""

    def __init__(self, data: dict[str, Any], columns: dict[str, str], limits: Limits) -> None:
        self.data, self.columns, self.limits = data, columns, limits

    def column(self, name: str) -> str:
        return self.columns.get(name, name)

    def has(self, name: str) -> bool:
        return name in self.columns and self.data.get(self.columns[name]) is not None

    def text(self, name: str) -> str:
        column = self.column(name)
        return fields.text(fields.require(self.data, column), column, self.limits)

    def name(self, name: str, max_chars: int = fields.MAX_NAME_CHARS) -> str:
        if not self.has(name):
            return ""
        column = self.columns[name]
        return fields.name_of({column: plain(self.data[column])}, column, max_chars)

    def parsed(self, name: str) -> Any:
        """A list or an object, which may stand there as its JSON text."""
        column = self.columns[name]
        value = self.data[column]
        return decode_cell(value, column, self.limits) if isinstance(value, str) else value

    def said(self, value: Any, column: str) -> str:
        """A response: a text, a message, or a list of one message."""
        message = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(message, dict) and "content" in message:
            return fields.text(message["content"], f"{column}.content", self.limits)
        return fields.text(value, column, self.limits)

    def response(self, name: str) -> str:
        column = self.column(name)
        return self.said(fields.require(self.data, column), column)

    def given(self) -> Given | None:
        columns = {name: self.columns[name] for name in OWN if name in self.columns}
        return given_of(self.data, self.limits, columns=columns) if columns else None

    def with_metadata(self) -> dict[str, Any]:
        """The row with the column of metadata under this name, read from JSON where it is text."""
        if not self.has("metadata"):
            return {name: said for name, said in self.data.items() if name != "metadata"}
        column = self.columns["metadata"]
        rest = {name: said for name, said in self.data.items() if name != column}
        return {**rest, "metadata": self.parsed("metadata") if self.data[column] else None}


def _prompt(cells: _Cells) -> tuple[str, list[Message]]:
    """System text and turns. The text of a CSV cell is the user's only turn."""
    column = cells.column("prompt")
    given = fields.require(cells.data, column)
    return split_system(fields.conversation(given, column, cells.limits), column)


def _responses(cells: _Cells) -> tuple[tuple[ImportedResponse, ...], list[str]]:
    if cells.has("responses"):
        column = cells.columns["responses"]
        given = fields.listed(cells.parsed("responses"), column)
        if len(given) > len(LETTERS):
            raise RowProblem(
                column,
                given,
                "Got {count} responses. Give at most {most}.",
                count=len(given),
                most=len(LETTERS),
            )
        texts = {
            letter: cells.said(value, f"{column}[{place}]")
            for place, (letter, value) in enumerate(zip(LETTERS, given, strict=False))
        }
    elif cells.has("chosen") or cells.has("rejected"):
        texts = {"a": cells.response("chosen"), "b": cells.response("rejected")}
    else:
        letters = [letter for letter in LETTERS if cells.has(f"response_{letter}")] or ["a"]
        texts = {letter: cells.response(f"response_{letter}") for letter in letters}
    if len(texts) > 1 and len(set(texts.values())) == 1:
        raise all_identical(cells.column("response_a"), texts["a"])
    generators = _generators(cells, list(texts))
    responses = tuple(ImportedResponse(text, generators[letter]) for letter, text in texts.items())
    return responses, list(texts)


def _generators(cells: _Cells, letters: list[str]) -> dict[str, str]:
    if not cells.has("generators"):
        return {letter: cells.name(f"generator_{letter}") for letter in letters}
    column = cells.columns["generators"]
    given = fields.listed(cells.parsed("generators"), column)
    if len(given) != len(letters):
        raise RowProblem(
            column,
            given,
            "Got {count} names for {wanted} responses. Give one for each.",
            count=len(given),
            wanted=len(letters),
        )
    return {
        letter: fields.name_of({column: name}, column)
        for letter, name in zip(letters, given, strict=True)
    }


def _labels(
    cells: _Cells, letters: list[str], label_values: Mapping[str, str]
) -> list[ImportedLabel]:
    annotator, strength = cells.name("annotator") or None, _strength(cells)
    if cells.has("chosen") and not cells.has("responses"):
        return [ImportedLabel("prefer", preferred=0, strength=strength, annotator=annotator)]
    said = cells.name("label").strip()
    if not said:
        return []
    return _meant(cells.column("label"), said, letters, label_values, strength, annotator)


def _meant(
    column: str,
    said: str,
    letters: list[str],
    label_values: Mapping[str, str],
    strength: int | None = None,
    annotator: str | None = None,
) -> list[ImportedLabel]:
    """Of more than two responses a letter means that this one is the best."""
    known = dict(label_values) or LABEL_VALUES
    meaning = known.get(said, known.get(said.lower(), ""))
    if meaning not in (*letters, *VERDICTS) or len(letters) < 2:
        raise _no_meaning(column, said, [*letters, *VERDICTS], label_values)
    what = letters.index(meaning) if meaning in letters else meaning
    entry = {"preferred": what, "strength": strength}
    return read_label(entry, column, len(letters), annotator)


def _gold(
    cells: _Cells, letters: list[str], label_values: Mapping[str, str]
) -> ImportedGold | None:
    column = cells.column("gold")
    said = cells.text("gold").strip() if cells.has("gold") else ""
    if not said:
        return None
    explanation = cells.text("gold_explanation") if cells.has("gold_explanation") else ""
    use = use_of(cells.name("gold_use").strip(), cells.column("gold_use"))
    if not said.startswith("{"):
        meant = _meant(column, said, letters, label_values)
        return ImportedGold(tuple(meant), None, explanation, use)
    found = gold_of(
        decode_cell(said, column, cells.limits),
        column,
        cells.limits,
        label=lambda entry: read_label(entry, column, len(letters)),
        ranking=lambda entry: read_ranking(entry, len(letters)),
    )
    return found and replace(
        found, explanation=found.explanation or explanation, use=found.use or use
    )


def _no_meaning(
    column: str, said: str, meanings: list[str], label_values: Mapping[str, str]
) -> RowProblem:
    wanted = ", ".join(meanings)
    if not label_values:
        return RowProblem(
            column,
            said,
            "The value means none of {wanted}. Say what it means (label_value).",
            wanted=wanted,
        )
    return RowProblem(
        column,
        said,
        "The value means none of {wanted}. Values with a meaning: {known}. "
        "Say what it means (label_value).",
        wanted=wanted,
        known=", ".join(label_values),
    )


def _strength(cells: _Cells) -> int | None:
    given = cells.name("strength").strip()
    if not given:
        return None
    value = int(given) if given.isdecimal() and len(given) < 3 else given
    return fields.integer(value, cells.column("strength"), 1, 3)


TABLE = ImportFormat(
    "table",
    translatable("Table (CSV, TSV, Parquet, JSON rows) with a column mapping"),
    parse,
    recognises,
    read_rows,
)
