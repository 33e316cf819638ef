"""What a format is: a name, how its rows are recognised, read and written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from annotate.interchange.preferences import Judged, Preference
from annotate.interchange.records import ImportedItem, Message, RowError
from annotate.interchange.rows import Row, read_objects
from annotate.interchange.streams import Limits
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


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """`mapping` names columns and `label_values` their values; only tables use them."""

    limits: Limits = field(default_factory=Limits)
    mapping: Mapping[str, str] = field(default_factory=dict)
    label_values: Mapping[str, str] = field(default_factory=dict)


RowReader = Callable[[BinaryIO, ReadOptions], Iterator[Row | RowError]]
RowParser = Callable[[Row, ReadOptions], ImportedItem]


def _read_objects(stream: BinaryIO, options: ReadOptions) -> Iterator[Row | RowError]:
    return read_objects(stream, options.limits)


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """`parse` may raise RowProblem and nothing else; `recognises` sees a file's first object."""

    name: str
    title: str
    parse: RowParser
    recognises: Callable[[Mapping[str, Any]], bool]
    read_rows: RowReader = _read_objects


PairWriter = Callable[[str, list[Message], str, str], dict[str, Any]]
Rows = Iterable[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """One of the four says what its rows are made from: `write` takes a preference, `write_judged`
    a judgement, with its provenance, of one of `kinds` (none: of any), `write_task` all those of
    one task, whose provenance then has `expert` too, `of_spans` names what is made of marked spans.

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
