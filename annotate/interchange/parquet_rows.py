"""Parquet files to the same rows as JSON lines: one object a row, counted from 1 in place of lines.

Values become what JSON has: times are ISO texts, decimals texts, a number that is not finite is
left out, as tables have it for "none"; bytes have no place. A few rows are held at a time, and
what they hold together is bounded as that of other files. pyarrow is loaded when such a file comes.
"""

import math
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID

from annotate.interchange.records import RowError, RowProblem, excerpt
from annotate.interchange.rows import ERROR_KEY, Row, check_characters
from annotate.interchange.streams import FatalProblem, Limits
from annotate.wording import Told

MAGIC = b"PAR1"
ROWS_AT_ONCE = 32
BUFFER = 1 << 20
MOST_COLUMNS = 2000


def is_parquet(stream: BinaryIO) -> bool:
    """Leaves a seekable stream where it was; others, such as sockets, hold none."""
    if not stream.seekable():
        return False
    begin = stream.tell()
    head = stream.read(len(MAGIC))
    stream.seek(begin)
    return head == MAGIC


def parquet_columns(stream: BinaryIO, limits: Limits) -> list[str]:
    """The names of its columns. Raises FatalProblem."""
    return list(_open(stream, limits).schema_arrow.names)


def parquet_length(stream: BinaryIO, limits: Limits) -> int:
    """How many rows it says that it has. Raises FatalProblem."""
    return int(_open(stream, limits).metadata.num_rows)


def read_parquet(stream: BinaryIO, limits: Limits) -> Iterator[Row | RowError]:
    """Every row, or why it cannot be kept. Raises FatalProblem for a damaged file."""
    file = _open(stream, limits)
    line, size = 0, 0
    batches = file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False)
    while True:
        try:
            batch = next(batches, None)
            found = [] if batch is None else batch.to_pylist(maps_as_pydicts="strict")
        except Exception as error:
            raise _damaged(error) from error
        if batch is None:
            return
        for data in found:
            line += 1
            data.pop(ERROR_KEY, None)
            try:
                row = {name: _storable(value, name, 1, limits) for name, value in data.items()}
                check_characters(row)
                long = _length(row)
                if long > limits.max_line_bytes:
                    raise RowProblem(
                        "",
                        row,
                        "The row is longer than {most} bytes. Shorten its texts.",
                        most=limits.max_line_bytes,
                    )
            except RowProblem as problem:
                yield problem.at(line)
                continue
            size += long
            if size > limits.max_bytes:
                raise FatalProblem(
                    "The file holds more than {most} bytes. Send it in parts.",
                    most=limits.max_bytes,
                )
            yield Row(line, row, size)


def _open(stream: BinaryIO, limits: Limits) -> Any:
    """The file, which looks for its rows itself: the stream stays where it is until then."""
    from pyarrow import parquet

    begin = stream.tell()
    try:
        file = parquet.ParquetFile(
            stream,
            buffer_size=BUFFER,
            pre_buffer=False,
            thrift_string_size_limit=limits.max_line_bytes,
            thrift_container_size_limit=1_000_000,
        )
        names = file.schema_arrow.names
    except Exception as error:
        raise _damaged(error) from error
    finally:
        stream.seek(begin)
    if len(names) > MOST_COLUMNS:
        raise FatalProblem(
            "The file has {count} columns. Send those with the texts and labels, at most {most}.",
            count=len(names),
            most=MOST_COLUMNS,
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FatalProblem(
            "The header names these columns twice: {twice}. Rename one.", twice=", ".join(twice)
        )
    return file


def _damaged(error: Exception) -> FatalProblem:
    return FatalProblem(
        "The Parquet file cannot be read ({error}). Write it anew, or send it as JSONL.",
        error=excerpt(str(error)),
    )


def _storable(value: Any, name: str, level: int, limits: Limits) -> Any:
    """As JSON has it. Raises RowProblem."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict | list) and level >= limits.max_depth:
        raise RowProblem(
            name,
            value,
            "The row is nested deeper than {levels} levels. Flatten it.",
            levels=limits.max_depth,
        )
    if isinstance(value, dict):
        return {
            str(key): _storable(said, f"{name}.{key}", level + 1, limits)
            for key, said in value.items()
        }
    if isinstance(value, list):
        return [_storable(said, f"{name}[{i}]", level + 1, limits) for i, said in enumerate(value)]
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise RowProblem(
        name,
        "…",
        "Columns of {kind} cannot be kept. Leave the column out, or write it as text.",
        kind=Told("bytes") if isinstance(value, bytes) else type(value).__name__,
    )


def _length(value: Any) -> int:
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        return sum(len(key) + _length(said) for key, said in value.items())
    return sum(map(_length, value)) if isinstance(value, list) else 8
