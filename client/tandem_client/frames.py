"""Rows as the frames of pandas, datasets and pyarrow; each needs the extra of its name."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datasets
    import pandas
    import pyarrow

Rows = Iterable[Mapping[str, Any]]


def to_pandas(rows: Rows) -> "pandas.DataFrame":
    """All rows in memory. For pieces: `for part in batches(rows, 10_000): to_pandas(part)`."""
    import pandas

    return pandas.DataFrame.from_records(list(rows))


def to_arrow(rows: Rows, size: int = 10_000) -> "pyarrow.Table":
    """A table of chunks of `size` rows; a column's type is what holds all of its values."""
    import pyarrow

    parts = [pyarrow.Table.from_pylist(part) for part in batches(rows, size)]
    if not parts:
        return pyarrow.table({})
    return pyarrow.concat_tables(parts, promote_options="permissive")


def to_dataset(rows: Rows, cache_dir: str | os.PathLike[str] | None = None) -> "datasets.Dataset":
    """A dataset, written to disk row by row and mapped into memory from there."""
    import datasets

    with TemporaryDirectory(prefix="tandem-") as folder:
        path = os.path.join(folder, "rows.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        if not os.path.getsize(path):
            return datasets.Dataset.from_list([])
        return datasets.Dataset.from_json(
            path, cache_dir=os.fspath(cache_dir) if cache_dir else None
        )


def batches(rows: Rows, size: int) -> Iterator[list[dict[str, Any]]]:
    """Lists of `size` rows, the last one shorter."""
    source = iter(rows)
    while part := [dict(row) for row in islice(source, size)]:
        yield part
