"""All import formats by name, the guess which one a file is in, and the one way to read a file."""

import io
import json
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO, NamedTuple

from annotate.interchange.csv_rows import delimiter_of
from annotate.interchange.fine_grained import FINE_GRAINED
from annotate.interchange.formats import ImportFormat, NoFormatHasThem, ReadOptions, UnknownFormat
from annotate.interchange.hh import HH
from annotate.interchange.parquet_rows import (
    is_parquet,
    parquet_columns,
    parquet_length,
    read_parquet,
)
from annotate.interchange.raw_rows import RAW_ROWS
from annotate.interchange.records import ImportedItem, RowError, RowProblem
from annotate.interchange.responses import RESPONSES
from annotate.interchange.rows import ERROR_KEY, Row, count_lines, looks_like_json
from annotate.interchange.sets.arena import ARENA
from annotate.interchange.sets.argilla import ARGILLA
from annotate.interchange.sets.helpsteer import HELPSTEER
from annotate.interchange.sets.helpsteer2_preference import HELPSTEER2_PREFERENCE
from annotate.interchange.sets.helpsteer3 import HELPSTEER3
from annotate.interchange.sets.image_reward import IMAGE_REWARD
from annotate.interchange.sets.label_studio import LABEL_STUDIO
from annotate.interchange.sets.llmfao import LLMFAO
from annotate.interchange.sets.multipref import MULTIPREF
from annotate.interchange.sets.nectar import NECTAR
from annotate.interchange.sets.open_assistant import OPEN_ASSISTANT
from annotate.interchange.sets.ranked import RANKED
from annotate.interchange.sets.ultrafeedback import ULTRAFEEDBACK
from annotate.interchange.streams import CutShort, FatalProblem, Limits, read_chunks
from annotate.interchange.table import TABLE
from annotate.interchange.trainers.axolotl import FROM_AXOLOTL
from annotate.interchange.trainers.llama_factory import FROM_LLAMA_FACTORY
from annotate.interchange.trainers.openai import FROM_OPENAI
from annotate.interchange.trl import TRL
from annotate.wording import Told, translatable

# The order is the order of guessing: hh and two of trainers before trl, whose columns they share,
# and raw, ranked and argilla before responses.
FORMATS: dict[str, ImportFormat] = {
    f.name: f
    for f in (
        *(
            RAW_ROWS,
            HH,
            FROM_LLAMA_FACTORY,
            FROM_AXOLOTL,
            TRL,
            FROM_OPENAI,
            RANKED,
            ARGILLA,
            RESPONSES,
        ),
        FINE_GRAINED,
        *(ARENA, NECTAR, OPEN_ASSISTANT, ULTRAFEEDBACK, HELPSTEER, HELPSTEER3),
        HELPSTEER2_PREFERENCE,
        *(MULTIPREF, LABEL_STUDIO, LLMFAO, IMAGE_REWARD),
        TABLE,
    )
}
HEAD_BYTES = 64 << 10
REMEMBERED_IDS = 100_000
_KEY = re.compile(r'"((?:[^"\\]|\\.){1,60})"\s*:')


Fitting = Callable[[ImportedItem], ImportedItem]

NO_ROW = RowError(1, "", "", Told("The file holds no row. Send at least one."), fatal=True)
# What is told of an id that stands there twice.
_OTHER_TEXTS = translatable("The id stands on line {line} with other texts. Give each its own id.")
_OTHER_LABELS = translatable(
    "The id stands on line {line} with other labels. Give each its own id."
)
_OTHER_ANSWERS = translatable(
    "The id stands on line {line} with other answers. Give each its own id."
)


class Survey(NamedTuple):
    lines: int
    fatal: RowError | None


def get_format(name: str) -> ImportFormat:
    """Raises UnknownFormat naming the formats there are."""
    try:
        return FORMATS[name]
    except KeyError:
        known = ", ".join(FORMATS)
        raise UnknownFormat(
            "There is no import format {name!r}. Known: {known}.", name=name, known=known
        ) from None


def read(
    stream: BinaryIO, name: str, options: ReadOptions, *, fit: Fitting | None = None
) -> Iterator[ImportedItem | RowError]:
    """Items and errors in file order. Bad content never raises; an unknown `name` does at once.

    `fit` turns each item into what the project takes, or raises RowProblem. Items with parts are
    left to whoever knows the files that they name.
    """
    return _items(stream, get_format(name), options, fit)


def survey(stream: BinaryIO, name: str, options: ReadOptions) -> Survey:
    """Go through a seekable file once without parsing its rows: is it whole, how long is it?

    Finds damaged and over-large files, and tables without the mapped columns, before anything
    is written.
    """
    begin = stream.tell()
    first = next(iter(read(stream, name, options)))
    stream.seek(begin)
    if isinstance(first, RowError) and first.fatal:
        return Survey(0, first)
    if is_parquet(stream):
        return Survey(parquet_length(stream, options.limits), None)
    return Survey(*count_lines(stream, options.limits))


def detect_file(stream: BinaryIO, filename: str = "") -> str:
    """As `detect_format`, of a seekable file of any sort, which is left where it was."""
    begin = stream.tell()
    try:
        if not is_parquet(stream):
            return detect_format(stream.read(HEAD_BYTES), filename)
        row = _first_of_parquet(stream)
        found = next((one.name for one in FORMATS.values() if one.recognises(row)), None)
        if found is None:
            raise _no_format(row)
        return found
    finally:
        stream.seek(begin)


