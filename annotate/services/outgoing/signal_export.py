"""Signals as rows for trainers: which are taken, and how often such a label is wrong."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import QuerySet

from annotate.inputs import InvalidValue
from annotate.interchange.signal_rows import SIGNALS, Signalled
from annotate.media.as_text import as_text, text_turns
from annotate.models import Project, Signal, SignalRules, split_bucket
from annotate.reports.signals import estimated_noise
from annotate.services.outgoing.export_filters import ExportFilters
from annotate.services.outgoing.refused_choices import RefusedChoice
from annotate.services.signals.intake import prompt_hash
from annotate.services.signals.rules import rules_of

LEAST_COMPARED = 20  # fewer give no estimate
FITTING = ("split", "after", "before")


def noise_rates(project: Project, rules: SignalRules) -> dict[str, float | None]:
    """By type that says something: what a manager set, else what people's judgements say, else
    null. Two queries.
    """
    return {
        type: rules.noise.get(type, noise.rate if noise.compared >= LEAST_COMPARED else None)
        for type, noise in estimated_noise(project, rules.labels).items()
    }


def signal_rows(
    project: Project,
    filters: ExportFilters,
    write: Callable[[Signalled], Iterable[dict[str, Any]]],
) -> Iterator[dict[str, Any]]:
    """The rows of a format of signals, oldest first. Raises RefusedChoice at once for a filter of
    judgements.
    """
    for one in fields(ExportFilters):
        if one.name not in FITTING and getattr(filters, one.name) != one.default:
            raise RefusedChoice(
                InvalidValue(
                    one.name,
                    "Signals have no {name}. Those that fit: {fits}.",
                    name=one.name,
                    fits=", ".join(FITTING),
                )
            )
    found = Signal.objects.filter(project=project)
    if filters.after:
        found = found.filter(happened_at__gte=_morning(filters.after))
    if filters.before:
        found = found.filter(happened_at__lt=_morning(filters.before))
    side = None if filters.split == "all" else filters.split == "test"
    return (
        row
        for signal, one in signalled(project, found)
        if side is None or side == is_held_out(signal, project.test_percent, project.seed)
        for row in write(one)
    )


def stream_signals(*, project: Project, signals: QuerySet[Signal]) -> Iterator[bytes]:
    """JSON lines in the format `signals`."""
    assert SIGNALS.write_signal is not None
    write = SIGNALS.write_signal
    return (
        json.dumps(row, ensure_ascii=False).encode() + b"\n"
        for _, one in signalled(project, signals)
        for row in write(one)
    )


def signalled(
    project: Project, signals: QuerySet[Signal], order: Sequence[str] = ("pk",)
) -> Iterator[tuple[Signal, Signalled]]:
    """Those that call an answer good or bad, the oldest first, with what they say. Four queries,
    read as it is iterated.
    """
    rules = rules_of(project)
    labels, noise = rules.labels, noise_rates(project, rules)
    rows = signals.filter(type__in=labels).select_related("response__prompt").order_by(*order)
    for signal in rows.iterator(chunk_size=500):
        response = signal.response
        yield (
            signal,
            Signalled(
                prompt=text_turns(prompt_of(signal)),
                completion=as_text(response.content) if response else signal.completion,
                good=labels[signal.type],
                edited=signal.edited,
                noise=noise[signal.type],
                type=signal.type,
                model=signal.generator,
                model_version=signal.generator_version,
            ),
        )


def prompt_of(signal: Signal) -> list[dict[str, Any]]:
    """Its conversation, the system text first."""
    if signal.response is None:
        return list(signal.prompt)
    prompt = signal.response.prompt
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, *prompt.conversation]


def is_held_out(signal: Signal, test_percent: int, seed: int) -> bool:
    """Whether its prompt is, or would be if it were one of the project's."""
    if signal.response is not None:
        return bool(signal.response.prompt.split_bucket < test_percent)
    return split_bucket(prompt_hash(signal.prompt), seed) < test_percent


def _morning(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(), UTC)
