"""What waits for a reviewer, in several orders: answers one by one, or tasks that divide people.

A queue is filters and an order. Its items are walked by keyset: a place is the item's own keys, so
the next one is found also when the item itself has left the queue meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from annotate.models import Consensus, Judgement, Project, Review, Task, User, Voices
from annotate.models.review import newest_decision
from annotate.quality.methods import MAJORITY, VERSIONS
from annotate.reports.consensus import methods_of
from annotate.reports.review_samples import failed_gold, sample
from annotate.services.review.review_stages import drawn

PAGE = 50
MOST_COUNTED = 1000

WAITING, DIVIDED, PERSON, FLAG, GOLD, SAMPLE = QUEUES = (
    "waiting", "divided", "person", "flag", "gold", "sample",
)  # fmt: skip
STATES = ("open", "decided", "all")
SORTS = ("oldest", "newest", "quickest", "slowest")
LABEL_KEYS = {
    "oldest": ("pk",),
    "newest": ("-pk",),
    "quickest": ("seconds", "pk"),
    "slowest": ("-seconds", "pk"),
}
TASK_KEYS = ("-divided", "-entropy", "task_id")

# People's answers that count; of pairs only which one is better is compared.
DIFFER = """(
    SELECT count(DISTINCT {}) FROM annotate_judgement j
    WHERE j.task_id = annotate_consensus.task_id AND j.source <> 'judge' AND NOT j.simulated
      AND NOT j.is_gold
      AND NOT EXISTS (SELECT FROM annotate_normingseat n WHERE n.seat_id = j.seat_id)
      AND NOT EXISTS (SELECT FROM annotate_review r WHERE r.judgement_id = j.id
          AND r.decision = 'dismiss'
          AND NOT EXISTS (SELECT FROM annotate_review n WHERE n.replaces_id = r.id))
      AND NOT EXISTS (SELECT FROM annotate_judgement n WHERE n.supersedes_id = j.id)) > 1"""
COMPARING = ("pairwise", "context", "joint")
PREFERRED = "(j.value ->> 'verdict') || coalesce(j.value ->> 'preferred', '')"

Place = tuple[Any, ...]


@dataclass(frozen=True)
class Wanted:
    """`by` is a queue; `each` and `seed` draw the sample; `person` is a user's id. `state`: "open"
    is without a decision, of tasks without one that settles them."""

    by: str = WAITING
    state: str = "open"
    sort: str = "oldest"
    person: int | None = None
    stratum: str = ""
    language: str = ""
    each: int = 5
    seed: int = 0


@dataclass(frozen=True)
class Item:
    """A task, and the answer in it that the queue is about, if it is about one."""

    task: Task
    judgement: Judgement | None
    place: Place
    divided: float | None = None


class Queue:
    """One reader's queue: their own answers are in none."""

    def __init__(self, project: Project, wanted: Wanted, reader: User) -> None:
        self.wanted = wanted
        self.of_tasks = wanted.by == DIVIDED
        if self.of_tasks:
            self.rows: QuerySet[Any] = _divided(project, wanted)
            self.keys: Sequence[str] = TASK_KEYS
        else:
            self.rows = _labels(project, wanted, reader)
            self.keys = LABEL_KEYS[wanted.sort]

    def count(self) -> int:
        """How many there are, up to MOST_COUNTED + 1. One query."""
        return int(self.rows.order_by()[: MOST_COUNTED + 1].count())

    def page(self, after: Place | None, size: int = PAGE) -> tuple[list[Item], Place | None]:
        """Up to `size` items behind a place, and the place where the next page begins."""
        found = self._items(self._beyond(after, forwards=True)[: size + 1])
        return found[:size], found[size - 1].place if len(found) > size else None

    def neighbours(self, place: Place | None) -> tuple[Item | None, Item | None]:
        """The one before and the one after a place. Two queries."""
        if place is None:
            return None, next(iter(self._items(self._beyond(None, forwards=True)[:1])), None)
        before = self._items(self._beyond(place, forwards=False)[:1])
        after = self._items(self._beyond(place, forwards=True)[:1])
        return next(iter(before), None), next(iter(after), None)

    def place_of(self, task: Task, judgement: Judgement | None) -> Place | None:
        """Where an item stands, or stood before it left; None for what was never in this queue."""
        if self.of_tasks:
            found = Consensus.objects.filter(task=task, voices=Voices.HUMAN)
            methods = methods_of(task.project, Voices.HUMAN.value)
            row = found.filter(method=methods[0]).first() if methods else None
            return (row.divided, row.entropy, task.pk) if row else None
        if judgement is None:
            return None
        seconds = judgement.seconds_active or 0.0
        return (seconds, judgement.pk) if "seconds" in self.keys[0] else (judgement.pk,)

    def _beyond(self, place: Place | None, *, forwards: bool) -> QuerySet[Any]:
        keys = self.keys if forwards else [_turned(key) for key in self.keys]
        rows = self.rows.order_by(*keys)
        if place is None:
            return rows
        found, same = Q(), Q()
        for key, value in zip(keys, place, strict=True):
            name, lookup = key.lstrip("-"), "lt" if key.startswith("-") else "gt"
            found |= same & Q(**{f"{name}__{lookup}": value})
            same &= Q(**{name: value})
        return rows.filter(found)

    def _items(self, rows: QuerySet[Any]) -> list[Item]:
        if self.of_tasks:
            return [
                Item(row.task, None, (row.divided, row.entropy, row.task_id), row.divided)
                for row in rows.select_related("task__prompt")
            ]
        related = rows.select_related("task__prompt", "annotator", "judge")
        return [Item(row.task, row, self._label_place(row)) for row in related]

    def _label_place(self, row: Judgement) -> Place:
        return tuple(getattr(row, key.lstrip("-")) for key in self.keys)


