"""How far projects are, counted at most every few seconds because many pages ask."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count, Q

from annotate.models import Seat

FRESH_SECONDS = 15


@dataclass(frozen=True)
class Progress:
    """Human judgements wanted (`total` seats that are not void) and given."""

    done: int = 0
    total: int = 0

    @property
    def percent(self) -> int:
        """0..100, rounded down so that 100 means finished."""
        return 100 * self.done // self.total if self.total else 0


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


def _count(project_ids: list[int]) -> dict[int, Progress]:
    rows = (
        Seat.objects.filter(project__in=project_ids)
        .exclude(state=Seat.State.VOID)
        .values("project")
        .annotate(total=Count("pk"), done=Count("pk", filter=Q(state=Seat.State.DONE)))
    )
    counted = {row["project"]: Progress(row["done"], row["total"]) for row in rows}
    return {project_id: counted.get(project_id, Progress()) for project_id in project_ids}
