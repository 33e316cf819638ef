"""Answers to one task side by side: what each says of each thing that was asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from annotate.kinds.sayings import Label, Marked, Order, Saying

About = tuple[str, str]  # the question, and of what within the task


@dataclass(frozen=True)
class Line:
    """One thing that was asked, and in the answers' order what each says of it; None for nothing.

    `divides`: not all that say something say the same.
    """

    question: str
    about: str
    cells: tuple[Saying | None, ...]

    @property
    def divides(self) -> bool:
        return len({_key(one) for one in self.cells if one is not None}) > 1

    def differs(self, place: int) -> bool:
        """Whether this answer says what most do not; of two that differ each does."""
        said = [_key(one) for one in self.cells if one is not None]
        mine = self.cells[place]
        return mine is not None and self.divides and said.count(_key(mine)) * 2 <= len(said)


def compare(answers: Sequence[Sequence[Saying]]) -> list[Line]:
    """Lines in the order in which they were first answered."""
    found: dict[About, list[Saying | None]] = {}
    for place, sayings in enumerate(answers):
        for one in sayings:
            cells = found.setdefault(about_of(one), [None] * len(answers))
            cells[place] = one
    return [Line(*about, tuple(cells)) for about, cells in found.items()]


def about_of(saying: Saying) -> About:
    """The question, and a label's own about or the response that was marked."""
    if isinstance(saying, Label):
        return saying.question, saying.about
    if isinstance(saying, Marked):
        return saying.question, str(saying.response)
    return saying.question, ""


def share_agreeing(answers: Sequence[Sequence[Saying]]) -> tuple[int, int]:
    """(pairs of answers that say the same of a thing, pairs that both say something of it)."""
    same = pairs = 0
    for line in compare(answers):
        said = [_key(one) for one in line.cells if one is not None]
        pairs += len(said) * (len(said) - 1) // 2
        same += sum(said[a] == said[b] for a in range(len(said)) for b in range(a))
    return same, pairs


def _key(saying: Saying) -> object:
    """Equal for sayings that mean the same."""
    if isinstance(saying, Label):
        return saying.value
    if isinstance(saying, Order):
        return tuple(frozenset(tier) for tier in saying.tiers), frozenset(saying.rest)
    return frozenset((part, *mark) for part, marks in saying.marks.items() for mark in marks)
