"""What came of a norming session: everybody's answers, and how far they agree."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from annotate import kinds
from annotate.kinds.sayings import Label, Saying
from annotate.models import Judgement, NormingSession, Note, Task, User
from annotate.review.compare import compare, share_agreeing


@dataclass(frozen=True)
class NormedTask:
    """A task with an answer, or None, of each of the session's people in their order."""

    task: Task
    answers: list[Judgement | None]
    sayings: list[list[Saying]]
    notes: int

    @property
    def is_divided(self) -> bool:
        return any(line.divides for line in compare(self.sayings))


@dataclass(frozen=True)
class Normed:
    """`agreement`: by question, the share of equal pairs of answers, and alpha of labels."""

    people: list[User]
    tasks: list[NormedTask]
    wanted: int
    done: int
    agreement: list[tuple[str, float | None, float | None]]

    @property
    def is_complete(self) -> bool:
        return self.done == self.wanted


def normed(session: NormingSession) -> Normed:
    """Seven queries."""
    seats = list(session.seats.select_related("annotator", "task__prompt").order_by("pk"))
    people = list({one.annotator_id: one.annotator for one in seats}.values())
    tasks = list({one.task_id: one.task for one in seats}.values())
    rows = Judgement.objects.filter(seat__in=[one.seat_id for one in seats]).current()
    rows = rows.select_related("annotator", "judge", "seat__norming")
    given = {(row.task_id, row.seat.norming.annotator_id): row for row in rows}
    notes = Counter(Note.objects.filter(task__in=tasks).values_list("task_id", flat=True))
    places: dict[int, list[int]] = defaultdict(list)
    through = Task.responses.through.objects.filter(task__in=tasks).order_by("position")
    for task_id, response_id in through.values_list("task_id", "response_id"):
        places[task_id].append(response_id)
    found = []
    for task in tasks:
        answers = [given.get((task.pk, person.pk)) for person in people]
        sayings = [_said(one, places[task.pk]) for one in answers]
        found.append(NormedTask(task, answers, sayings, notes[task.pk]))
    return Normed(people, found, len(seats), len(given), _agreement(found))


def _said(row: Judgement | None, response_ids: Sequence[int]) -> list[Saying]:
    return [] if row is None else kinds.get(row.kind).said(row.value, response_ids)


def _agreement(tasks: Sequence[NormedTask]) -> list[tuple[str, float | None, float | None]]:
    """Of what two people or more said something."""
    questions = dict.fromkeys(
        one.question for task in tasks for sayings in task.sayings for one in sayings
    )
    found = []
    for question in questions:
        same = pairs = 0
        units: Counter[tuple[str | float, ...]] = Counter()
        levels = set()
        for task in tasks:
            mine = [[one for one in said if one.question == question] for said in task.sayings]
            equal, compared = share_agreeing(mine)
            same, pairs = same + equal, pairs + compared
            for line in compare(mine):
                labels = [one for one in line.cells if isinstance(one, Label)]
                levels |= {one.level for one in labels}
                if labels:
                    units[tuple(one.value for one in labels)] += 1
        found.append((question, same / pairs if pairs else None, _alpha(units, levels)))
    return found


def _alpha(units: Counter[tuple[str | float, ...]], levels: set[str]) -> float | None:
    from annotate.quality.agreement import krippendorff_alpha  # numpy

    if not units:
        return None
    level = levels.pop() if len(levels) == 1 else "nominal"
    if level == "nominal":
        named = Counter({tuple(map(str, labels)): times for labels, times in units.items()})
        return krippendorff_alpha(named)
    return krippendorff_alpha(units, level)
