"""People's choices as pairs of responses: what principles are proposed from and scored on."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

from django.db.models import BinaryField, Func, TextField, Value
from django.db.models.functions import Cast, Concat

from annotate.media.as_text import as_text
from annotate.models import Judgement, Project, Response, Task, TaskResponse
from annotate.ranking.votes import Vote, compares, votes_of
from routing.models import of_people, outside_second_looks

CHUNK = 500  # tasks read at once
HALF = 50  # prompts whose bucket (0..99) is lower are held out


@dataclass(frozen=True)
class Choice:
    """Of one task the pair that most people put in one order, net of those who put it in the other.

    `longer` is by how many words the chosen one is longer, `first` whether the task stores it
    before the other.
    """

    task: int
    prompt: int
    chosen: int
    rejected: int
    longer: int
    first: bool


@dataclass
class Drawn:
    """`left_out` counts tasks by why."""

    training: list[Choice] = field(default_factory=list)
    held_out: list[Choice] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    looked: int = 0
    """Tasks that were looked at."""
    is_cut: bool = False
    """Whether there may be more, at which it did not look because it was not to."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "training": [asdict(one) for one in self.training],
            "held_out": [asdict(one) for one in self.held_out],
            "left_out": dict(self.left_out),
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> "Drawn":
        training = [Choice(**one) for one in kept["training"]]
        held_out = [Choice(**one) for one in kept["held_out"]]
        return cls(training, held_out, Counter(kept["left_out"]))


def draw_choices(project: Project, most: int, look_at: int | None = None) -> Drawn:
    """At most half of `most` for each part, by prompt: prompts that are kept for tests are held
    out, so nothing is proposed from them. Drawn by a hash of the task, so that a second run, or
    one of more choices, asks about the same tasks. Six queries for every CHUNK that is looked at.
    It looks at no more than `look_at` tasks, where that is given.
    """
    boundary = max(HALF, project.test_percent)
    found, half = Drawn(), most // 2
    drawn = _drawn(project, look_at)
    for start in range(0, len(drawn), CHUNK):
        ids = drawn[start : start + CHUNK]
        found.looked += len(ids)
        for bucket, said in _choices(ids):
            if isinstance(said, str):
                found.left_out[said] += 1
                continue
            part = found.training if bucket >= boundary else found.held_out
            if len(part) < half:
                part.append(said)
        if len(found.training) == len(found.held_out) == half:
            return found
    found.is_cut = look_at is not None and len(drawn) == look_at
    return found


def answered_tasks(project: Project) -> int:
    """How many tasks of the project people answered."""
    return _answers().filter(project=project).values("task").distinct().count()


class _Shuffled(Func):
    """The SHA-256 of the project's seed and the task's id."""

    template = "sha256(convert_to(%(expressions)s, 'UTF8'))"


def _drawn(project: Project, most: int | None) -> list[int]:
    """The tasks that people answered, shuffled."""
    answers = _answers().filter(project=project).order_by()
    place = _Shuffled(
        Concat(Value(f"{project.seed} "), Cast("task_id", TextField())), output_field=BinaryField()
    )
    rows = answers.annotate(place=place).values_list("task_id", "place").distinct()
    return [task for task, _ in rows.order_by("place")[:most]]


def _answers() -> Any:
    return outside_second_looks(of_people(Judgement.objects.labels()))


def _choices(task_ids: Sequence[int]) -> Iterator[tuple[int, Choice | str]]:
    """Of each task the bucket of its prompt and its choice, or why there is none."""
    tasks = Task.objects.filter(pk__in=task_ids)
    of_task = {
        pk: (prompt, bucket)
        for pk, prompt, bucket in tasks.values_list("pk", "prompt", "prompt__split_bucket")
    }
    shown: dict[int, list[int]] = {}
    places = TaskResponse.objects.filter(task__in=task_ids).order_by("task", "position")
    for task, response in places.values_list("task", "response"):
        shown.setdefault(task, []).append(response)
    answers = _answers().filter(task__in=task_ids)
    votes: dict[int, list[Vote]] = {}
    for task, kind, value in answers.values_list("task", "kind", "value"):
        if compares(kind):
            said = votes_of(kind, value, shown.get(task, []))
            votes.setdefault(task, []).extend(one for one in said if one.is_whole)
    pairs = {task: _pair(votes.get(task, []), shown.get(task, [])) for task in task_ids}
    named = [pk for pair in pairs.values() if not isinstance(pair, str) for pk in pair]
    words = {
        pk: len(as_text(content).split())
        for pk, content in Response.objects.filter(pk__in=named).values_list("pk", "content")
    }
    for task, pair in pairs.items():
        prompt, bucket = of_task[task]
        if isinstance(pair, str):
            yield bucket, pair
            continue
        chosen, rejected = pair
        order = shown[task]
        yield bucket, Choice(
            task, prompt, chosen, rejected, words[chosen] - words[rejected],
            order.index(chosen) < order.index(rejected),
        )  # fmt: skip


def _pair(votes: Sequence[Vote], shown: Sequence[int]) -> tuple[int, int] | str:
    """(chosen, rejected) with the largest margin, or why there is none. Of an order of many
    responses that is most often the best beside the worst."""
    net: Counter[tuple[int, int]] = Counter()
    for vote in votes:
        if vote.is_bad or any(isinstance(one, str) for one in vote.members):
            continue
        for better, worse in combinations(range(len(vote.groups)), 2):
            for high in vote.groups[better]:
                for low in vote.groups[worse]:
                    net[high, low] += worse - better
                    net[low, high] -= worse - better
    known = [pair for pair in net if set(pair) <= set(shown)]
    best = max(known, key=lambda pair: (net[pair], pair), default=None)
    if best is not None and net[best] > 0:
        return best
    return "undecided" if votes else "compares_nothing"
