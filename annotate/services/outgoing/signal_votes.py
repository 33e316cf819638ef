"""Signals as weak labels for a run: frozen into a file beside the rows of its snapshot."""

import json
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

from annotate.models import Signal, SignalType, Snapshot
from annotate.services.outgoing.signal_export import is_held_out, signalled

THUMBS = (SignalType.THUMBS_UP, SignalType.THUMBS_DOWN)


def write_signals(
    snapshot: Snapshot, path: Path, on_row: Callable[[], object] | None = None
) -> None:
    """A JSON line for each label that the project's signals give now: `id`, `prompt`, `response`,
    `good`, `noise` (null where it is not known) and `signal`, the newest first.

    Prompts on the snapshot's held-out side are left out. Of one person on one answer the newest of
    each type counts, and of thumbs the newest of both; without a person every one counts.
    """
    with path.open("w", encoding="utf-8") as file:
        for row in _rows(snapshot):
            file.write(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n")
            if on_row:
                on_row()


def _rows(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    found = Signal.objects.filter(project=snapshot.project)
    percent, seed = snapshot.split["test_percent"], snapshot.split["seed"]
    seen: set[bytes] = set()
    newest = ("-happened_at", "-pk")
    for signal, said in signalled(snapshot.project, found, order=newest):
        if is_held_out(signal, percent, seed) or _is_repeated(signal, seen):
            continue
        for text, good in said.labelled:
            yield {
                "id": signal.pk,
                "prompt": said.prompt,
                "response": text,
                "good": good,
                "noise": said.noise,
                "signal": signal.type,
            }


def _is_repeated(signal: Signal, seen: set[bytes]) -> bool:
    """Whether this person said it of this answer before; 16 bytes for each."""
    if not signal.end_user:
        return False
    what = "thumb" if signal.type in THUMBS else signal.type
    answer = signal.response_id or [signal.prompt, signal.completion, signal.generator]
    told = json.dumps([signal.end_user, what, answer], sort_keys=True)
    digest = blake2b(told.encode(), digest_size=16).digest()
    if digest in seen:
        return True
    seen.add(digest)
    return False
