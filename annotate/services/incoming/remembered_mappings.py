"""How a project's tables were mapped before, to be offered again for the same columns."""

from collections.abc import Collection, Mapping
from typing import BinaryIO, NamedTuple

from annotate.interchange.registry import UnknownFormat
from annotate.interchange.table import TABLE
from annotate.interchange.table_columns import columns_of_table
from annotate.models import ImportRun, Project
from annotate.services.incoming.imports import configured_limits
from annotate.wording import Told

LOOKED_AT = 50


class Remembered(NamedTuple):
    """`file_name` is that of the import that it was used in."""

    file_name: str
    mapping: Mapping[str, str]
    label_values: Mapping[str, str]


def remembered_mapping(project: Project, columns: Collection[str]) -> Remembered | None:
    """That of the latest import of a table, in the browser or the background, whose mapped columns
    are all there. One query.
    """
    runs = ImportRun.objects.filter(project=project, format=TABLE.name).order_by("-pk")
    for name, options in runs.values_list("file_name", "options")[:LOOKED_AT]:
        mapping = options.get("mapping") or {}
        if mapping and set(mapping.values()) <= set(columns):
            return Remembered(name, mapping, options.get("label_values") or {})
    return None


def remember(project: Project, stream: BinaryIO) -> Remembered:
    """For a file. Raises UnknownFormat where no import of the project had such columns."""
    columns = columns_of_table(stream, configured_limits())
    found = remembered_mapping(project, columns)
    if found is None:
        raise UnknownFormat.of(
            Told(
                "No import of this project mapped such columns: {columns}. Give the mapping.",
                columns=", ".join(columns) or Told("(none)"),
            )
        )
    return found