def _first_of_parquet(stream: BinaryIO) -> dict[str, Any]:
    """The first row, or the names of its columns where that holds nothing. Raises UnknownFormat."""
    try:
        names = dict.fromkeys(parquet_columns(stream, Limits()))
        first = next(read_parquet(stream, Limits()), None)
    except FatalProblem as problem:
        raise UnknownFormat.of(problem.why) from problem
    return first.data if isinstance(first, Row) else names


def detect_format(head: bytes, filename: str = "") -> str:
    """Guess from the first bytes, compressed or not.

    Raises UnknownFormat, with what is wrong with the file as a whole where that is the reason.
    """
    try:
        return _recognised(_decompressed(head).decode("utf-8", "replace").lstrip(), filename)
    except FatalProblem as problem:
        raise UnknownFormat.of(problem.why) from problem
    except UnknownFormat:
        refuse_unreadable(head)
        raise


def _recognised(text: str, filename: str) -> str:
    if not looks_like_json(text[:1].encode()):
        return _detect_table(text, filename)
    row = _first_object(text)
    for candidate in FORMATS.values():
        if candidate.recognises(row):
            return candidate.name
    raise _no_format(row)


def _no_format(row: dict[str, Any]) -> NoFormatHasThem:
    return NoFormatHasThem(", ".join(list(row)[:20]) or Told("(none)"), ", ".join(FORMATS))


def _items(
    stream: BinaryIO, chosen: ImportFormat, options: ReadOptions, fit: Fitting | None
) -> Iterator[ImportedItem | RowError]:
    ids = _Ids()
    rows = 0
    for row in chosen.read_rows(stream, options):
        rows += 1
        if isinstance(row, RowError):
            yield row
            continue
        try:
            item = chosen.parse(row, options)
            ids.check(item)
            if item.has_parts:
                item = replace(item, raw=row.data)
            elif fit is not None:
                item = fit(item)
        except RowProblem as problem:
            yield problem.at(row.line, raw=row.data)
        except FatalProblem as problem:
            yield problem.at(row.line)
            return
        else:
            yield item
    if not rows:
        yield NO_ROW


class _Ids:
    """Refuses an id that comes again with other texts, or the same annotator with other labels.

    Remembers the last 100,000 ids so that memory stays flat; the database, which holds them all,
    refuses the rest.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, ...], tuple[int, int]] = {}
        self._order: deque[tuple[str, ...]] = deque()  # a dict takes ever longer to its first key

    def check(self, item: ImportedItem) -> None:
        if item.external_id is None or any(answer.origin for answer in item.answers):
            return  # a row of a judgement, of which a prompt may have many
        self._check((item.external_id,), item.fingerprint, item.line, _OTHER_TEXTS)
        if item.labels:
            key = (item.external_id, *[label.annotator or "" for label in item.labels])
            self._check(key, hash(item.labels), item.line, _OTHER_LABELS)
        if item.answers:
            names = (item.answers[0].kind, *(answer.annotator or "" for answer in item.answers))
            content = hash(repr(item.answers))
            self._check((item.external_id, "", *names), content, item.line, _OTHER_ANSWERS)

    def _check(self, key: tuple[str, ...], content: int, line: int, reason: str) -> None:
        found = self._seen.get(key)
        if found is None:
            self._seen[key] = (content, line)
            self._order.append(key)
            if len(self._order) > REMEMBERED_IDS:
                del self._seen[self._order.popleft()]
        elif found[0] != content:
            raise RowProblem("id", key[0], reason, line=found[1])


def _decompressed(head: bytes) -> bytes:
    """What can be had of a gzip head that stops in the middle, else the head itself."""
    chunks = read_chunks(io.BytesIO(head), Limits(max_bytes=1 << 30))
    data = b""
    try:
        for chunk in chunks:
            data += chunk
            if len(data) >= HEAD_BYTES:
                break
    except FatalProblem:
        if not data:
            raise
    return data


def refuse_unreadable_file(stream: BinaryIO) -> None:
    """As `refuse_unreadable`, of a seekable file of any sort, which is rewound."""
    try:
        if is_parquet(stream):
            parquet_columns(stream, Limits())
        else:
            refuse_unreadable(stream.read(HEAD_BYTES))
    except FatalProblem as problem:
        raise UnknownFormat.of(problem.why) from problem
    finally:
        stream.seek(0)


def refuse_unreadable(head: bytes) -> None:
    """Raises UnknownFormat if the file cannot be unpacked, or grows beyond measure."""
    try:
        for _ in read_chunks(io.BytesIO(head), Limits()):
            pass
    except CutShort:
        return
    except FatalProblem as problem:
        raise UnknownFormat.of(problem.why) from problem


def _first_object(text: str) -> dict[str, Any]:
    """The first object; of one that is cut off, or broken, the names of its fields."""
    text = text.lstrip("[ \t\r\n")
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        line = text.split("\n", 1)[0]
        value = dict.fromkeys(_KEY.findall(line), "")
        if "chosen" in value or "rejected" in value:  # the other one may lie behind the cut
            value |= {"chosen": "", "rejected": ""}
    if not isinstance(value, dict):
        raise UnknownFormat("The first row is not a JSON object. Send {…} with named fields.")
    value.pop(ERROR_KEY, None)
    return value


def _detect_table(text: str, filename: str) -> str:
    header = text.split("\n", 1)[0]
    if filename.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        return TABLE.name
    if delimiter_of(header) in header:
        return TABLE.name
    raise UnknownFormat(
        "The file is neither JSON nor a table with a header line. Send JSONL, a JSON array or CSV."
    )
