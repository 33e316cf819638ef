"""Which columns a file has, whatever it is: a header's, or the fields of its first rows."""

import csv
from itertools import islice
from typing import BinaryIO

from annotate.interchange.csv_rows import delimiter_of
from annotate.interchange.parquet_rows import is_parquet, parquet_columns
from annotate.interchange.records import RowError
from annotate.interchange.rows import looks_like_json, read_objects, start
from annotate.interchange.streams import FatalProblem, Limits

FIRST_ROWS = 20  # of JSON, any of which may lack a field
MOST_HEADER_BYTES = 256 << 10


def columns_of_table(stream: BinaryIO, limits: Limits) -> list[str]:
    """None of a file that cannot be read. The stream, a seekable one, stays where it is."""
    begin = stream.tell()
    try:
        if is_parquet(stream):
            return parquet_columns(stream, limits)
        first = _first_line(stream, limits)
        if not looks_like_json(first.encode()):
            return next(csv.reader([first.rstrip("\r")], delimiter=delimiter_of(first)), [])
        stream.seek(begin)
        rows = islice(read_objects(stream, limits), FIRST_ROWS)
        return list(
            dict.fromkeys(
                name for row in rows if not isinstance(row, RowError) for name in row.data
            )
        )
    except (FatalProblem, csv.Error):  # reading the rows says why
        return []
    finally:
        stream.seek(begin)


def _first_line(stream: BinaryIO, limits: Limits) -> str:
    """The first line with something in it. Raises FatalProblem."""
    _, chunks = start(stream, limits)
    head = b""
    for chunk in chunks:
        head = (head + chunk).lstrip()
        if b"\n" in head or len(head) > MOST_HEADER_BYTES:
            break
    return head.decode("utf-8", "replace").split("\n", 1)[0]
