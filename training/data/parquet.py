"""Rows of Parquet files, where pyarrow is installed: it comes with the training extra.

Nothing else of the server needs it, so it is imported when such a file comes.
"""

from collections.abc import Collection, Iterator
from typing import Any, BinaryIO

from annotate.inputs import InvalidValue, refuse_unstorable
from annotate.interchange.records import RowError
from annotate.interchange.rows import Row
from annotate.interchange.streams import RATIO_GRACE_BYTES, FatalProblem, Limits
from annotate.wording import Told

MAGIC = b"PAR1"
READ_AT_ONCE = 16  # rows, each of which may be as long as a line of JSON


def is_parquet(stream: BinaryIO) -> bool:
    """By its first bytes; the stream stays where it is."""
    begin = stream.tell()
    head = stream.read(len(MAGIC))
    stream.seek(begin)
    return head == MAGIC


def read_rows(
    stream: BinaryIO, *, columns: Collection[str], limits: Limits
) -> Iterator[Row | RowError]:
    """The rows with those of the columns that they have, numbered from 1; nulls are left out.

    Never raises for bad content: the last of the rows is then a fatal error.
    """
    number = 0
    try:
        for row in _objects(stream, columns, limits):
            number += 1
            yield _stored(number, row)
    except FatalProblem as problem:
        yield problem.at(number + 1)


def _stored(number: int, row: dict[str, Any]) -> Row | RowError:
    try:
        refuse_unstorable("", row)
    except InvalidValue as problem:
        why = Told("The row {problem}.", problem=problem.apart())
        return RowError(number, problem.field, "", why)
    return Row(number, row, 0)


def _objects(
    stream: BinaryIO, columns: Collection[str], limits: Limits
) -> Iterator[dict[str, Any]]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise FatalProblem(
            "The file is Parquet, and this server has no pyarrow to read it with. Install the "
            "training extra or pyarrow alone, or send the rows as JSONL."
        ) from error
    # Damaged names and texts are UnicodeDecodeErrors, a subclass of ValueError as ArrowInvalid is.
    damaged = (pyarrow.ArrowException, OSError, ValueError)
    try:
        file = parquet.ParquetFile(stream)
        _require_size(stream, file.metadata, limits)
        wanted = [name for name in file.schema_arrow.names if name in columns]
        if not wanted:
            raise FatalProblem(
                "The file has none of the columns {wanted}. Rename its own: {names}.",
                wanted=", ".join(sorted(columns)),
                names=", ".join(file.schema_arrow.names),
            )
        for batch in file.iter_batches(batch_size=READ_AT_ONCE, columns=wanted):
            for row in batch.to_pylist():
                yield {name: value for name, value in row.items() if value is not None}
    except damaged as error:
        raise FatalProblem(
            "The Parquet file is damaged: {error}. Write it again.", error=str(error)
        ) from error


def _require_size(stream: BinaryIO, metadata: Any, limits: Limits) -> None:
    """As for gzip: a small file must not fill the memory."""
    begin = stream.tell()
    packed = stream.seek(0, 2)
    stream.seek(begin)
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    most = min(limits.max_bytes, max(RATIO_GRACE_BYTES, packed * limits.max_ratio))
    if size > most:
        raise FatalProblem(
            "The file unpacks to {size} bytes, more than the {most} allowed. Send it in parts.",
            size=size,
            most=most,
        )
