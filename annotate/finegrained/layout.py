"""How overlapping spans are drawn: flat segments of the text, and a lane for each span's line."""

import heapq
import itertools
from collections.abc import Sequence
from typing import NamedTuple

Place = tuple[int, int]  # start and end in code points, the end exclusive


class Segment(NamedTuple):
    """A range with the same spans all over it: their positions in the list given, by lane."""

    start: int
    end: int
    spans: tuple[int, ...]


class Layout(NamedTuple):
    """`segments` follow each other and make up the whole text, plain ones (no span) included.

    `lanes[i]` is the lane of span i, from 0 (next to the text). Spans that share a character
    never share a lane, and no more lanes are used than spans lie over one character.
    """

    segments: list[Segment]
    lanes: list[int]

    @property
    def depth(self) -> int:
        return max(self.lanes, default=-1) + 1


def lay_out(length: int, spans: Sequence[Place]) -> Layout:
    """Raises ValueError for a span that is empty or outside of 0..length."""
    for index, (start, end) in enumerate(spans):
        if not 0 <= start < end <= length:
            raise ValueError(f"span {index} ({start} to {end}) is not within 0 to {length}")
    lanes = _lanes(spans)
    return Layout(_segments(length, spans, lanes), lanes)


def _lanes(spans: Sequence[Place]) -> list[int]:
    """The lowest free lane at each span's start; of spans that start together the longest first."""
    lanes = [0] * len(spans)
    free: list[int] = []
    busy: list[tuple[int, int]] = []  # (end, lane)
    used = 0
    for index in sorted(range(len(spans)), key=lambda i: (spans[i][0], -spans[i][1], i)):
        start, end = spans[index]
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        if not free:
            heapq.heappush(free, used)
            used += 1
        lanes[index] = heapq.heappop(free)
        heapq.heappush(busy, (end, lanes[index]))
    return lanes


def _segments(length: int, spans: Sequence[Place], lanes: Sequence[int]) -> list[Segment]:
    opening: dict[int, list[int]] = {}
    closing: dict[int, list[int]] = {}
    for index, (start, end) in enumerate(spans):
        opening.setdefault(start, []).append(index)
        closing.setdefault(end, []).append(index)
    cuts = sorted({0, length, *opening, *closing})
    over: set[int] = set()
    segments = []
    for start, end in itertools.pairwise(cuts):
        over.difference_update(closing.get(start, ()))
        over.update(opening.get(start, ()))
        segments.append(Segment(start, end, tuple(sorted(over, key=lanes.__getitem__))))
    return segments
