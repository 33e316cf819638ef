"""The rows behind the figures of a report on quality: answers, and items that several answered.

They are those that the report counted: as it was when the report was begun, whatever came since.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, TypeVar

from django.db.models import Exists, Max, Min, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Length, Lower, Trim

from annotate.kinds.sayings import Label, Saying
from annotate.models import Judgement, Project, QualityRun, Task, Voices
from annotate.services.outgoing.export_filters import SOURCES

if TYPE_CHECKING:
    from annotate.quality.votes import Row
    from annotate.services.reports.quality_rows import Read

PAGE = 50
AT_A_TIME = 200  # answers or tasks that are looked through for those of a page
HABITS = (
    "timed", "hasty", "chose", "first", "numbers", "flat", "run",
    "texts", "repeated", "shared", "known", "aided",
)  # fmt: skip
CHECKS = ("without", "only")
JSON = dict[str, Any]
AnyRow = TypeVar("AnyRow", bound=Model)


@dataclass(frozen=True)
class Asked:
    """`voices`: empty for everybody's. `rater` and `other`: as reports/quality.py names them; with
    both, items that both answered. `habit`: answers that this figure of `rater` is about, `since`
    and `until` ids of theirs. `question`: of items, what is asked; None for whole tasks. `first`
    and `last`: days of a task's latest answer. `checks`: whether hidden items are left out, or
    alone are meant. `new`: what came after the report, whether it will count or not.
    """

    voices: str = ""
    rater: str = ""
    other: str = ""
    habit: str = ""
    checks: str = ""
    since: int | None = None
    until: int | None = None
    question: str | None = None
    stratum: str | None = None
    language: str | None = None
    first: date | None = None
    last: date | None = None
    new: bool = False


@dataclass(frozen=True)
class Compared:
    """An item: see quality/items.py. `said`: the judgement, by whom, and what it says."""

    task: int
    about: str
    said: list[tuple[int, dict[str, Any], Sequence[Saying]]]


class Behind:
    """What was counted by one report of a project."""

    def __init__(self, project: Project, run: QualityRun, asked: Asked) -> None:
        self.project, self.run, self.asked = project, run, asked
        self.report: JSON = run.report or {}
        self.review: int | None = self.report.get("newest_review")

    def answers(self, after: int = 0, size: int = PAGE) -> tuple[list[Judgement], int | None]:
        """Up to `size` answers beyond the id `after`, and what the next page comes after."""
        rows = self._answers().select_related("task__prompt", "annotator", "judge")
        fits = None if self.asked.new else _fitting(self.asked.habit)
        found: list[Judgement] = []
        for chunk in _chunks(rows.order_by("pk"), after):
            kept = {row.pk for row in chunk} if fits is None else self._kept(chunk, fits)
            found += [row for row in chunk if row.pk in kept]
            if len(found) > size:
                return found[:size], found[size - 1].pk
        return found, None

    def items(self, after: int = 0, size: int = PAGE) -> tuple[list[Compared], int | None]:
        """The items of up to `size` tasks beyond the id `after` that have any, and what the next
        page comes after."""
        from annotate.quality.items import items_of

        asked = self.asked
        found: list[Compared] = []
        tasks: list[int] = []
        for chunk in _chunks(self._tasks().order_by("pk"), after):
            read = self._read([task.pk for task in chunk])
            side = read.sides.get(asked.voices)
            rows = [row for row in side.rows if self._compares(row)] if side else []
            said = items_of(rows, asked.question, self._sort(), read.lengths)
            named = side.named() if side else []
            for one in said:
                item = Compared(
                    one.task,
                    one.about,
                    [(row.id, named[row.rater], told) for row, told in one.said],
                )
                if len(item.said) < 2 or not self._both(item):
                    continue
                if item.task not in tasks[-1:]:
                    if len(tasks) == size:
                        return found, tasks[-1]
                    tasks.append(item.task)
                found.append(item)
        return found, None

    def _answers(self) -> QuerySet[Judgement]:
        asked = self.asked
        if asked.new:
            return Judgement.objects.filter(project=self.project, pk__gt=self.run.newest_judgement)
        rows = self._counted()
        if asked.checks:
            rows = rows.filter(is_gold=asked.checks == "only")
        if asked.rater:
            rows = rows.filter(by_rater(asked.rater))
        if asked.since is not None:
            rows = rows.filter(pk__gte=asked.since)
        if asked.until is not None:
            rows = rows.filter(pk__lte=asked.until)
        return self._with_habit(rows)

    def _counted(self) -> QuerySet[Judgement]:
        rows = Judgement.objects.filter(
            project=self.project, kind=self.project.kind, task__gte=self.report.get("first_task", 0)
        )
        rows = rows.as_given(newest=self.run.newest_judgement, review=self.review)
        return rows.outside_norming().filter(_of_voices(self.asked.voices))

    def _with_habit(self, rows: QuerySet[Judgement]) -> QuerySet[Judgement]:
        habit = self.asked.habit
        if habit in ("timed", "hasty"):
            rows = rows.exclude(source=Judgement.Source.IMPORTED).exclude(seconds_active=None)
            below = self.report.get("voices", {}).get(self.asked.voices, {}).get("hasty_below")
            return rows.filter(seconds_active__lt=below or 0) if habit == "hasty" else rows
        if habit == "known":
            return rows.filter(task__gold__isnull=False)
        if habit not in ("texts", "repeated", "shared"):
            return rows
        from annotate.services.reports.quality_rows import LEAST_WORDS

        rows = rows.annotate(words=Lower(Trim("rationale")), size=Length(Trim("rationale")))
        rows = rows.filter(size__gte=LEAST_WORDS)
        if habit == "repeated":
            firsts = rows.order_by().values("words").annotate(first=Min("pk"))
            return rows.exclude(pk__in=firsts.values("first"))
        if habit == "shared":
            others = self._counted().exclude(by_rater(self.asked.rater))
            others = others.annotate(words=Lower(Trim("rationale")))
            return rows.filter(words__in=others.order_by().values("words"))
        return rows

    def _tasks(self) -> QuerySet[Task]:
        """Those that may have items."""
        asked = self.asked
        said = self._counted()
        if asked.checks:
            said = said.filter(is_gold=asked.checks == "only")
        of_task = said.filter(task=OuterRef("pk")).order_by()
        tasks = Task.objects.filter(Exists(of_task[1:]), project=self.project)
        for one in filter(None, (asked.rater, asked.other)):
            tasks = tasks.filter(Exists(of_task.filter(by_rater(one))))
        if asked.stratum is not None:
            tasks = tasks.filter(stratum=asked.stratum)
        if asked.language is not None:
            tasks = tasks.filter(prompt__language=asked.language)
        if asked.first or asked.last:
            latest = of_task.values("task").annotate(at=Max("submitted_at")).values("at")
            tasks = tasks.annotate(latest=Subquery(latest))
            if asked.first:
                tasks = tasks.filter(latest__date__gte=asked.first)
            if asked.last:
                tasks = tasks.filter(latest__date__lte=asked.last)
        return tasks

    def _read(self, tasks: list[int]) -> "Read":
        from annotate.services.reports.quality_rows import read_judgements

        return read_judgements(
            self.project,
            newest=self.run.newest_judgement,
            review=2**63 - 1 if self.review is None else self.review,
            tell=lambda _count: None,
            tasks=tasks,
        )

    def _kept(self, chunk: list[Judgement], fits: "Callable[[Row, Read], bool]") -> set[int]:
        read = self._read(sorted({row.task_id for row in chunk}))
        rows = (row for side in read.sides.values() for row in side.rows)
        return {row.id for row in rows if fits(row, read)}

    def _compares(self, row: "Row") -> bool:
        return not self.asked.checks or row.checked == (self.asked.checks == "only")

    def _both(self, item: Compared) -> bool:
        wanted = {one for one in (self.asked.rater, self.asked.other) if one}
        return wanted <= {key_of(who) for _, who, _ in item.said}

    def _sort(self) -> str:
        questions = self.report.get("voices", {}).get(self.asked.voices, {}).get("questions", ())
        sorts = {one["question"]: one["sort"] for one in questions}
        return sorts.get(self.asked.question, "labels")


def key_of(who: Mapping[str, Any]) -> str:
    """How addresses name a rater, such as "user:7"."""
    [(sort, value)] = who.items()
    return f"{sort}:{value}"


def by_rater(rater: str) -> Q:
    """Whose answers `rater` names, such as "user:7"; nobody's for what names none."""
    sort, _, value = rater.partition(":")
    if sort == "imported":
        return Q(source=Judgement.Source.IMPORTED, imported_author=value)
    number = int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else 0
    return Q(judge=number) if sort == "judge" else Q(annotator=number)


