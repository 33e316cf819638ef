"""Answers of many people taken apart by question, as arrays. Pure numpy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from annotate.kinds.sayings import FIRST, SECOND, Label, Level, Marked, Order, Saying

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MOST_CLASSES = 12  # of labels that are told apart by what people mistake for what


class Row(NamedTuple):
    """One judgement: `task` and `rater` are any numbers, `at` seconds of an epoch, `shown` the
    responses in the order shown, `text` stands for the words that came with it, "" for none.
    `checked`: it was asked for to check its author by a known answer."""

    id: int
    task: int
    rater: int
    seconds: float | None
    at: float
    shown: tuple[int, ...]
    text: str
    sayings: Sequence[Saying]
    checked: bool = False


@dataclass(frozen=True)
class Votes:
    """The labels of one question. An item is a task and what in it the label is about.

    `classes` are the labels that occur, in order, and of preferences always both sides; `label_V`
    are places in it, `row_V` in the rows.
    """

    question: str
    level: Level
    classes: tuple[str | float, ...]
    items: tuple[tuple[int, str], ...]
    item_V: Ints
    rater_V: Ints
    label_V: Ints
    row_V: Ints

    @property
    def task_V(self) -> Ints:
        tasks = np.array([task for task, _ in self.items], dtype=np.int64)
        return tasks[self.item_V] if len(tasks) else tasks

    def take(self, votes: Bools) -> "Votes":
        """Those votes alone; items and classes keep their numbers."""
        return Votes(
            self.question, self.level, self.classes, self.items,
            self.item_V[votes], self.rater_V[votes], self.label_V[votes], self.row_V[votes],
        )  # fmt: skip


@dataclass
class Gathered:
    """By question, in the order in which they were first answered."""

    labels: dict[str, Votes] = field(default_factory=dict)
    orders: dict[str, list[tuple[int, Order]]] = field(default_factory=dict)  # (row, order)
    marks: dict[str, list[tuple[int, Marked]]] = field(default_factory=dict)


class _Labels:
    def __init__(self) -> None:
        self.items: dict[tuple[int, str], int] = {}
        self.level: set[Level] = set()
        self.item: list[int] = []
        self.row: list[int] = []
        self.value: list[str | float] = []


def gather(rows: Sequence[Row]) -> Gathered:
    """The rows' sayings by question. Labels of unlike levels under one name become nominal texts,
    but whole numbers among others become numbers like these.
    """
    found = Gathered()
    labels: dict[str, _Labels] = {}
    for place, row in enumerate(rows):
        for one in row.sayings:
            if isinstance(one, Label):
                mine = labels.get(one.question)
                if mine is None:
                    mine = labels[one.question] = _Labels()
                mine.item.append(mine.items.setdefault((row.task, one.about), len(mine.items)))
                mine.row.append(place)
                mine.value.append(one.value)
                mine.level.add(one.level)
            elif isinstance(one, Order):
                found.orders.setdefault(one.question, []).append((place, one))
            else:
                found.marks.setdefault(one.question, []).append((place, one))
    rater_R = np.array([row.rater for row in rows], dtype=np.int64)
    for question, mine in labels.items():
        found.labels[question] = _votes(question, mine, rater_R)
    return found


def _votes(question: str, mine: _Labels, rater_R: Ints) -> Votes:
    level: Level = "nominal"
    if "nominal" not in mine.level:
        level = "interval" if "interval" in mine.level else "ordinal"
    values = mine.value if level != "nominal" else [str(one) for one in mine.value]
    there: set[str | float] = set(values)
    if level == "nominal" and any("," in about for _, about in mine.items):
        there |= {FIRST, SECOND}  # of two responses either could have been said
    classes = sorted(there, key=lambda one: (isinstance(one, str), one))
    place = {one: number for number, one in enumerate(classes)}
    row_V = np.array(mine.row, dtype=np.int64)
    return Votes(
        question=question,
        level=level,
        classes=tuple(classes),
        items=tuple(mine.items),
        item_V=np.array(mine.item, dtype=np.int64),
        rater_V=rater_R[row_V],
        label_V=np.array([place[one] for one in values], dtype=np.int64),
        row_V=row_V,
    )


def pairs_of_responses(orders: Iterable[tuple[int, Order]], rows: Sequence[Row]) -> list[Row]:
    """For every order a row that says of each two responses which is better, to be gathered."""
    found = []
    for place, order in orders:
        ranks = ranks_of(order)
        ids = sorted(ranks)
        sayings = [
            Label(order.question, f"{low},{high}", _relation(ranks[low], ranks[high]))
            for number, low in enumerate(ids)
            for high in ids[number + 1 :]
        ]
        found.append(rows[place]._replace(sayings=sayings))
    return found


def ranks_of(order: Order) -> dict[int, int]:
    """Each response's tier from 0; those unordered at the foot share the last one."""
    tiers = (*order.tiers, order.rest) if order.rest else order.tiers
    return {pk: rank for rank, tier in enumerate(tiers) for pk in tier}


def _relation(low: int, high: int) -> str:
    return "tie" if low == high else "first" if low < high else "second"
