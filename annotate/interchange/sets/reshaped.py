"""Rows of other shapes, read as one of our own, with problems told of their own fields."""

from collections.abc import Callable, Mapping
from typing import Any

from annotate.interchange import fields
from annotate.interchange.formats import ReadOptions, RowParser
from annotate.interchange.records import ImportedItem, RowProblem
from annotate.interchange.rows import Row, decode_cell
from annotate.interchange.streams import Limits

Reshape = Callable[[Mapping[str, Any]], dict[str, Any]]


def reshaped(reshape: Reshape, parse: RowParser, names: Mapping[str, str]) -> RowParser:
    """`names` tells the fields of problems: how ours begins -> how theirs does, longest first.

    `reshape` may raise RowProblem of their fields.
    """

    def read(row: Row, options: ReadOptions) -> ImportedItem:
        data = reshape(row.data)
        try:
            return parse(Row(row.line, data, row.end), options)
        except RowProblem as problem:
            for ours, theirs in names.items():
                if problem.field.startswith(ours):
                    problem.field = theirs + problem.field.removeprefix(ours)
                    break
            raise

    return read


def objects_of(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A list of objects, which Parquet may have as its JSON text. Raises RowProblem."""
    found = fields.listed(parsed(fields.require(dict(row), name), name), name)
    for place, entry in enumerate(found):
        if not isinstance(entry, dict):
            raise RowProblem(
                f"{name}[{place}]", entry, "Expected an object, got {kind}.",
                kind=fields.kind_of(entry),
            )  # fmt: skip
    return found


def parsed(value: Any, name: str) -> Any:
    """The value of a column that is JSON text where Parquet has it. Raises RowProblem."""
    return decode_cell(value, name, Limits()) if isinstance(value, str) else value


def others(row: Mapping[str, Any], *taken: str) -> dict[str, Any]:
    """The columns that were not taken, for our format to know or to keep as metadata."""
    return {name: said for name, said in row.items() if name not in taken}


def tiers(ranks: list[float | int]) -> list[Any]:
    """Positions from the lowest rank to the highest, equal ones together."""
    order = sorted(set(ranks))
    return [[i for i, rank in enumerate(ranks) if rank == one] for one in order]
