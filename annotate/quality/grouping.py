"""Groups whose agreement is told apart: strata, languages, stretches of time. Pure numpy."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np

from annotate.quality.votes import Ints, Row

MOST_GROUPS = 30
MOST_STRETCHES = 24
DAY = 86_400
STRETCHES = 16  # days up to so many, else weeks, else months


class Facts(NamedTuple):
    """What is known of a task; items of one prompt hang together."""

    prompt: int
    stratum: str
    language: str


@dataclass(frozen=True)
class Group:
    """`name` of a stratum or a language, the first and the last day of a stretch of time."""

    name: str
    first: str
    last: str
    tasks: Ints  # sorted ids


def group_tasks(rows: Sequence[Row], facts: Mapping[int, Facts]) -> dict[str, list[Group]]:
    """By `strata`, `languages` and `stretches`; the largest groups, and none where all are one."""
    tasks = {row.task for row in rows}
    return {
        "strata": _named({task: facts[task].stratum for task in tasks}),
        "languages": _named({task: facts[task].language for task in tasks}),
        "stretches": _stretches(rows),
    }


def _named(name_of: Mapping[int, str]) -> list[Group]:
    counts = Counter(name_of.values())
    if len(counts) < 2:
        return []
    return [
        Group(name, "", "", _ids(task for task, mine in name_of.items() if mine == name))
        for name, _ in counts.most_common(MOST_GROUPS)
    ]


def _stretches(rows: Sequence[Row]) -> list[Group]:
    """Days, weeks from Monday, or months of UTC, by the latest answer to each task."""
    latest: dict[int, float] = {}
    for row in rows:
        latest[row.task] = max(row.at, latest.get(row.task, row.at))
    if not latest:
        return []
    span = (max(latest.values()) - min(latest.values())) / DAY
    by_day: dict[date, list[int]] = {}
    for task, at in latest.items():
        by_day.setdefault(datetime.fromtimestamp(at, UTC).date(), []).append(task)
    found: dict[tuple[date, date], list[int]] = {}
    for day, tasks in by_day.items():
        found.setdefault(_stretch(day, span), []).extend(tasks)
    if len(found) < 2:
        return []
    kept = sorted(found)[-MOST_STRETCHES:]
    return [
        Group("", first.isoformat(), last.isoformat(), _ids(found[first, last]))
        for first, last in kept
    ]


def _stretch(day: date, span: float) -> tuple[date, date]:
    if span <= STRETCHES:
        return day, day
    if span <= 7 * STRETCHES:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=6)
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return first, following - timedelta(days=1)


def _ids(tasks: Iterable[int]) -> Ints:
    return np.array(sorted(tasks), dtype=np.int64)
