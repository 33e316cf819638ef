"""Many ballots as columns: those of one form together. Pure numpy."""

from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.ballots import Ballot
from annotate.ranking.columns import Form

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Ballots of one form.

    shown_bK: models group by group, best first; author_b: who gave each, counted from 0; weight_b:
    how much each counts; style_bKF: what is taken out of each utility (F may be 0).
    """

    sizes: tuple[int, ...]
    unasked: int | None
    shown_bK: Ints
    author_b: Ints
    weight_b: Floats
    style_bKF: Floats

    def __len__(self) -> int:
        return len(self.author_b)

    @property
    def is_tied(self) -> bool:
        """Whether some were called equal: a group of two or more that was asked about."""
        return any(size > 1 for at, size in enumerate(self.sizes) if at != self.unasked)

    def kept(self, which_b: NDArray[np.bool_] | Ints) -> "Block":
        """Those ballots alone."""
        return Block(
            self.sizes,
            self.unasked,
            self.shown_bK[which_b],
            self.author_b[which_b],
            self.weight_b[which_b],
            self.style_bKF[which_b],
        )

    def without_style(self) -> "Block":
        empty = np.zeros((*self.shown_bK.shape, 0))
        return Block(self.sizes, self.unasked, self.shown_bK, self.author_b, self.weight_b, empty)


def blocks_of(
    ballots: Sequence[Ballot], authors: Sequence[int], weights: Sequence[float], models: int
) -> list[Block]:
    """Ballots of like form together, without style. Raises ValueError for bad numbers."""
    share_B, author_B = np.asarray(weights, dtype=float), np.asarray(authors, dtype=np.int64)
    if share_B.shape != (len(ballots),) or not (share_B >= 0).all():
        raise ValueError("weights: give one number from 0 for each ballot")
    if author_B.shape != (len(ballots),) or (author_B < 0).any():
        raise ValueError("authors: give one number from 0 for each ballot")
    found: dict[Form, list[int]] = defaultdict(list)
    for at, ballot in enumerate(ballots):
        if max(ballot.models) >= models:
            raise ValueError(f"ballots: no model {max(ballot.models)}, there are {models}")
        found[tuple(len(group) for group in ballot.groups), ballot.unasked].append(at)
    blocks = []
    for (sizes, unasked), numbers in found.items():
        shown_bK = np.array([ballots[at].models for at in numbers], dtype=np.int64)
        no_style = np.zeros((*shown_bK.shape, 0))
        blocks.append(
            Block(sizes, unasked, shown_bK, author_B[numbers], share_B[numbers], no_style)
        )
    return blocks


def as_ints(values: "array[int]") -> Ints:
    """The array's numbers as numpy has them."""
    return np.array(values, dtype=np.int64)


def packed(shown_bK: Ints, models: int) -> Ints | None:
    """One number for each row of models; None where no number of 63 bits could tell them apart."""
    size = shown_bK.shape[1]
    if float(models) ** size >= 2.0**62:
        return None
    key = np.zeros(len(shown_bK), dtype=np.int64)
    for column in range(size):
        key = key * models + shown_bK[:, column]
    return key


def capped(author_b: Ints, most: float | None) -> Floats:
    """Weights by which nobody's ballots count for more than `most` together."""
    if most is None:
        return np.ones(len(author_b))
    count = np.bincount(author_b)
    return np.minimum(1.0, most / np.maximum(count, 1))[author_b]
