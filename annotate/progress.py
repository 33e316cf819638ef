"""How far projects are, counted at most every few seconds because many pages ask."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.core.cache import cache

from annotate.models import Membership, Seat
from annotate.models.task import CHECKS
from annotate.shares import whole_percent

FRESH_SECONDS = 15


@dataclass(frozen=True)
class Progress:
    """Human judgements wanted (`total` seats that are not void) and given."""

    done: int = 0
    total: int = 0
    has_checks: bool = False
    """Whether hidden items are mixed in, which are in neither."""

    @property
    def percent(self) -> int:
        """0..100: 0 means that nothing is done, 100 that all is."""
        return whole_percent(self.done, self.total)

    def in_tens(self) -> "Progress":
        """For annotators' eyes: rounded down where hidden items are mixed in, else the answer after
        which it stays as it was would stand out. All is all.
        """
        if not self.has_checks or self.done == self.total:
            return self
        return replace(self, done=self.done // 10 * 10)

    def at_least(self, done: int) -> "Progress":
        """For the eyes of who gave `done` judgements: an older count is not below their own."""
        return replace(self, done=max(self.done, min(done, self.total)))


def for_eyes_of(membership: Membership | None, progress: Progress) -> Progress:
    """As this member is to see it: no less than what they did themselves."""
    if membership is None:
        return progress
    if membership.role == Membership.Role.ANNOTATOR:
        progress = progress.in_tens()
    return progress.at_least(membership.done_count)


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
    counted = Seat.objects.counts_by_state(project_ids, checks=True)
    return {project_id: _progress(counted.get(project_id, {})) for project_id in project_ids}


def _progress(seats: dict[str, int]) -> Progress:
    has_checks = bool(seats.pop(CHECKS, 0))
    wanted = sum(seats.values()) - seats.get(Seat.State.VOID, 0)
    return Progress(seats.get(Seat.State.DONE, 0), wanted, has_checks)
