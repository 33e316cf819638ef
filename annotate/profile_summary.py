"""What a project's members told of themselves, as counts that give nobody away.

Cell suppression as statistical offices do it: no count from 1 to LEAST - 1 is told (primary), and
where the counts add up to a total that is told, so many more are held back that the rest, which
anybody can reckon, is LEAST at least (secondary).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from annotate.profile_questions import DECLINED, Question

LEAST = 5
DECLINED_NAME = ""  # no choice is empty


@dataclass(frozen=True)
class Summary:
    """Of one question. Counts are None where they are held back.

    `total`: who answered it, preferring not to say included. `cells`: by choice, and under
    DECLINED_NAME who prefers not to say. `quartiles`: of numbers, rounded to two digits.
    """

    question: Question
    total: int | None
    cells: Mapping[str, int | None]
    quartiles: tuple[float, float, float] | None = None

    @property
    def holds_back(self) -> bool:
        return self.total is None or None in self.cells.values()


def summarize(question: Question, answers: Sequence[Any], least: int = LEAST) -> Summary:
    """Of all answers to one question; values as profile_questions has them."""
    if len(answers) < least:
        names = [*question.choices, DECLINED_NAME]
        return Summary(question, None, dict.fromkeys(names))
    told = [answer for answer in answers if answer is not DECLINED]
    counts = {name: 0 for name in question.choices}
    if question.kind == "multiple":
        found = Counter(choice for answer in told for choice in answer)
    elif question.kind == "choice":
        found = Counter(told)
    else:
        found = Counter({"told": len(told)})
        counts = {"told": 0}
    counts |= {name: found[name] for name in counts}
    counts[DECLINED_NAME] = len(answers) - len(told)
    if question.kind == "multiple":  # they add up to nothing that is told
        cells = {name: bounded(n, len(answers), least) for name, n in counts.items()}
    else:
        cells = suppress(counts, least)
    quartiles = None
    if question.kind == "number" and len(told) >= least:
        low, middle, high = quantiles(told, n=4, method="inclusive")
        quartiles = (_two_digits(low), _two_digits(middle), _two_digits(high))
    return Summary(question, len(answers), cells, quartiles)


def suppress(counts: Mapping[str, int], least: int = LEAST) -> dict[str, int | None]:
    """The counts of a partition whose total is told, some held back; 0 is told.

    Held back are at least two, or none, and they add up to `least` or more, or all are.
    """
    hidden = {name for name, count in counts.items() if 0 < count < least}
    others = sorted(
        (name for name, count in counts.items() if count >= least), key=lambda name: counts[name]
    )
    while hidden and others and (len(hidden) < 2 or sum(map(counts.__getitem__, hidden)) < least):
        hidden.add(others.pop(0))
    return {name: None if name in hidden else count for name, count in counts.items()}


def bounded(count: int, total: int, least: int = LEAST) -> int | None:
    """Neither who chose it nor who did not may be few."""
    few = 0 < count < least or 0 < total - count < least
    return None if few else count


def _two_digits(number: float) -> float:
    return float(f"{number:.2g}")
