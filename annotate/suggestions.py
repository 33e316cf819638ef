"""What AI judges propose to the person at a seat, and who gets to see it.

Whoever keeps proposals registers a source of them (routing does, at start). A share of the seats
stays without: what people say there is what they say unaided. Whether the task has a known answer
makes no difference, or a hidden item would show by what is not suggested.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from annotate.kinds.contract import Suggested
from annotate.models import Seat


@dataclass(frozen=True)
class Proposal:
    """A judge's answer to a task, as the kind stores it; `newest` of the judge's versions."""

    id: int
    judge: str
    value: Mapping[str, Any]
    made_at: datetime
    newest: bool = True


Source = Callable[[int], Sequence[Proposal]]
"""The proposals for the task of that id."""

_sources: list[Source] = []


def register(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def for_seat(
    *, task_id: int, seat_id: int | None, annotator_id: int, blind_percent: int
) -> tuple[Suggested, ...]:
    """What the person at the seat sees, and of older versions what their page may have shown.

    What was made before they got the task is `required`. One query, and one for each source.
    """
    if seat_id is None or is_blind(seat_id, blind_percent):
        return ()
    seat = Seat.objects.filter(pk=seat_id, task=task_id)
    row = seat.values_list("annotator", "leased_at").first()
    if row is None:
        return ()
    holder, since = row
    holds = holder == annotator_id and since is not None
    return tuple(
        Suggested(
            one.id,
            one.judge,
            one.value,
            shown=one.newest,
            required=holds and one.newest and one.made_at <= since,
        )
        for one in _proposals(task_id)
    )


def of_ids(*, task_id: int, ids: Collection[int]) -> tuple[Suggested, ...]:
    """Those that an earlier answer tells of, all `required`. A query for each source."""
    if not ids:
        return ()
    return tuple(
        Suggested(one.id, one.judge, one.value, required=True)
        for one in _proposals(task_id)
        if one.id in ids
    )


def is_blind(seat_id: int, percent: int) -> bool:
    """Whether the seat is of the share without suggestions; the same whenever it is asked."""
    drawn = int.from_bytes(sha256(f"blind seat {seat_id}".encode()).digest()[:8])
    return drawn * 100 < percent << 64


def _proposals(task_id: int) -> list[Proposal]:
    return [one for source in _sources for one in source(task_id)]
