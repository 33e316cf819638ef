"""What a second look reads: labels of judges beside a reward model's margins, and how wrong such
labels were where people were asked by chance. For workers: needs numpy.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from django.db.models import F, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.functions import MD5, Cast, Concat
from numpy.typing import NDArray

from annotate.kinds import pairwise
from annotate.models import (
    Judge,
    Judgement,
    Project,
    Task,
    TaskResponse,
)
from routing.judges.probability import logit
from routing.models import Decision, outside_second_looks
from routing.reports.second_look import wanted_sides
from routing.services.labelled import free_verdicts
from routing.services.learned import new_to

BATCH = 500
FOLDS = 5
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# Told how many rows were read; says whether to stop, and keeps to it.
Step = Callable[[int], bool]


class Stopped(Exception):
    """Somebody asked the look to stop."""


@dataclass(frozen=True)
class Labels:
    """Tasks with a label: 1 for the first response, -1 for the second; `margin` is the reward of
    what it prefers less that of the other. Those left out were contradicted by another judge
    (`contradicted`), hold no preference (`silent`), or were not read by the reward model.
    """

    task: Ints
    label: Ints
    margin: Floats
    contradicted: int
    silent: int
    not_read: int


@dataclass(frozen=True)
class Audited:
    """Rows for SecondStage.fit: what people said of labels that they were asked about by chance."""

    margin: Floats
    wrong: Floats
    weight: Floats
    fold: Ints


def drawn(tasks: QuerySet[Task], most: int, seed: int) -> list[int]:
    """Up to `most` ids in their order, by chance where there are more; the same for one seed."""
    key = MD5(Concat(Cast("pk", TextField()), Value(f":{seed}"), output_field=TextField()))
    return sorted(tasks.order_by(key, "pk").values_list("pk", flat=True)[:most])


def labels_of(judge: Judge, task_ids: Sequence[int], step: Step) -> Labels:
    """Raises Stopped, JudgeError, JudgeInterrupted. Two queries a batch beside the margins'."""
    rows: list[tuple[int, int, float]] = []
    contradicted = silent = not_read = 0
    for start in range(0, len(task_ids), BATCH):
        if step(start):
            raise Stopped
        batch = task_ids[start : start + BATCH]
        sides, said = _sides(batch), _said_by_judges(batch)
        heard = free_verdicts(judge, batch, partial(step, start))
        if step(start):
            raise Stopped  # and what was heard is incomplete
        for task_id in batch:
            labels = {sides.get((task_id, one)) for one in said[task_id]}
            verdict = heard.get(task_id)
            if labels == {1, -1}:
                contradicted += 1
            elif len(labels) != 1 or None in labels:
                silent += 1
            elif verdict is None or verdict.p_first is None:
                not_read += 1
            else:
                [label] = labels
                rows.append((task_id, label, label * logit(verdict.p_first)))
    return Labels(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([row[1] for row in rows], dtype=np.int64),
        np.array([row[2] for row in rows], dtype=np.float64),
        contradicted,
        silent,
        not_read,
    )


def _sides(task_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """(task, response) -> 1 for its first response, -1 for its second."""
    places = TaskResponse.objects.filter(task__in=list(task_ids))
    return {
        (task, response): 1 if position == 0 else -1
        for task, response, position in places.values_list("task_id", "response_id", "position")
    }


def _said_by_judges(task_ids: Sequence[int]) -> dict[int, list[int | None]]:
    """What a reviewer amended or dismissed too: that the judge was wrong there is what is asked."""
    rows = Judgement.objects.filter(
        task__in=task_ids, source=Judgement.Source.JUDGE, kind=pairwise.NAME
    )
    found: dict[int, list[int | None]] = {pk: [] for pk in task_ids}
    for task_id, value in rows.values_list("task_id", "value"):
        found[task_id].append(value.get("preferred"))
    return found


def audited(project: Project, judge: Judge, step: Step) -> Audited:
    """Of what policies would have left to a judge, what people were asked about by chance: drawn to
    be audited, or for its prompt being held out. Weighted by 1 / P(people were asked).

    What a second look asked about is no such sample. Raises as `labels_of`.
    """
    propensity = _audit_draws(project)
    answers = Judgement.objects.labels().filter(task__in=list(propensity), kind=pairwise.NAME)
    wanted = wanted_sides(outside_second_looks(answers))
    answered = new_to(judge, Task.objects.filter(pk__in=list(wanted)))
    prompts = dict(answered.order_by("pk").values_list("pk", "prompt_id"))
    labels = labels_of(judge, list(prompts), step)
    ids = labels.task.tolist()
    return Audited(
        labels.margin,
        np.array(
            [
                0.5 if wanted[pk] == 0 else float(wanted[pk] != label)
                for pk, label in zip(ids, labels.label.tolist(), strict=True)
            ]
        ),
        np.array([1 / propensity[pk] for pk in ids]),
        np.array([prompts[pk] % FOLDS for pk in ids], dtype=np.int64),
    )


def _audit_draws(project: Project) -> dict[int, float]:
    """Task -> P(people were asked), by the newest decision on it that was followed."""
    newest = Decision.objects.filter(task=OuterRef("task"), shadow=False).order_by("-pk")
    rows = Decision.objects.filter(policy__project=project, shadow=False).annotate(
        newest=Subquery(newest.values("pk")[:1])
    )
    rows = rows.filter(pk=F("newest"), route=Decision.Route.BOTH)
    return dict(rows.values_list("task_id", "propensity"))
