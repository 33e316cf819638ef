"""What a format is: a name, how its rows are recognised, read and written."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from annotate.interchange.records import ImportedItem, RowError
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
