"""Tables: CSV or TSV (or JSON rows of plain values) with a mapping from our names to columns.

The mapping's keys: `prompt`; `response_a`, `response_b` … `response_j`, each with `generator_a` …;
or `chosen` and `rejected` instead of responses and label; `label`, `strength`, `annotator`, `id`,
`system`, `language`, `stratum`, `skills`, `authors`; `gold`, the known answer, as `label` or as a
JSON object (see known.py), with `gold_explanation` and `gold_use`. Without a mapping the columns
carry these names themselves.
"""

import csv
import itertools
import json
import string
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, cast

from annotate.interchange import fields
from annotate.interchange.asked import asked_of
from annotate.interchange.dialogues import all_identical, split_system
from annotate.interchange.formats import ImportFormat, ReadOptions
from annotate.interchange.known import gold_of, use_of
from annotate.interchange.records import (
    ImportedGold,
    ImportedItem,
    ImportedLabel,
    ImportedResponse,
    RowError,
    RowProblem,
    Verdict,
    storable,
)
from annotate.interchange.responses import read_label, read_ranking
from annotate.interchange.rows import Row, decode_text, looks_like_json, objects, start
from annotate.interchange.streams import FatalProblem, Limits, RawLine, split_lines
from annotate.wording import Told, translatable

LETTERS = string.ascii_lowercase[:10]
NAMES = (
    *("prompt", "chosen", "rejected", "label", "strength", "annotator", "id", "system", "language"),
    *("gold", "gold_explanation", "gold_use"),
    *("stratum", "skills", "authors"),
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

# The module-wide limit guards the reader against an unclosed quote that swallows the file.
csv.field_size_limit(Limits().max_line_bytes)


def read_rows(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    line = 1
    try:
        head, chunks = start(stream, options.limits)
        if looks_like_json(head):
            yield from objects(head, chunks, options.limits)
            return
        source = _Lines(split_lines(chunks, options.limits))
        for row in _records(source, options):
            line = source.number
            yield row
    except FatalProblem as problem:
        yield problem.at(line)


def parse(row: Row, options: ReadOptions) -> ImportedItem:
    cells = _Cells(row.data, _columns(options.mapping), options.limits)
    responses, letters = _responses(cells)
    label = _label(cells, letters, options.label_values)
    turns = fields.conversation(cells.text("prompt"), cells.column("prompt"), options.limits)
    _, conversation = split_system(turns, cells.column("prompt"))
    used = frozenset(cells.columns.values())
    return ImportedItem(
        line=row.line,
        external_id=cells.name("id") or None,
        conversation=conversation,
        system=cells.text("system") if cells.has("system") else "",
        responses=responses,
        language=cells.name("language", fields.MAX_LANGUAGE_CHARS),
        metadata=fields.metadata(row.data, used, options.limits),
        labels=(label,) if label else (),
        gold=_gold(cells, letters, options.label_values),
        **asked_of({name: cells.data[cells.columns[name]] for name in ASKED if cells.has(name)}),
    )


def recognises(row: Mapping[str, Any]) -> bool:
    return "prompt" in row and "response_a" in row and "response_b" in row


def delimiter_of(header: str) -> str:
    """The separator that occurs most often in the header outside quotes."""
    bare = "".join(header.split('"')[::2])
    return max(",\t;|", key=bare.count)


class _Lines:
    """Decoded lines for csv.reader; errors of single lines wait in `errors`."""

    def __init__(self, lines: Iterator[RawLine | RowError]) -> None:
        self._lines = lines
        self.number, self.end = 0, 0
        self.errors: list[RowError] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if isinstance(line, RowError):
                self.errors.append(line)
                continue
            self.number, self.end = line.number, line.end
            yield line.data.decode("utf-8", "surrogateescape") + "\n"


def _records(source: _Lines, options: ReadOptions) -> Iterator[Row | RowError]:
    lines = iter(source)
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=delimiter_of(first))
    try:
        header = _header(next(reader, []), options)
    except csv.Error as error:
        raise FatalProblem(
            "The header line cannot be read: {problem}", problem=str(error)
        ) from error
    except RowProblem as problem:
        raise FatalProblem(
            "The header line cannot be read: {problem}", problem=problem.why
        ) from problem
    while True:
        begin = source.number + 1
        try:
            record = next(reader)
        except StopIteration:
            yield from source.errors
            return
        except csv.Error as error:
            why = Told(
                "The row cannot be read: {error}. Check the quotes in and before it.",
                error=str(error),
            )
            yield RowError(begin, "", "", why)
            continue
        yield from source.errors
        source.errors.clear()
        if record:
            yield _row(begin, record, header, source.end)


def _header(names: list[str], options: ReadOptions) -> list[str]:
    for name in names:
        decode_text(name.encode("utf-8", "surrogateescape"))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FatalProblem(
            "The header names these columns twice: {twice}. Rename one.", twice=", ".join(twice)
        )
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
    return names


def _row(line: int, record: list[str], header: list[str], end: int) -> Row | RowError:
    cells = dict(zip(header, record, strict=False))
    try:
        for name, cell in cells.items():
            _check_cell(name, cell)
        if len(record) != len(header):
            raise RowProblem(
                "",
                record,
                "The row has {count} fields, the header {wanted}. "
                "Quote texts that hold the separator or line ends.",
                count=len(record),
                wanted=len(header),
            )
    except RowProblem as problem:
        return problem.at(line, raw={name: storable(cell) for name, cell in cells.items()})
    return Row(line, dict(cells), end)


def _check_cell(name: str, cell: str) -> None:
    if cell.isascii() and "\0" not in cell:
        return
    try:
        decode_text(cell.encode("utf-8", "surrogateescape"))
    except RowProblem as problem:
        raise RowProblem.of(name, storable(cell), problem.why) from problem


def _columns(mapping: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(mapping) - set(NAMES))
    if unknown:
        raise FatalProblem(
            "The mapping has unknown names: {unknown}. Known: {known}.",
            unknown=", ".join(unknown),
            known=", ".join(NAMES),
        )
    return dict(mapping) if mapping else {name: name for name in NAMES}


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
        return fields.name_of(self.data, self.columns[name], max_chars)


def _responses(cells: _Cells) -> tuple[tuple[ImportedResponse, ...], list[str]]:
    if cells.has("chosen") or cells.has("rejected"):
        texts = {"a": cells.text("chosen"), "b": cells.text("rejected")}
    else:
        letters = [letter for letter in LETTERS if cells.has(f"response_{letter}")]
        letters = letters if len(letters) > 1 else ["a", "b"]
        texts = {letter: cells.text(f"response_{letter}") for letter in letters}
    if len(set(texts.values())) == 1:
        raise all_identical(cells.column("response_a"), texts["a"])
    responses = tuple(
        ImportedResponse(text, cells.name(f"generator_{letter}")) for letter, text in texts.items()
    )
    return responses, list(texts)


def _label(
    cells: _Cells, letters: list[str], label_values: Mapping[str, str]
) -> ImportedLabel | None:
    annotator, strength = cells.name("annotator") or None, _strength(cells)
    if cells.has("chosen"):
        return ImportedLabel("prefer", preferred=0, strength=strength, annotator=annotator)
    said = cells.name("label").strip()
    if not said:
        return None
    return _meant(cells.column("label"), said, letters, label_values, strength, annotator)


def _meant(
    column: str,
    said: str,
    letters: list[str],
    label_values: Mapping[str, str],
    strength: int | None = None,
    annotator: str | None = None,
) -> ImportedLabel:
    known = dict(label_values) or LABEL_VALUES
    meaning = known.get(said, known.get(said.lower(), ""))
    if meaning in VERDICTS and len(letters) == 2:
        return ImportedLabel(cast(Verdict, meaning), strength=strength, annotator=annotator)
    if meaning not in letters or len(letters) != 2:
        raise _no_meaning(column, said, [*letters, *VERDICTS], label_values)
    return ImportedLabel(
        "prefer", preferred=letters.index(meaning), strength=strength, annotator=annotator
    )


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
        return ImportedGold((meant,), None, explanation, use)
    try:
        given = json.loads(said)
    except ValueError as error:
        raise RowProblem(column, said, "Not JSON: {said}.", said=str(error)) from error
    found = gold_of(
        given,
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
    "table", translatable("Table (CSV, TSV) with a column mapping"), parse, recognises, read_rows
)
