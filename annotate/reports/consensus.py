"""What tasks came to, the most divided first; and which of them are behind a figure."""

from dataclasses import dataclass
from datetime import date

from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Length, Lower, Trim

from annotate.models import Consensus, Judgement, Project, Task, Voices
from annotate.quality.methods import DIVIDED, PREFERRED, VERSIONS
from annotate.services.outgoing.export_filters import SOURCES

PAGE = 50
LEAST_WORDS = 20
HABITS = ("hasty", "first", "repeated")
CHECKS = ("without", "only")
Place = tuple[float, float, int]  # divided, entropy, task: where a page begins


@dataclass(frozen=True)
class Filters:
    """`rater` and `other` as reports/quality.py names them: tasks that both answered. `habit`,
    `since` and `until` (ids of judgements) are about the answers of `rater`; `below` is how many
    seconds are hasty. `first` and `last` are days of the latest answer. `checks`, one of CHECKS:
    whether answers to hidden items are left out of what is asked about answers, or are meant alone.
    """

    voices: str
    method: str
    divided: bool = False
    double: bool = False
    stratum: str | None = None
    language: str | None = None
    rater: str = ""
    other: str = ""
    habit: str = ""
    since: int | None = None
    until: int | None = None
    first: date | None = None
    last: date | None = None
    below: float | None = None
    checks: str = ""


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
    said = _judgements(project, filters.voices)
    if filters.checks:
        said = said.filter(is_gold=filters.checks == "only")
        of_task = said.filter(task=OuterRef("task"))
        rows = rows.filter(Exists(of_task[1:] if filters.double else of_task))
    if filters.rater:
        mine = said.filter(_by(filters.rater))
        rows = rows.filter(Exists(_with_habit(mine, filters).filter(task=OuterRef("task"))))
    if filters.other:
        rows = rows.filter(Exists(said.filter(_by(filters.other), task=OuterRef("task"))))
    if filters.first or filters.last:
        latest = (
            said.filter(task=OuterRef("task"))
            .order_by()
            .values("task")
            .annotate(at=Max("submitted_at"))
            .values("at")
        )
        rows = rows.annotate(latest=Subquery(latest))
        if filters.first:
            rows = rows.filter(latest__date__gte=filters.first)
        if filters.last:
            rows = rows.filter(latest__date__lte=filters.last)
    return rows.order_by("-divided", "-entropy", "task")


def _judgements(project: Project, voices: str) -> QuerySet[Judgement]:
    rows = Judgement.objects.filter(project=project, kind=project.kind)
    rows = rows.as_given().outside_norming()  # as the report has them
    if voices == Voices.JUDGES:
        return rows.filter(source=Judgement.Source.JUDGE)
    return rows.filter(source__in=SOURCES["human"], simulated=voices == Voices.SIMULATED)


def has_answered(project: Project, rater: str) -> bool:
    """Whether `rater`, as Filters names them, has answered in the project. One query."""
    return Judgement.objects.filter(_by(rater), project=project).exists()


def _by(rater: str) -> Q:
    sort, _, value = rater.partition(":")
    if sort == "imported":
        return Q(source=Judgement.Source.IMPORTED, imported_author=value)
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0
    return Q(judge=number) if sort == "judge" else Q(annotator=number)


def _with_habit(mine: QuerySet[Judgement], filters: Filters) -> QuerySet[Judgement]:
    if filters.since is not None:
        mine = mine.filter(pk__gte=filters.since)
    if filters.until is not None:
        mine = mine.filter(pk__lte=filters.until)
    if filters.habit == "hasty":
        return mine.filter(seconds_active__lt=filters.below or 0)
    if filters.habit == "first":
        preferred = Cast(KT("value__preferred"), BigIntegerField())
        mine = mine.filter(value__verdict="prefer").alias(preferred_id=preferred)
        return mine.filter(preferred_id=F("shown_order__0"))
    if filters.habit == "repeated":
        mine = mine.alias(words=Lower(Trim("rationale")))
        again = (
            mine.alias(size=Length("words"))
            .filter(size__gte=LEAST_WORDS)
            .order_by()
            .values("words")
            .annotate(times=Count("pk"))
            .filter(times__gt=1)
        )
        return mine.filter(words__in=again.values("words"))
    return mine


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
