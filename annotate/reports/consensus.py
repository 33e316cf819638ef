"""What tasks came to, the most divided first; and which of them are behind a figure."""

from dataclasses import dataclass

from django.db.models import (
    Q,
    QuerySet,
)

from annotate.models import Consensus, Project, Task, Voices
from annotate.quality.methods import DIVIDED, PREFERRED, VERSIONS

PAGE = 50
Place = tuple[float, float, int]  # divided, entropy, task: where a page begins


@dataclass(frozen=True)
class Filters:
    """`divided`: only what divides people; `double`: only with two votes or more."""

    voices: str
    method: str
    divided: bool = False
    double: bool = False
    stratum: str | None = None
    language: str | None = None


def methods_of(project: Project, voices: str) -> list[str]:
    """Those that found something, the one that knows most first. Four short queries."""
    rows = Consensus.objects.filter(project=project, voices=voices)
    return [method for method in PREFERRED if rows.filter(method=method).exists()]


def filter_consensus(project: Project, filters: Filters) -> QuerySet[Consensus]:
    """The rows under the filters, the most divided first, then the least sure."""
    rows = Consensus.objects.filter(
        project=project,
        voices=filters.voices,
        method=filters.method,
        version=VERSIONS[filters.method],
    )
    if filters.divided:
        rows = rows.filter(divided__gt=DIVIDED)
    if filters.double:
        rows = rows.filter(votes__gt=1)
    if filters.stratum is not None:
        rows = rows.filter(task__stratum=filters.stratum)
    if filters.language is not None:
        rows = rows.filter(task__prompt__language=filters.language)
    return rows.order_by("-divided", "-entropy", "task")


def page_of_consensus(
    rows: QuerySet[Consensus], after: Place | None, size: int = PAGE
) -> tuple[list[Consensus], Place | None]:
    """Up to `size` rows behind a place, and the place where the next page begins."""
    if after is not None:
        divided, entropy, task = after
        rows = rows.filter(
            Q(divided__lt=divided)
            | Q(divided=divided, entropy__lt=entropy)
            | Q(divided=divided, entropy=entropy, task__gt=task)
        )
    found = list(rows[: size + 1])
    page = found[:size]
    if len(found) <= size:
        return page, None
    last = page[-1]
    return page, (last.divided, last.entropy, last.task_id)


def read_place(text: str) -> Place | None:
    """As `write_place` wrote it; None for anything else."""
    parts = text.split(",")
    try:
        divided, entropy, task = float(parts[0]), float(parts[1]), int(parts[2])
    except (IndexError, ValueError, OverflowError):
        return None
    in_range = 0 <= divided <= 1 and 0 <= entropy < 1e9 and 0 <= task < 2**63
    return (divided, entropy, task) if in_range and len(parts) == 3 else None


def write_place(place: Place) -> str:
    return ",".join(map(repr, place))


def consensus_of(task: Task) -> list[Consensus]:
    """All methods' of one task, people's first. One query."""
    order = {name: number for number, name in enumerate(Voices.values)}
    rows = [row for row in task.consensus.all() if row.version == VERSIONS[row.method]]
    return sorted(rows, key=lambda row: (order[row.voices], PREFERRED.index(row.method)))


def letters_of(task_ids: list[int]) -> dict[int, dict[int, str]]:
    """By task, the letter of each response, as its page has it. One query."""
    found: dict[int, dict[int, str]] = {}
    places = Task.responses.through.objects.filter(task__in=task_ids).order_by("task", "position")
    for task, response in places.values_list("task_id", "response_id"):
        mine = found.setdefault(task, {})
        mine[response] = chr(ord("A") + len(mine))
    return found
