"""What a strategy is given, and what it gives: open tasks, and an order of them with reasons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max

from annotate.models import Judge, Project, TaskResponse
from annotate.wording import Refusal, Told
from routing.words.reasons import Why

BATCH = 500  # tasks read at a time
REASONS = 3
DRAW = 5  # purpose of the draws


class NothingToGoOn(Refusal):
    """What the strategy needs is not there; says what, and what to do."""


@dataclass(frozen=True)
class Pool:
    """Open tasks to choose from. `step` is told how many are read; True asks to stop."""

    project: Project
    task_ids: Sequence[int]
    most: int
    judge: Judge | None
    step: Callable[[int], bool]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Chosen:
    """One task with its score (the higher the sooner) and why."""

    task_id: int
    score: float
    reasons: list[Why]


@dataclass
class Order:
    """Tasks in the order in which people should see them; `missing` says what could not be ranked
    and why.
    """

    chosen: list[Chosen] = field(default_factory=list)
    missing: list[Told] = field(default_factory=list)


class Stopped(Exception):
    """The run was cancelled while it read."""


def highest(chosen: list[Chosen], most: int) -> list[Chosen]:
    """Equal scores stay in the order in which they came."""
    return sorted(chosen, key=lambda one: -one.score)[:most]


def lacking(pool: Pool, known: int, why: Told) -> list[Told]:
    """What is said of the tasks beyond the `known` ones; nothing where there are none."""
    count = len(pool.task_ids) - known
    if not count:
        return []
    of = len(pool.task_ids)
    return [Told("{count} of {all} open tasks {why}.", count=count, all=of, why=why)]


def pairs_among(ids: Sequence[int]) -> list[int]:
    """Those of the tasks that hold two responses, by id. One query."""
    last = (
        TaskResponse.objects.filter(task__in=list(ids)).values("task").annotate(n=Max("position"))
    )
    return sorted(row["task"] for row in last if row["n"] == 1)
