"""What a format is: a name, how its rows are recognised, read and written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from annotate.interchange.parquet_rows import is_parquet, read_parquet
from annotate.interchange.preferences import Judged, Preference
from annotate.interchange.records import ImportedItem, Message, RowError
from annotate.interchange.rows import Row, read_objects
from annotate.interchange.streams import FatalProblem, Limits
from annotate.wording import Told


class UnknownFormat(Exception):
    """Carries a message for the person who chose the format or sent the file, and `why` it is."""

    def __init__(self, reason: str, /, **values: object) -> None:
        self._say(Told(reason, **values))

    @classmethod
    def of(cls, why: Told) -> "UnknownFormat":
        """For what is wrong with the file as a whole."""
        error = cls.__new__(cls)
        error._say(why)
        return error

    def _say(self, why: Told) -> None:
        self.args = (why.message,)
        self.why = why


class NoFormatHasThem(UnknownFormat):
    """No format has the `fields` that the first row has."""

    def __init__(self, fields: "str | Told", known: str) -> None:
        self.fields = fields
        self._say(
            Told(
                "No format has the fields {fields}. Choose one of {known}.",
                fields=fields,
                known=known,
            )
        )


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """`mapping` names columns and `label_values` their values; only tables use them."""

    limits: Limits = field(default_factory=Limits)
    mapping: Mapping[str, str] = field(default_factory=dict)
    label_values: Mapping[str, str] = field(default_factory=dict)


RowReader = Callable[[BinaryIO, ReadOptions], Iterator[Row | RowError]]
RowParser = Callable[[Row, ReadOptions], ImportedItem]


def read_any_objects(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    """Of JSON lines, of a JSON array, or of a Parquet file."""
    if not is_parquet(stream):
        yield from read_objects(stream, options.limits)
        return
    line = 1
    try:
        for row in read_parquet(stream, options.limits):
            line = row.line
            yield row
    except FatalProblem as problem:
        yield problem.at(line)


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """`parse` may raise RowProblem and nothing else; `recognises` sees a file's first object.

    `several_a_line`: `read_rows` may make several rows of one, all with its line.
    """

    name: str
    title: str
    parse: RowParser
    recognises: Callable[[Mapping[str, Any]], bool]
    read_rows: RowReader = read_any_objects
    several_a_line: bool = False


PairWriter = Callable[[str, list[Message], str, str], dict[str, Any]]
Rows = Iterable[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One of the five says what its rows are made from: `write` takes a preference, `write_judged`
    a judgement, with its provenance, of one of `kinds` (none: of any), `write_task` all those of
    one task, whose provenance then has `expert` too, `write_signal` one of implicit feedback,
    `of_spans` names what is made of marked spans.

    `columns` are all that a row may have, with their types for Parquet (see parquet_files.py); with
    `is_open` it may have others. `refuses` names the options of preferences that the rows have no
    place for. `once_a_prompt`: the first row of every prompt alone.
    """

    name: str
    title: str
    columns: Mapping[str, str]
    write: Callable[[Preference], Rows] | None = None
    write_judged: Callable[[Judged], Rows] | None = None
    write_task: Callable[[Sequence[Judged]], Rows] | None = None
    write_signal: Callable[[Any], Rows] | None = None
    kinds: frozenset[str] = frozenset()
    of_spans: str = ""
    refuses: frozenset[str] = frozenset()
    once_a_prompt: bool = False
    is_open: bool = False


def of_pairs(writer: PairWriter) -> Callable[[Preference], Rows]:
    """One row a preference, made of system text, conversation, chosen and rejected."""

    def write(row: Preference) -> Rows:
        prompt = row.prompt
        return (writer(prompt.system, prompt.turns, row.chosen.said, row.rejected.said),)

    return write
