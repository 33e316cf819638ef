"""How many further people a task asks for, by what those so far said of it. Pure.

Answers are compared by the first question that any of them takes a stand on: labels one by one;
of an order, or of ratings of several responses, who comes first. Marked stretches and free words
are not compared, so such tasks end with the least number of people.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from annotate.assignment.overlap import Overlap, wants_more
from annotate.kinds.sayings import FIRST, SECOND, Label, Marked, Order, Saying
from annotate.quality.majority import most_frequent


@dataclass(frozen=True)
class Votes:
    """What people said of one thing, each at most once; `classes`: how many answers there are."""

    labels: tuple[Hashable, ...]
    classes: int

    @property
    def posterior(self) -> tuple[float, ...]:
        """P(of everybody, most would say so), of each answer that was given, and of one that was
        not for every other: see `quality.majority.most_frequent`.
        """
        counts = sorted(Counter(self.labels).values(), reverse=True)
        counts += [0] * (self.classes - len(counts))
        return most_frequent(tuple(counts))


def further(overlap: Overlap, answers: Sequence[Sequence[Saying]], responses: int) -> int:
    """How many more people a task with these answers asks for at once: what lacks of `least`, then
    one at a time while any of its votes is open, never beyond `most`.

    `answers` has an entry for each person; `responses` is how many the task shows.
    """
    given = len(answers)
    if given < overlap.least:
        return overlap.least - given
    if given >= overlap.most:
        return 0
    return int(any(_open(overlap, one, given) for one in votes(answers, responses)))


def _open(overlap: Overlap, one: Votes, given: int) -> bool:
    """Whoever did not answer this one takes no part in it, nor in how many may still come."""
    most = len(one.labels) + overlap.most - given
    rule = Overlap(1, most, overlap.threshold)
    return wants_more(rule, one.labels, one.posterior)


def votes(answers: Sequence[Sequence[Saying]], responses: int) -> list[Votes]:
    """By what the labels are about, in the order in which that came up."""
    question = next(
        (one.question for said in answers for one in said if not isinstance(one, Marked)), None
    )
    found: dict[str, list[Hashable]] = {}
    for said in answers:
        mine = [one for one in said if one.question == question]
        for about, value in _labels(mine):
            found.setdefault(about, []).append(value)
    return [_with_classes(about, labels, responses) for about, labels in found.items()]


def _labels(said: Sequence[Saying]) -> list[tuple[str, Hashable]]:
    """(about, label) of one person's answer to one question."""
    orders = [one for one in said if isinstance(one, Order)]
    if orders:
        return [("", frozenset(orders[0].tiers[0] if orders[0].tiers else ()))]
    labels = [one for one in said if isinstance(one, Label)]
    rated = [one for one in labels if one.level != "nominal" and one.about.isdecimal()]
    if len(rated) > 1 and len(rated) == len(labels):
        best = max(float(one.value) for one in rated)
        return [("", frozenset(int(one.about) for one in rated if float(one.value) == best))]
    return [(one.about, one.value) for one in labels]


def _with_classes(about: str, labels: Sequence[Hashable], responses: int) -> Votes:
    there = set(labels)
    if "," in about:  # a preference: of two responses either could have been said
        there |= {FIRST, SECOND}
    least = responses if any(isinstance(one, frozenset) for one in there) else 2
    return Votes(tuple(labels), max(len(there), least, 2))
