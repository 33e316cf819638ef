"""Short ways for the tests of this folder to read bytes."""

import io
import json

from annotate.interchange.formats import ReadOptions
from annotate.interchange.records import ImportedItem, RowError
from annotate.interchange.registry import read
from annotate.interchange.streams import Limits


def read_bytes(data: bytes, format: str, **options) -> list[ImportedItem | RowError]:
    limits = Limits(**options.pop("limits", {}))
    return list(read(io.BytesIO(data), format, ReadOptions(limits=limits, **options)))


def read_rows(rows: list[dict], format: str, **options) -> list[ImportedItem | RowError]:
    return read_bytes("\n".join(map(json.dumps, rows)).encode(), format, **options)


def read_one(row: dict, format: str, **options) -> ImportedItem:
    [item] = read_rows([row], format, **options)
    assert isinstance(item, ImportedItem), item
    return item


def only_error(data: bytes, format: str, **options) -> RowError:
    [error] = read_bytes(data, format, **options)
    assert isinstance(error, RowError), error
    return error
