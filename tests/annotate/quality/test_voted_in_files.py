"""Votes in files make what votes in memory make, in memory that does not grow with them."""

import math
import tracemalloc

import numpy as np
import pytest

from annotate.quality import voted_in_files
from annotate.quality.dawid_skene import dawid_skene
from annotate.quality.voted_in_files import Votes

RATERS, CLASSES = 7, 3


def votes_of(items: int) -> list[tuple[int, int, int]]:
    """(item, rater, label), three of each item; rater 6 says 0 of everything."""
    return [
        (item, rater, 0 if rater == 6 else (item + (rater + item) % 5 // 4) % CLASSES)
        for item in range(items)
        for rater in sorted({item % RATERS, (item + 1) % RATERS, 6})
    ]


def filled(votes: list[tuple[int, int, int]]) -> Votes:
    found, raters, last = Votes(CLASSES), {}, -1
    for item, rater, label in votes:
        if item != last:
            last = found.new_item()
        found.add(last, raters.setdefault(rater, len(raters)), label)
    return found


@pytest.mark.parametrize("full_from", [0, 50, math.inf])
def test_blocks_make_what_one_makes(monkeypatch, full_from):
    monkeypatch.setattr(voted_in_files, "ITEMS_A_BLOCK", 8)
    votes = votes_of(50)
    kept = filled(votes)
    errors_R = kept.fit(full_from)
    raters: dict[int, int] = {}
    named = [raters.setdefault(rater, len(raters)) for _, rater, _ in votes]
    items, labels = [one[0] for one in votes], [one[2] for one in votes]
    whole = dawid_skene(
        items, named, labels, items=50, raters=RATERS, classes=CLASSES, full_from=full_from
    )
    assert np.allclose(list(kept.posteriors()), whole.posterior_NK, atol=1e-9)
    assert np.allclose(errors_R, whole.errors_R(), atol=1e-9)


def test_nothing_is_no_error():
    kept = Votes(CLASSES)
    assert kept.fit(0).shape == (0,)
    assert list(kept.posteriors()) == []


def test_memory_does_not_grow_with_the_votes(monkeypatch):
    monkeypatch.setattr(voted_in_files, "ITEMS_A_BLOCK", 64)
    peaks = []
    for items in (256, 1024):
        votes = votes_of(items)
        tracemalloc.start()
        kept = filled(votes)
        kept.fit(0, iterations=2)
        assert sum(1 for _ in kept.posteriors()) == items
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
