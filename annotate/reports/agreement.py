"""How far people agree on the tasks that two or more of them judged."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.db import connection

from annotate import kinds
from annotate.kinds.span_suggestions import told_of, without_suggested
from annotate.models import Project
from annotate.quality.agreement import count_units, krippendorff_alpha
from annotate.quality.intervals import mean_interval
from annotate.quality.spans import Mark, MarkedText, character_units
from annotate.reports.latest import LATEST, latest_as_given
from annotate.reports.remembered import remembered

Answers = list[tuple[Mapping[str, Any], list[int]]]  # values, with the responses shown
SUGGESTED = ("include", "leave_out", "unaided")
LENGTHS = """
SELECT response.id, part.place - 1, char_length(part.value ->> 'text')
FROM annotate_response response,
     jsonb_array_elements(response.content) WITH ORDINALITY part (value, place)
WHERE response.id = ANY(%s) AND part.value ->> 'text' IS NOT NULL
"""


@dataclass(frozen=True)
class Agreement:
    """Among the latest `window` judgements; `cut` says that there are more than those.

    `percent` is the mean over pairs of people, 0..100, of 1 minus their answers' distance as the
    kind measures it; of `pairwise` it is the share of equal answers, the kinds of tie being one.
    `low` and `high` are its 95 % interval, tasks taken as drawn at random; None below two tasks.
    `alpha` is Krippendorff's, nominal: of `pairwise` over tasks, of spans over characters and
    the types they are marked with. Other kinds have none.
    """

    tasks: int
    percent: float | None
    alpha: float | None
    disagreed: list[int]
    double: list[int]
    cut: bool
    judgements: int = 0
    low: float | None = None
    high: float | None = None
    window: int = LATEST


def agreement(project: Project, suggested: str = "include") -> Agreement:
    """One query over the window.

    `suggested` is for spans of which AI judges suggested some: "leave_out" takes away the marks
    that are made of a suggestion, "unaided" the answers of those who were shown any.
    """
    key = f"report-agreement:{project.pk}:{suggested}"
    return remembered(key, lambda: _agreement(project, suggested))


def doubly_judged_tasks(project: Project) -> list[int]:
    """Ids of the tasks that two or more people judged, within the window."""
    return agreement(project).double


def disagreed_tasks(project: Project) -> list[int]:
    """Those of them on which not all agree."""
    return agreement(project).disagreed


def _agreement(project: Project, suggested: str) -> Agreement:
    rows = latest_as_given(project).filter(kind=project.kind, is_gold=False)
    answers: dict[int, Answers] = {}
    count = 0
    for task_id, value, shown in rows.values_list("task_id", "value", "shown_order"):
        count += 1
        if suggested == "leave_out":
            value = without_suggested(value)
        elif suggested == "unaided" and told_of(value):
            continue
        answers.setdefault(task_id, []).append((value, shown))
    double = {task_id: said for task_id, said in answers.items() if len(said) > 1}
    if project.kind == kinds.pairwise.NAME:
        units, alpha = _pairwise(double)
    else:
        units, alpha = _by_distance(project.kind, double), _alpha_of_spans(double.values())
    pairs = sum(pairs for _, pairs in units.values())
    share = sum(agreed for agreed, _ in units.values()) / pairs if pairs else None
    interval = mean_interval(list(units.values()))
    low, high = (None, None) if interval is None else (100 * end for end in interval)
    return Agreement(
        tasks=len(units),
        percent=None if share is None else 100 * share,
        alpha=alpha,
        disagreed=[task_id for task_id, (agreed, pairs) in units.items() if agreed < pairs],
        double=list(units),
        cut=count >= LATEST * 0.9,
        judgements=sum(len(double[task_id]) for task_id in units),
        low=low,
        high=high,
    )


def _pairwise(
    double: Mapping[int, Answers],
) -> tuple[dict[int, tuple[float, int]], float | None]:
    """By task how many pairs of people gave the same side, of how many; and alpha."""
    sides = {
        task_id: [_side(value, shown) for value, shown in said if len(shown) == 2]
        for task_id, said in double.items()
    }
    units = {}
    for task_id, labels in sides.items():
        pairs = len(labels) * (len(labels) - 1) // 2
        if pairs:
            equal = sum(n * (n - 1) // 2 for n in Counter(labels).values())
            units[task_id] = (float(equal), pairs)
    return units, krippendorff_alpha(count_units(sides.values()))


def _by_distance(kind: str, double: Mapping[int, Answers]) -> dict[int, tuple[float, int]]:
    """By task the sum of 1 - distance over its pairs of people, and how many pairs."""
    distance = kinds.get(kind).distance
    units = {}
    for task_id, said in double.items():
        ids = sorted(said[0][1])
        near = [1 - distance(a, b, ids) for (a, _), (b, _) in combinations(said, 2)]
        units[task_id] = (sum(near), len(near))
    return units


def _alpha_of_spans(tasks: Iterable[Answers]) -> float | None:
    """Over the characters of all responses that two or more marked, alone or in a form."""
    marked: dict[int, list[list[Mapping[str, Any]]]] = {}
    for said in tasks:
        for value, shown in said:
            for answer, response_ids in _spans_in(value, shown):
                for pk in response_ids:
                    mine = [mark for mark in answer["marks"] if mark["response"] == pk]
                    marked.setdefault(pk, []).append(mine)
    twice = {pk: sides for pk, sides in marked.items() if len(sides) > 1}
    if not twice:
        return None
    with connection.cursor() as cursor:
        cursor.execute(LENGTHS, [list(twice)])
        lengths = cursor.fetchall()
    texts = (
        MarkedText(length, [_marks_of(mine, part) for mine in twice[pk]])
        for pk, part, length in lengths
    )
    return krippendorff_alpha(character_units(texts, lambda types: "\n".join(sorted(types))))


def _spans_in(
    value: Mapping[str, Any], shown: list[int]
) -> Iterable[tuple[Mapping[str, Any], list[int]]]:
    if "marks" in value:
        yield value, shown
    for asked in value.get("asked", ()):
        if asked["kind"] == kinds.spans.NAME:
            yield value["answers"][asked["name"]], asked["responses"]


def _marks_of(marks: Iterable[Mapping[str, Any]], part: int) -> list[Mark]:
    return [Mark(m["start"], m["end"], m["type"]) for m in marks if m["part"] == part]


def _side(value: Mapping[str, Any], shown: list[int]) -> int:
    """1 for the response with the smaller id, -1 for the other, 0 for every kind of tie."""
    points = kinds.pairwise.signed(value, sorted(shown))
    return (points > 0) - (points < 0)