def has_answered(project: Project, rater: str) -> bool:
    """Whether `rater` has answered in the project. One query."""
    return Judgement.objects.filter(by_rater(rater), project=project).exists()


def _of_voices(voices: str) -> Q:
    if not voices:
        return Q()
    if voices == Voices.JUDGES:
        return Q(source=Judgement.Source.JUDGE)
    return Q(source__in=SOURCES["human"], simulated=voices == Voices.SIMULATED)


def _fitting(habit: str) -> "Callable[[Row, Read], bool] | None":
    """What an answer is looked at for, where the database cannot tell."""
    from annotate.quality import habits

    def known(row: "Row", read: "Read") -> bool:
        asked = {
            (one.question, one.about)
            for one in read.gold.get(row.task, ())
            if isinstance(one, Label)
        }
        return any(
            isinstance(one, Label) and (one.question, one.about) in asked for one in row.sayings
        )

    of_row: dict[str, Callable[[Row], bool]] = {
        "chose": habits.chooses,
        "first": habits.chooses_first,
        "numbers": habits.rates_many,
        "flat": habits.rates_alike,
        "run": lambda row: habits.said_as_shown(row) is not None,
    }
    if habit in of_row:
        return lambda row, _read: of_row[habit](row)
    if habit == "known":
        return known
    if habit == "aided":
        return lambda row, read: row.id in read.aided
    return None


def _chunks(rows: QuerySet[AnyRow], after: int) -> Iterator[list[AnyRow]]:
    while chunk := list(rows.filter(pk__gt=after)[:AT_A_TIME]):
        yield chunk
        after = chunk[-1].pk
