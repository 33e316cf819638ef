"""Judgements out, as a stream of JSON lines whose memory does not grow with their number."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from itertools import groupby
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from annotate import kinds
from annotate.forms import Form
from annotate.inputs import InvalidValue
from annotate.interchange.criterion_choice import by_criterion
from annotate.interchange.estimated import deciding
from annotate.interchange.export_formats import (
    FirstOfPrompts,
    columns_of,
    fitting_formats,
    get_export_format,
    write_preference,
)
from annotate.interchange.formats import ExportFormat
from annotate.interchange.parquet_files import stream_parquet
from annotate.interchange.preferences import (
    ESTIMATED,
    Judged,
    PairRules,
    Preference,
    aggregate,
    apply_tie_rule,
)
from annotate.models import Membership, Project, Signal, Snapshot
from annotate.services.outgoing.criteria_asked import require_criterion
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.export_options import OF_PAIRS, PARQUET, ExportOptions
from annotate.services.outgoing.refused_choices import DoesNotFit, RefusedChoice
from annotate.services.outgoing.selection import Selection, select, select_snapshot
from annotate.services.outgoing.signal_export import signal_rows
from annotate.services.outgoing.span_rows import holds_spans, span_rows
from annotate.services.outgoing.strength_levels import StrengthLevels, strength_levels
from annotate.wording import Told

LINES_A_CHUNK = 200
# Kinds whose preferences may hold under what the task states.
STATING = (kinds.context.NAME, kinds.form.NAME)


def stream_export(
    *,
    project: Project | None = None,
    snapshot: Snapshot | None = None,
    format: str,
    filters: ExportFilters | None = None,
    options: ExportOptions | None = None,
    file_type: str | None = None,
) -> Iterator[bytes]:
    """A project's judgements under `filters`, or a snapshot's under its own rules.

    `file_type` is for snapshots: the one option that is no rule.

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
            ties = "drop" if "tie_rule" in chosen.refuses else snapshot.tie_rule
            options = ExportOptions(ties, snapshot.aggregation)
        selection = select_snapshot(snapshot=snapshot)
    else:
        options = options or ExportOptions()
        selection = select(project=project, filters=filters or ExportFilters())
    if snapshot is not None and chosen.write is None:
        options = ExportOptions()  # its rules are those of its training files
    if file_type is not None:
        options = replace(options, file_type=file_type)
    _refuse_options(chosen, options)
    rows = _rows(selection, snapshot, chosen, options, filters or ExportFilters())
    return _file(rows, chosen, options)


def allowed_options(chosen: ExportFormat) -> list[str]:
    """The names of those that the format's rows have a place for."""
    if chosen.write_signal is not None:
        names = []
    elif chosen.write is not None:
        names = [name for name in OF_PAIRS if name not in chosen.refuses]
    elif chosen.of_spans:
        labels = chosen.of_spans in ("segments", "tokens")
        names = ["category" if labels else "metadata"]
    else:
        names = ["metadata"] if chosen.columns.get("responses") == "json" else []
    return ["file_type", *names]


def _rows(
    selection: Selection,
    snapshot: Snapshot | None,
    chosen: ExportFormat,
    options: ExportOptions,
    filters: ExportFilters,
) -> Iterator[dict[str, Any]]:
    project = selection.project
    if chosen.write_signal is not None:
        if snapshot is not None:
            raise DoesNotFit(
                InvalidValue(
                    "format",
                    "{format} is a format of signals, and a snapshot holds judgements. Export the "
                    "project, or choose: {fits}.",
                    format=chosen.name,
                    fits=", ".join(formats_of(project, snapshot)),
                )
            )
        return signal_rows(project, filters, chosen.write_signal)
    if chosen.write is not None:
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
        if options.criterion:
            require_criterion(project, options.criterion)
        return _pair_rows(selection, chosen, options)
    if chosen.of_spans:
        why = Told("{format} is a format of spans", format=chosen.name)
        _require(holds_spans(project), project, "format", why)
        return span_rows(selection, chosen.of_spans, options.category, options.metadata)
    if chosen.kinds:
        why = Told("{format} is a format of other answers", format=chosen.name)
        _require(
            not chosen.kinds.isdisjoint(Form.of_project(project).asked_kinds),
            *(project, "format", why),
        )
    if chosen.write_task is not None:
        return _task_rows(selection, chosen)
    return _judged_rows(selection, chosen, options)


