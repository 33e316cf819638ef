"""Judgements out, as a stream of JSON lines whose memory does not grow with their number."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.finegrained.labels import CATEGORIES
from annotate.forms import Form
from annotate.inputs import InvalidValue
from annotate.interchange import raw
from annotate.interchange.export_formats import (
    ExportFormat,
    PairWriter,
    fitting_formats,
    get_export_format,
    write_pair,
)
from annotate.interchange.pair_choice import PAIRS
from annotate.interchange.preferences import (
    AGGREGATIONS,
    TIE_RULES,
    PairRules,
    Preference,
    aggregate,
    apply_tie_rule,
)
from annotate.models import Project, Snapshot
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.refused_choices import DoesNotFit, RefusedChoice, unknown
from annotate.services.outgoing.selection import Selection, select, select_snapshot
from annotate.services.outgoing.span_rows import ALL_CATEGORIES, holds_spans, span_rows
from annotate.services.outgoing.strength_levels import StrengthLevels, strength_levels
from annotate.wording import Told

LINES_A_CHUNK = 200
# Kinds whose preferences may hold under what the task states.
STATING = (kinds.context.NAME, kinds.form.NAME)
CHOICES = {
    "tie_rule": tuple(TIE_RULES),
    "aggregation": tuple(AGGREGATIONS),
    "pairs": tuple(PAIRS),
    "category": (ALL_CATEGORIES, *CATEGORIES),
}


@dataclass(frozen=True)
class ExportOptions:
    """`margin` adds the column that TRL's RewardTrainer reads.

    With the tie rule "half" every row has a `weight`: 1, or 0.5 for the two rows of a tie.
    `pairs`: which of an answer's pairs, where it holds several.
    `metadata` adds what files brought along with their prompts to raw and feedback rows; it may
    name people.
    `category` is for labels made from spans: rows for every category, or for one.
    """

    tie_rule: str = "drop"
    aggregation: str = "each"
    pairs: str = "all"
    margin: bool = False
    metadata: bool = False
    category: str = ALL_CATEGORIES

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, str) or value not in choices:
                known = ", ".join(choices)
                raise unknown(name, value, known)


def stream_export(
    *,
    project: Project | None = None,
    snapshot: Snapshot | None = None,
    format: str,
    filters: ExportFilters | None = None,
    options: ExportOptions | None = None,
) -> Iterator[bytes]:
    """JSONL of a project's judgements under `filters`, or of a snapshot's under its own rules.

    Checks its arguments at once (UnknownFormat, DoesNotFit, ValidationError); reads as it is
    iterated.
    People appear under pseudonyms only.
    """
    if (project is None) == (snapshot is None):
        raise ValueError("give either a project or a snapshot")
    chosen = get_export_format(format)
    if snapshot is not None:
        if filters is not None or options is not None:
            raise ValidationError(
                _("A snapshot carries its own filters and rules; leave them out.")
            )
        options = ExportOptions()
        if snapshot.holds == Snapshot.Holds.PREFERENCES:
            options = ExportOptions(snapshot.tie_rule, snapshot.aggregation)
        selection = select_snapshot(snapshot=snapshot)
    else:
        options = options or ExportOptions()
        selection = select(project=project, filters=filters or ExportFilters())
    project = selection.project
    if chosen.write_pair is not None:
        why = Told("{format} is a format of preferences", format=chosen.name)
        require_pairs(project, "format", why)
        if snapshot is not None and snapshot.holds != Snapshot.Holds.PREFERENCES:
            fits = ", ".join(formats_of(project, snapshot))
            raise DoesNotFit(
                InvalidValue(
                    "format",
                    "{why}, and this snapshot was made of judgements. Formats that fit: {fits}.",
                    why=why,
                    fits=fits,
                )
            )
        _refuse_rules(chosen, options, allowed=("tie_rule", "aggregation", "pairs", "margin"))
        return _lines(_pair_rows(selection, chosen.write_pair, options))
    if snapshot is not None:  # its rules are those of its training files
        options = ExportOptions()
    if chosen.of_spans:
        why = Told("{format} is a format of spans", format=chosen.name)
        _require(holds_spans(project), project, "format", why)
        labels = chosen.of_spans in ("segments", "tokens")
        _refuse_rules(chosen, options, allowed=("category",) if labels else ("metadata",))
        rows = span_rows(selection, chosen.of_spans, options.category, options.metadata)
        return _lines(rows)
    _refuse_rules(chosen, options, allowed=("metadata",))
    rows = selection.judged(provenance=True, metadata=options.metadata)
    return _lines(raw.write(row) for row in rows)


def preferences_of(
    selection: Selection, *, aggregation: str, pairs: str = "all"
) -> Iterator[Preference]:
    """What the judgements hold, each under the form that it was given under."""
    project = selection.project
    module, levels = kinds.get(project.kind), StrengthLevels(project)
    judged = selection.judged(
        by_task=aggregation == "majority",
        levels=levels if levels.vary else None,
        context=selection.states and project.kind in STATING,
    )
    return aggregate(
        judged,
        aggregation=aggregation,
        rules=PairRules(
            strength_levels(Form.of_project(project)),
            None if project.kind == kinds.pairwise.NAME else module.pairs,
            pairs,
        ),
    )


def holds_orders(project: Project) -> bool:
    """Whether one answer may hold several pairs."""
    module, settings = kinds.get(project.kind), Form.of_project(project).settings
    return holds_pairs(project) and kinds.response_range(module, settings)[1] > 2


def holds_pairs(project: Project) -> bool:
    """Whether the project's answers hold preferences."""
    return strength_levels(Form.of_project(project)) > 0


