"""Tasks as arrays: what fitted policies are fitted on and decide about. For workers: needs numpy.

A judge's signals are known once it answered: how sure it is, how far its two orders are apart, and
whether its choice is the longer one. Sides are those of the task's own order of responses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotate.media.as_text import as_text
from annotate.models import Judge, Judgement, Task
from routing.features.signals import (
    confidence,
    judge_spread,
    length_gap,
    swap_disagreement,
    towards_label,
)
from routing.judges import Verdict
from routing.models import FeatureSpecification
from routing.policies.contract import COMMON, DoublyLabelled, Instances, Layout, Signal
from routing.services.featurising import spec_of, tags_and_scores

UNSURE = 1e-9  # a probability nearer to a half than that is an abstention
SILENT = "no judge prefers one"  # 1 where there is no label of a judge to be had


@dataclass(frozen=True)
class Sides:
    """A task's two responses in its own order, its prompt, and the words of each response."""

    task_id: int
    prompt_id: int
    held_out: bool
    first: int
    second: int
    words: tuple[int, int]


def layout_of(spec: FeatureSpecification, judges: Sequence[Judge]) -> Layout:
    """Tags of the specification; three signals a judge, and where the judges disagree."""
    names = [str(judge) for judge in judges]
    signals = [Signal("length gap", COMMON)]
    for number, name in enumerate(names):
        signals += [
            Signal(f"{name} is sure", number),
            Signal(f"{name} contradicts itself", number),
            Signal(f"{name}’s choice is longer", number),
        ]
    if len(names) > 1:
        signals.append(Signal("judges disagree", len(names) - 1))
    signals.append(Signal(SILENT, len(names) - 1))
    return Layout(spec_of(spec).names, tuple(signals), tuple(names))


def instances(
    spec: FeatureSpecification,
    sides: Sequence[Sides],
    said: Sequence[Mapping[int, Verdict]],
) -> Instances:
    """`said`: for each judge, from cheap to strong, its verdicts by task; missing ones are unknown.

    Two queries for the features, however many tasks.
    """
    ids = np.array([one.task_id for one in sides], dtype=np.int64)
    tags, _ = tags_and_scores(spec, ids.tolist())
    gap = length_gap([one.words[0] for one in sides], [one.words[1] for one in sides])
    labels = np.zeros((len(sides), len(said)), dtype=np.int8)
    columns = [np.abs(gap)]
    for judge, verdicts in enumerate(said):
        p = np.array([_p_first(verdicts.get(one.task_id)) for one in sides], dtype=np.float64)
        apart = np.array([_orders_apart(verdicts.get(one.task_id)) for one in sides])
        clear = np.isfinite(p) & (np.abs(p - 0.5) > UNSURE)
        labels[clear, judge] = np.where(p[clear] > 0.5, 1, -1)
        columns += [confidence(p), apart, towards_label(gap, labels[:, judge])]
    if len(said) > 1:
        columns.append(judge_spread(labels))
    columns.append((labels == 0).all(1).astype(float))
    return Instances(ids, tags, np.column_stack(columns), labels)


def _p_first(verdict: Verdict | None) -> float:
    return np.nan if verdict is None or verdict.p_first is None else verdict.p_first


def _orders_apart(verdict: Verdict | None) -> float:
    """NaN for judges that ask once, such as reward models, which see no order."""
    orders: Any = verdict.raw.get("orders") if verdict is not None else None
    if not orders or len(orders) != 2:
        return float("nan")
    return float(swap_disagreement(orders[0], 1 - orders[1]))


def sides_of(task_ids: Iterable[int], *, test_percent: int) -> list[Sides]:
    """Those of the tasks that hold exactly two responses, in order of id. Two queries."""
    found = []
    tasks = Task.objects.filter(pk__in=list(task_ids)).select_related("prompt")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        places = sorted(task.places.all(), key=lambda place: place.position)
        if len(places) != 2:
            continue
        first, second = (place.response for place in places)
        found.append(
            Sides(
                task.pk,
                task.prompt_id,
                task.prompt.split_bucket < test_percent,
                first.pk,
                second.pk,
                (words_in(first.content), words_in(second.content)),
            )
        )
    return found


def words_in(content: Sequence[Mapping[str, Any]]) -> int:
    return len(as_text(content).split())


def votes_of(sides: Sequence[Sides]) -> list[tuple[int, int, int, int]]:
    """(row, author, tier, label) of every current answer of a person to these tasks.

    A preference is 1 or -1 by the task's own order, all other verdicts 0. Imported answers count
    as people's. One query.
    """
    row_of = {one.task_id: row for row, one in enumerate(sides)}
    answers = (
        Judgement.objects.current()
        .filter(task__in=list(row_of))
        .exclude(source=Judgement.Source.JUDGE)
        .values_list("task_id", "annotator_id", "imported_author", "value")
    )
    authors: dict[object, int] = {}
    found = []
    for task_id, annotator, imported, value in answers:
        row = row_of[task_id]
        author = authors.setdefault(annotator or f"imported {imported}", len(authors))
        preferred = value.get("preferred")
        one = sides[row]
        label = {one.first: 1, one.second: -1}.get(preferred, 0)
        found.append((row, author, 0, label))
    return sorted(found)


def doubly_labelled(
    spec: FeatureSpecification,
    sides: Sequence[Sides],
    said: Sequence[Mapping[int, Verdict]],
) -> DoublyLabelled:
    """All of the tasks with people's votes; groups are prompts."""
    votes = np.array(votes_of(sides), dtype=np.int64).reshape(-1, 4)
    return DoublyLabelled(
        instances(spec, sides, said),
        votes[:, 0],
        votes[:, 1],
        votes[:, 2],
        votes[:, 3].astype(np.int8),
        np.array([one.prompt_id for one in sides], dtype=np.int64),
    )
