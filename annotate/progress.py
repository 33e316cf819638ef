"""How far projects are, counted at most every few seconds because many pages ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.core.cache import cache

from annotate.models import Seat
from annotate.shares import whole_percent

FRESH_SECONDS = 15


@dataclass(frozen=True)
class Progress:
    """Human judgements wanted (`total` seats that are not void) and given."""

    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """0..100: 0 means that nothing is done, 100 that all is."""
        return whole_percent(self.done, self.total)

    def at_least(self, done: int) -> "Progress":
        """For the eyes of who gave `done` judgements: an older count is not below their own."""
        return replace(self, done=max(self.done, min(done, self.total)))


def progress_of(project_ids: Iterable[int]) -> dict[int, Progress]:
    """Progress by project id, up to FRESH_SECONDS old. One query for those not in the cache."""
    wanted = list(project_ids)
    keys = {f"progress:{project_id}": project_id for project_id in wanted}
    found = {keys[key]: value for key, value in cache.get_many(keys).items()}
    missing = [project_id for project_id in wanted if project_id not in found]
    if missing:
        counted = _count(missing)
        cache.set_many(
            {f"progress:{pk}": progress for pk, progress in counted.items()}, FRESH_SECONDS
        )
        found |= counted
    return found


def progress_now(project_id: int) -> Progress:
    """Counted now, and remembered for the others. One query."""
    progress = _count([project_id])[project_id]
    cache.set(f"progress:{project_id}", progress, FRESH_SECONDS)
    return progress


def _count(project_ids: list[int]) -> dict[int, Progress]:
    counted = Seat.objects.counts_by_state(project_ids)
    return {project_id: _progress(counted.get(project_id, {})) for project_id in project_ids}


def _progress(seats: dict[str, int]) -> Progress:
    wanted = sum(seats.values()) - seats.get(Seat.State.VOID, 0)
    return Progress(seats.get(Seat.State.DONE, 0), wanted)