def formats_of(project: Project, snapshot: Snapshot | None = None) -> list[str]:
    """The names of the formats that fit what the project asks, and the snapshot if given."""
    pairs = holds_pairs(project)
    if snapshot is not None:
        pairs = pairs and snapshot.holds == Snapshot.Holds.PREFERENCES
    return fitting_formats(pairs=pairs, spans=holds_spans(project))


def require_pairs(project: Project, field: str, why: Told, remedy: Told | None = None) -> None:
    """Raises DoesNotFit if the project's answers hold no preferences."""
    _require(holds_pairs(project), project, field, why, remedy)


def _require(
    fits: bool, project: Project, field: str, why: Told, remedy: Told | None = None
) -> None:
    if fits:
        return
    listed = ", ".join(formats_of(project))
    raise DoesNotFit(
        InvalidValue(
            field,
            "{why}, and answers of this project's kind ({kind}) hold none. {remedy}",
            why=why,
            kind=project.kind,
            remedy=remedy or Told("Formats that fit: {fits}.", fits=listed),
        )
    )


def _refuse_rules(
    chosen: ExportFormat, options: ExportOptions, *, allowed: tuple[str, ...]
) -> None:
    for rule in fields(ExportOptions):
        if rule.name not in allowed and getattr(options, rule.name) != rule.default:
            raise RefusedChoice(_no_place(rule.name, chosen.name))


def _no_place(rule: str, format: str) -> InvalidValue:
    """Why the format has none for the rule."""
    if rule == "category":
        return InvalidValue(
            rule,
            "Only labels made from spans have categories, and {format} has none.",
            format=format,
        )
    if rule == "metadata":
        return InvalidValue(
            rule,
            "Only raw rows and those of feedback have metadata, and {format} has none.",
            format=format,
        )
    return InvalidValue(
        "format",
        "{format} rows are single judgements with their ties; leave the rules out.",
        format=format,
    )


def _pair_rows(
    selection: Selection, writer: PairWriter, options: ExportOptions
) -> Iterator[dict[str, Any]]:
    rows = preferences_of(selection, aggregation=options.aggregation, pairs=options.pairs)
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
