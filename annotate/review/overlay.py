"""Spans of several people in one text, laid over each other."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Marking(NamedTuple):
    """Code points start..end, the end exclusive; `who` is the place of an answer."""

    start: int
    end: int
    type: str
    who: int


class Piece(NamedTuple):
    """A stretch of the text within which nothing begins or ends."""

    text: str
    markings: tuple[Marking, ...]

    @property
    def who(self) -> tuple[int, ...]:
        """The answers that mark it, each once, in order."""
        return tuple(sorted({one.who for one in self.markings}))


def overlay(text: str, markings: Sequence[Marking]) -> list[Piece]:
    """The whole text in order; parts of markings beyond its end are left out."""
    kept = [one for one in markings if 0 <= one.start < min(one.end, len(text))]
    ends = {0, len(text)} | {one.start for one in kept} | {min(one.end, len(text)) for one in kept}
    order = sorted(ends)
    return [
        Piece(text[start:end], tuple(one for one in kept if one.start <= start and end <= one.end))
        for start, end in pairwise(order)
    ]