def preferences_of(
    selection: Selection,
    *,
    aggregation: str,
    pairs: str = "all",
    criterion: str = "",
    agreement: float = 0.0,
) -> Iterator[Preference]:
    """What the judgements hold, each under the form that it was given under."""
    project = selection.project
    module, levels = kinds.get(project.kind), StrengthLevels(project)
    rules = PairRules(
        strength_levels(Form.of_project(project)),
        None if project.kind == kinds.pairwise.NAME else module.pairs,
        pairs,
    )
    judged = selection.judged(
        by_task=aggregation != "each" or agreement > 0,
        levels=levels if levels.vary else None,
        context=selection.states and project.kind in STATING,
    )
    decide = None
    if aggregation in ESTIMATED:
        all_votes = selection.judged(by_task=True, provenance=True)
        by = by_criterion(all_votes, criterion) if criterion else all_votes
        decide = deciding(by, rules, aggregation)
    return aggregate(
        by_criterion(judged, criterion) if criterion else judged,
        aggregation=aggregation,
        agreement=agreement,
        rules=rules,
        decide=decide,
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
    signals = snapshot is None and Signal.objects.filter(project=project).exists()
    if snapshot is not None:
        pairs = pairs and snapshot.holds == Snapshot.Holds.PREFERENCES
    return fitting_formats(
        pairs=pairs,
        spans=holds_spans(project),
        kinds=Form.of_project(project).asked_kinds,
        signals=signals,
    )


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


def _refuse_options(chosen: ExportFormat, options: ExportOptions) -> None:
    allowed = allowed_options(chosen)
    for rule in fields(ExportOptions):
        if rule.name not in allowed and getattr(options, rule.name) != rule.default:
            raise RefusedChoice(_no_place(rule.name, chosen))


def _no_place(rule: str, chosen: ExportFormat) -> InvalidValue:
    """Why the format has none for the rule."""
    format = chosen.name
    if rule in chosen.refuses or chosen.write_signal is not None:
        return InvalidValue(
            rule,
            "{format} rows have no place for {rule}. Leave it out, or choose another format.",
            format=format,
            rule=rule,
        )
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
        rule,
        "{format} rows tell all judgements as they were given, so {rule} has no place there. Leave "
        "it as it is, or choose a format of preferences such as trl.",
        format=format,
        rule=rule,
    )


def _pair_rows(
    selection: Selection, chosen: ExportFormat, options: ExportOptions
) -> Iterator[dict[str, Any]]:
    rows = preferences_of(
        selection,
        aggregation=options.aggregation,
        pairs=options.pairs,
        criterion=options.criterion,
        agreement=options.agreement,
    )
    is_first, added = FirstOfPrompts(), _added(chosen, options)
    for row in apply_tie_rule(rows, options.tie_rule):
        if not chosen.once_a_prompt or is_first(row.prompt.id):
            yield from write_preference(row, chosen, **added)


def _added(chosen: ExportFormat, options: ExportOptions) -> dict[str, bool]:
    """Which columns the rules add to a format's own; those without room for a margin have none for
    a posterior either."""
    return {
        "posterior": options.aggregation in ESTIMATED and "margin" not in chosen.refuses,
        "weight": options.tie_rule == "half",
        "tie": options.tie_rule == "keep",
        "margin": options.margin,
    }


def _judged_rows(
    selection: Selection, chosen: ExportFormat, options: ExportOptions
) -> Iterator[dict[str, Any]]:
    assert chosen.write_judged is not None
    is_first = FirstOfPrompts()
    for row in selection.judged(provenance=True, metadata=options.metadata):
        if not chosen.once_a_prompt or is_first(row.prompt.id):
            yield from chosen.write_judged(row)


def _task_rows(selection: Selection, chosen: ExportFormat) -> Iterator[dict[str, Any]]:
    assert chosen.write_task is not None
    members = selection.project.memberships.filter(tier=Membership.Tier.EXPERT)
    experts = frozenset(members.values_list("user__pseudonym", flat=True))
    judged = selection.judged(by_task=True, provenance=True)
    for _task, rows in groupby(judged, key=lambda row: row.task_id):
        yield from chosen.write_task([_of_expert(row, experts) for row in rows])


def _of_expert(row: Judged, experts: frozenset[str]) -> Judged:
    expert = row.source == "person" and row.provenance["annotator"] in experts
    return row._replace(provenance={**row.provenance, "expert": expert})


def _file(
    rows: Iterable[dict[str, Any]], chosen: ExportFormat, options: ExportOptions
) -> Iterator[bytes]:
    if options.file_type != PARQUET:
        return _lines(rows)
    columns = columns_of(chosen, **_added(chosen, options))
    return stream_parquet(rows, columns, is_open=chosen.is_open)


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