def _turned(key: str) -> str:
    return key[1:] if key.startswith("-") else f"-{key}"


def _labels(project: Project, wanted: Wanted, reader: User) -> QuerySet[Judgement]:
    rows = Judgement.objects.filter(project=project).current().filter(amendment=None)
    rows = rows.exclude(annotator=reader)
    rows = rows.annotate(
        decision=newest_decision(), seconds=Coalesce(F("seconds_active"), Value(0.0))
    )
    if wanted.by == WAITING:
        rows = drawn(project, rows)
    elif wanted.by == FLAG:
        rows = rows.exclude(flag="")
    elif wanted.by == GOLD:
        rows = rows.filter(pk__in=failed_gold(project))
    elif wanted.by == SAMPLE:
        rows = rows.filter(pk__in=sample(project, each=wanted.each, seed=wanted.seed))
    elif wanted.person is None:
        rows = rows.by_people()
    if wanted.person is not None:
        rows = rows.filter(annotator=wanted.person)
    if wanted.stratum:
        rows = rows.filter(task__stratum=wanted.stratum)
    if wanted.language:
        rows = rows.filter(task__prompt__language=wanted.language)
    if wanted.state != "all":
        rows = rows.filter(decision__isnull=wanted.state == "open")
    return rows


def _divided(project: Project, wanted: Wanted) -> QuerySet[Consensus]:
    """Tasks that people answered differently, the most divided by the method that knows most."""
    method = next(iter(methods_of(project, Voices.HUMAN.value)), MAJORITY)
    rows = Consensus.objects.filter(
        project=project, voices=Voices.HUMAN, method=method, version=VERSIONS[method]
    )
    said = PREFERRED if project.kind in COMPARING else "j.value::text"
    rows = rows.filter(RawSQL(DIFFER.format(said), (), output_field=BooleanField()))
    if wanted.stratum:
        rows = rows.filter(task__stratum=wanted.stratum)
    if wanted.language:
        rows = rows.filter(task__prompt__language=wanted.language)
    if wanted.person is not None:
        mine = Judgement.objects.filter(task=OuterRef("task"), annotator=wanted.person)
        rows = rows.filter(Exists(mine))
    if wanted.state != "all":
        settled = Exists(Review.objects.newest().filter(task=OuterRef("task"), settles_task=True))
        rows = rows.filter(settled if wanted.state == "decided" else ~settled)
    return rows
