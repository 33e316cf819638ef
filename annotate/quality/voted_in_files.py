"""Dawid and Skene's model of more votes than memory should hold: they lie in temporary files.

What stays in memory is a block of items with their votes, and a table of each rater.
"""

import tempfile
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np

from annotate.quality.dawid_skene import Block, Floats, errors_of, first_guess, fit

VOTE = np.dtype([("item", "<i8"), ("rater", "<i4"), ("label", "i1")])
ITEMS_A_BLOCK = 1 << 14


class Votes:
    """Votes as they come: all of one item before the next, items counted from 0."""

    def __init__(self, classes: int) -> None:
        self.items = 0
        self._classes = classes
        self._counts_R = array("q")
        # Closed, and so removed, with whoever reads the posteriors.
        self._votes = tempfile.TemporaryFile()  # noqa: SIM115
        self._posteriors = tempfile.TemporaryFile()  # noqa: SIM115
        self._ends = [0]  # of each block, in votes
        self._waiting: list[tuple[int, int, int]] = []

    def new_item(self) -> int:
        """The item that votes are of from now on."""
        if self.items % ITEMS_A_BLOCK == 0 and self.items:
            self._flush()
        self.items += 1
        return self.items - 1

    def add(self, item: int, rater: int, label: int) -> None:
        """Of one of the items of the last block. Raters are counted from 0 as they come."""
        if rater == len(self._counts_R):
            self._counts_R.append(0)
        self._counts_R[rater] += 1
        self._waiting.append((item, rater, label))

    def _flush(self) -> None:
        votes_V = np.array(self._waiting, dtype=VOTE)
        self._waiting.clear()
        self._votes.seek(0, 2)
        self._votes.write(votes_V.tobytes())
        self._ends.append(self._ends[-1] + len(votes_V))
        first = ITEMS_A_BLOCK * (len(self._ends) - 2)
        items = min(ITEMS_A_BLOCK, self.items - first)
        guess_NK = first_guess(votes_V["item"] - first, votes_V["label"], items, self._classes)
        self._posteriors.seek(0, 2)
        self._posteriors.write(guess_NK.tobytes())

    def fit(self, full_from: float, iterations: int = 200) -> Floats:
        """[R]: how often each rater errs. The posteriors are read by `posteriors` from then on."""
        if self._waiting:
            self._flush()
        few_R = np.array(self._counts_R, dtype=np.int64) < full_from
        return errors_of(*fit(self._blocks, few_R, classes=self._classes, iterations=iterations))

    def weigh(self, weight_R: Floats) -> None:
        """Put the odds of a weighted vote in the place of the posteriors."""
        for block in self._blocks():
            items = len(block.posterior_NK)
            score_NK = np.bincount(
                block.item_V * self._classes + block.label_V,
                weight_R[block.rater_V],
                minlength=items * self._classes,
            ).reshape(items, self._classes)
            odds_NK = np.exp(score_NK - score_NK.max(1, keepdims=True, initial=0.0))
            block.posterior_NK = odds_NK / odds_NK.sum(1, keepdims=True)
            block.done()

    def posteriors(self) -> Iterator[Floats]:
        """[K] of each item, in order."""
        for number in range(len(self._ends) - 1):
            yield from self._posterior(number)

    def _blocks(self) -> Iterator[Block]:
        for number in range(len(self._ends) - 1):
            yield _Kept(self, number)

    def _read(self, number: int) -> Any:
        begin, end = self._ends[number : number + 2]
        self._votes.seek(begin * VOTE.itemsize)
        return np.frombuffer(self._votes.read((end - begin) * VOTE.itemsize), dtype=VOTE)

    def _posterior(self, number: int) -> Floats:
        self._posteriors.seek(number * ITEMS_A_BLOCK * self._classes * 8)
        data = self._posteriors.read(ITEMS_A_BLOCK * self._classes * 8)
        return np.frombuffer(data, dtype=np.float64).reshape(-1, self._classes)

    def _write(self, number: int, posterior_NK: Floats) -> None:
        self._posteriors.seek(number * ITEMS_A_BLOCK * self._classes * 8)
        self._posteriors.write(posterior_NK.tobytes())


class _Kept(Block):
    def __init__(self, votes: Votes, number: int) -> None:
        self._of, self._number = votes, number
        found_V, posterior_NK = votes._read(number), votes._posterior(number)
        one_N = np.ones(len(posterior_NK))
        super().__init__(
            found_V["item"] - number * ITEMS_A_BLOCK,
            found_V["rater"].astype(np.int64),
            found_V["label"].astype(np.int64),
            posterior_NK,
            one_N,
            one_N,
        )

    def done(self) -> None:
        self._of._write(self._number, self.posterior_NK)
