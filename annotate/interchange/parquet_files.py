"""Rows as a Parquet file, streamed: one row group after the other, none held longer than it takes.

The types of columns are told by name, since rows may come that a guess from the first ones would
not fit. pyarrow is loaded when a file is written.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

ROWS_A_GROUP = 5_000
BYTES_A_GROUP = 16 << 20  # of texts: rows may be long
MOST_A_ROW = 256 << 20  # bytes of texts; imports bring less, conversations may grow
REST = "rest"  # what an open format has beside its columns, as JSON


class RowTooLong(ValueError):
    """Names the row by the id that its format gives it."""

    def __init__(self, row_id: object, size: int) -> None:
        which = "a row" if row_id is None else f"the row with the id {row_id}"
        super().__init__(
            f"{which} has {size} bytes of texts, and Parquet files here hold at most {MOST_A_ROW} "
            "in one; export JSON lines (file_type=jsonl) instead"
        )


def stream_parquet(
    rows: Iterable[dict[str, Any]], columns: Mapping[str, str], *, is_open: bool = False
) -> Iterator[bytes]:
    """The file's bytes. Raises ValueError for a row with a column that is not among `columns`,
    which `is_open` puts into the column `rest` instead, and RowTooLong for one above MOST_A_ROW.

    At most BYTES_A_GROUP of texts wait to be written, and one row.
    """
    from pyarrow import parquet

    schema = schema_of({**columns, **({REST: "json"} if is_open else {})})
    sink = Sink()
    writer = parquet.ParquetWriter(sink, schema, compression="zstd")
    prepare = _Prepare(columns, is_open)
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        prepared = prepare(row)
        group.append(prepared)
        long = _size(prepared)
        if long > MOST_A_ROW:
            raise RowTooLong(row.get("id"), long)
        size += long
        if len(group) == ROWS_A_GROUP or size >= BYTES_A_GROUP:
            yield from _written(writer, group, schema, sink)
            group, size = [], 0
    if group:
        yield from _written(writer, group, schema, sink)
    writer.close()
    yield sink.take()


def schema_of(columns: Mapping[str, str]) -> Any:
    """The pyarrow schema of columns whose types are named as formats name them."""
    import pyarrow as pa

    text, flag = pa.string(), pa.bool_()
    message = pa.struct([("role", text), ("content", text)])
    turn = pa.struct([("from", text), ("value", text)])
    types = {
        "text": text,
        "json": text,
        "flag": flag,
        "integer": pa.int64(),
        "number": pa.float64(),
        "texts": pa.list_(text),
        "flags": pa.list_(flag),
        "integers": pa.list_(pa.int64()),
        "message": message,
        "messages": pa.list_(message),
        "turn": turn,
        "turns": pa.list_(turn),
        "scores": pa.list_(pa.struct([("score", pa.int64()), ("reasoning", text)])),
        "preferences": pa.list_(
            pa.struct([("statement", text), ("elaboration", text), ("strength", pa.int64())])
        ),
        "reward_model": pa.struct([("style", text), ("ground_truth", text)]),
        "extra_info": pa.struct([("split", text), ("index", pa.int64())]),
    }
    return pa.schema([(name, types[kind]) for name, kind in columns.items()])


def _written(
    writer: Any, group: list[dict[str, Any]], schema: Any, sink: "Sink"
) -> Iterator[bytes]:
    import pyarrow as pa

    writer.write_table(pa.Table.from_pylist(group, schema=schema))
    yield sink.take()


class _Prepare:
    def __init__(self, columns: Mapping[str, str], is_open: bool) -> None:
        self._json = [name for name, kind in columns.items() if kind == "json"]
        self._known = frozenset(columns)
        self._is_open = is_open
        self._encode: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        further = row.keys() - self._known
        if further and not self._is_open:
            raise ValueError(f"the format does not name the columns {sorted(further)}")
        prepared = {name: said for name, said in row.items() if name in self._known}
        for name in self._json:
            if name in prepared:
                prepared[name] = self._encode(prepared[name])
        if further:
            rest = {name: said for name, said in row.items() if name in further}
            prepared[REST] = self._encode(rest)
        return prepared


def _size(value: Any) -> int:
    """The bytes of its texts, and some for all else."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 8


class Sink(io.RawIOBase):
    """Takes what a writer writes, and gives it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._told = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._told += len(part)
        return len(part)

    def tell(self) -> int:
        return self._told

    def take(self) -> bytes:
        data, self._parts = b"".join(self._parts), []
        return data
