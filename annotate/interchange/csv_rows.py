"""CSV and TSV to rows of texts by the names in their header."""

import csv
import itertools
from collections.abc import Callable, Iterator

from annotate.interchange.records import RowError, RowProblem, storable
from annotate.interchange.rows import Row, decode_text
from annotate.interchange.streams import FatalProblem, Limits, RawLine
from annotate.wording import Told

CheckHeader = Callable[[list[str]], None]

# The module-wide limit guards the reader against an unclosed quote that swallows the file.
csv.field_size_limit(Limits().max_line_bytes)


def read_csv(
    lines: Iterator[RawLine | RowError], check_header: CheckHeader
) -> Iterator[Row | RowError]:
    """Each row, or why it cannot be read. Raises FatalProblem, also that of `check_header`."""
    return _records(_Lines(lines), check_header)


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


def _records(source: _Lines, check_header: CheckHeader) -> Iterator[Row | RowError]:
    lines = iter(source)
    first = next((line for line in lines if line.strip()), "")
    reader = csv.reader(itertools.chain([first], lines), delimiter=delimiter_of(first))
    try:
        header = _header(next(reader, []), check_header)
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


def _header(names: list[str], check: CheckHeader) -> list[str]:
    for name in names:
        decode_text(name.encode("utf-8", "surrogateescape"))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FatalProblem(
            "The header names these columns twice: {twice}. Rename one.", twice=", ".join(twice)
        )
    check(names)
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
