"""Signals as unpaired data: prompt, completion, label, and how often such a label is wrong."""

import json
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet

from annotate.models import Project, Signal, SignalType
from annotate.models.signal import GOOD
from annotate.reports.signals import estimated_noise
from annotate.services.signals.rules import rules_of

LEAST_COMPARED = 20  # fewer give no estimate


def noise_rates(project: Project) -> dict[str, float | None]:
    """By type: what a manager set, else what people's judgements say, else null."""
    estimated = estimated_noise(project)
    rules = rules_of(project)
    return {
        type: rules.noise.get(type, noise.rate if noise.compared >= LEAST_COMPARED else None)
        for type, noise in estimated.items()
    }


def stream_signals(*, project: Project, signals: QuerySet[Signal]) -> Iterator[bytes]:
    """JSON lines with TRL's unpaired columns, which KTO reads, and what each came from.

    An edit gives two: the answer as bad, the text as it was left as good. Those that say neither
    are left out.
    """
    noise = noise_rates(project)
    rows = signals.filter(type__in=list(GOOD)).select_related("response__prompt").order_by("pk")
    return (
        json.dumps(row, ensure_ascii=False).encode() + b"\n"
        for signal in rows.iterator(chunk_size=500)
        for row in _rows(signal, noise[signal.type])
    )


def _rows(signal: Signal, noise: float | None) -> Iterator[dict[str, Any]]:
    good = GOOD[SignalType(signal.type)]
    prompt = prompt_of(signal)
    completion = signal.response.text if signal.response else signal.completion
    told = [(completion, good)] + ([(signal.edited, True)] if signal.edited else [])
    for text, label in told:
        yield {
            "prompt": prompt,
            "completion": [{"role": "assistant", "content": text}],
            "label": label,
            "noise": noise,
            "signal": signal.type,
            "model": signal.generator,
            "model_version": signal.generator_version,
        }


def prompt_of(signal: Signal) -> list[dict[str, Any]]:
    """Its conversation, the system text first."""
    if signal.response is None:
        return list(signal.prompt)
    prompt = signal.response.prompt
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, *prompt.conversation]
