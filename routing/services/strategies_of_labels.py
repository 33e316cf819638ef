"""Orders by what people have labelled so far, and by parts of the project; see
annotate/assignment/orders.py.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import log2

from django.db.models import Count, Expression, F, QuerySet
from django.db.models.fields.json import KeyTextTransform

from annotate.assignment.answers import votes
from annotate.assignment.contract import Item
from annotate.assignment.orders import least_covered, stratified, uncertainty_first
from annotate.models import Judgement, Task
from annotate.services.review.task_answers import answers_of
from routing.services.pools import BATCH, Chosen, Order, Pool, Stopped
from routing.words.reasons import why

PART = {
    "stratum": "stratum",
    "language": "prompt__language",
    "taxonomy": "prompt__taxonomy",
}
READ = 5000  # rows of plain columns at a time


def by_strata(pool: Pool) -> Order:
    """Parts take turns by their weights; what is labelled already counts towards their share."""
    by = pool.settings["by"]

    def parts(rows: QuerySet) -> QuerySet:
        return rows.values_list("pk", _column(by))

    part_of = {pk: part or "" for pk, part in _tasks(pool, parts)}
    labels = Judgement.objects.labels().filter(project=pool.project)
    people = labels.exclude(source=Judgement.Source.JUDGE)
    done = Counter(
        {
            part or "": count
            for part, count in people.order_by()
            .values_list(_column(by, of="task__"))
            .annotate(n=Count("*"))
        }
    )
    items = [Item(pk, stratum=part_of[pk]) for pk in sorted(part_of)]
    weights = {part: pool.settings["weights"].get(part, 1.0) for part in set(part_of.values())}
    order = stratified(items, weights=weights, done=done)[: pool.most]
    return _places(order, [[why("part", item.stratum or "–")] for item in order])


def by_coverage(pool: Pool) -> Order:
    """Fewest labels of people first."""
    given = dict(_votes(pool))
    items = [Item(pk, votes=(None,) * given.get(pk, 0)) for pk in sorted(pool.task_ids)]
    order = least_covered(items)[: pool.most]
    return _places(order, [[why("labels", len(item.votes))] for item in order])


def by_doubt(pool: Pool) -> Order:
    """What most people would say is least sure first: the entropy, in bits, of the most open of a
    task's votes. Tasks without any come before all others.
    """
    items = []
    for start in range(0, len(pool.task_ids), BATCH):
        if pool.step(start):
            raise Stopped
        found = answers_of(pool.project, pool.task_ids[start : start + BATCH])
        for pk, one in found.items():
            said = votes(one.answers, len(one.responses))
            doubt = max((_entropy(each.posterior) for each in said), default=None)
            items.append(Item(pk, votes=(None,) * len(one.answers), doubt=doubt))
    order = uncertainty_first(sorted(items, key=lambda item: item.id))[: pool.most]
    reasons = [
        [why("unlabelled yet")]
        if item.doubt is None
        else [why("doubt", item.doubt), why("labels", len(item.votes))]
        for item in order
    ]
    first = 1 + max((item.doubt or 0.0 for item in order), default=0.0)
    scores = [first if item.doubt is None else item.doubt for item in order]
    return Order([Chosen(i.id, s, r) for i, s, r in zip(order, scores, reasons, strict=True)])


def _places(order: Sequence[Item], reasons: Iterable[list]) -> Order:
    """The order is all there is: its scores only fall."""
    chosen = [
        Chosen(item.id, float(len(order) - place), said)
        for place, (item, said) in enumerate(zip(order, reasons, strict=True))
    ]
    return Order(chosen)


def _tasks(pool: Pool, read) -> Iterator[tuple]:
    for start in range(0, len(pool.task_ids), READ):
        if pool.step(start):
            raise Stopped
        yield from read(Task.objects.filter(pk__in=pool.task_ids[start : start + READ]))


def _votes(pool: Pool) -> Iterator[tuple[int, int]]:
    """(task, labels of people) of the tasks that have any."""

    def counted(rows: QuerySet) -> QuerySet:
        said = Judgement.objects.labels().filter(task__in=rows)
        people = said.exclude(source=Judgement.Source.JUDGE).order_by()
        return people.values_list("task").annotate(n=Count("*"))

    yield from _tasks(pool, counted)


def _column(by: str, of: str = "") -> Expression | F:
    if by == "source":
        return KeyTextTransform("source", f"{of}prompt__metadata")
    return F(f"{of}{PART[by]}")


def _entropy(posterior: Sequence[float]) -> float:
    return -sum(p * log2(p) for p in posterior if p > 0)
