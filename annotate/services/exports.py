"""Preferences out, as a stream of JSON lines whose memory does not grow with their number."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from annotate import kinds
from annotate.interchange import raw
from annotate.interchange.export_formats import PairWriter, get_export_format, write_pair
from annotate.interchange.preferences import (
    AGGREGATIONS,
    TIE_RULES,
    aggregate,
    apply_tie_rule,
)
from annotate.models import Project, Snapshot
from annotate.services.selection import ExportFilters, Selection, select, select_snapshot

LINES_A_CHUNK = 200


@dataclass(frozen=True)
class ExportOptions:
    """`margin` adds the column that TRL's RewardTrainer reads.

    With the tie rule "half" every row has a `weight`: 1, or 0.5 for the two rows of a tie.
    """

    tie_rule: str = "drop"
    aggregation: str = "each"
    margin: bool = False

    def __post_init__(self) -> None:
        for name, choices in (("tie_rule", TIE_RULES), ("aggregation", AGGREGATIONS)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in choices:
                known = ", ".join(choices)
                message = f"{value!r} is unknown. Choose one of: {known}."
                raise ValidationError({name: message})


def stream_export(
    *,
    project: Project | None = None,
    snapshot: Snapshot | None = None,
    format: str,
    filters: ExportFilters | None = None,
    options: ExportOptions | None = None,
) -> Iterator[bytes]:
    """JSONL of a project's judgements under `filters`, or of a snapshot's under its own rules.

    Checks its arguments at once (UnknownFormat, ValidationError); reads as it is iterated.
    People appear under pseudonyms only.
    """
    if (project is None) == (snapshot is None):
        raise ValueError("give either a project or a snapshot")
    chosen = get_export_format(format)
    if snapshot is not None:
        if filters is not None or options is not None:
            raise ValidationError("A snapshot carries its own filters and rules; leave them out.")
        options = ExportOptions(snapshot.tie_rule, snapshot.aggregation)
        selection = select_snapshot(snapshot=snapshot)
    else:
        options = options or ExportOptions()
        selection = select(project=project, filters=filters or ExportFilters())
    if chosen.write_pair is None:
        if snapshot is None and options != ExportOptions():
            message = "Raw rows are single judgements with their ties; leave the rules out."
            raise ValidationError({"format": message})
        return _lines(raw.write(row) for row in selection.judged(provenance=True))
    return _lines(_pair_rows(selection, chosen.write_pair, options))


def strength_levels(project: Project) -> int:
    return kinds.get(project.kind).clean_settings(project.kind_settings).strength_levels


def _pair_rows(
    selection: Selection, writer: PairWriter, options: ExportOptions
) -> Iterator[dict[str, Any]]:
    rows = aggregate(
        selection.judged(by_task=options.aggregation == "majority"),
        aggregation=options.aggregation,
        strength_levels=strength_levels(selection.project),
    )
    weight = options.tie_rule == "half"
    for row in apply_tie_rule(rows, options.tie_rule):
        yield write_pair(row, writer, weight=weight, margin=options.margin)


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    encode = json.JSONEncoder(ensure_ascii=False).encode
    chunk: list[str] = []
    for row in rows:
        chunk.append(encode(row))
        if len(chunk) == LINES_A_CHUNK:
            yield ("\n".join(chunk) + "\n").encode()
            chunk = []
    if chunk:
        yield ("\n".join(chunk) + "\n").encode()
