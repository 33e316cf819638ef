"""What ballots say of every two models: who beat whom, and how often they tied. Pure numpy."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.table import Block

Ints = NDArray[np.int64]


def outcomes(blocks: Sequence[Block], models: int) -> tuple[Ints, Ints]:
    """[N, N] wins of the row over the column, and ties (the same both ways). Weights do not count.

    Of an order every two models are counted; of a group that nobody was asked to order none.
    """
    wins, ties = np.zeros(models**2, dtype=np.int64), np.zeros(models**2, dtype=np.int64)
    for block in blocks:
        for first, second, tied in _places(block):
            key = block.shown_bK[:, first] * models + block.shown_bK[:, second]
            (ties if tied else wins)[:] += np.bincount(key, minlength=models**2)
    tie_NN = ties.reshape(models, models)
    return wins.reshape(models, models), tie_NN + tie_NN.T


def votes(blocks: Sequence[Block], models: int) -> Ints:
    """[N]: how many ballots each model was in."""
    found = np.zeros(models, dtype=np.int64)
    for block in blocks:
        found += np.bincount(block.shown_bK.ravel(), minlength=models)
    return found


def beaten(blocks: Sequence[Block], models: int) -> NDArray[np.bool_]:
    """[N, N]: whether the row beat or tied with the column in a ballot that counts."""
    counted = [block.kept(block.weight_b > 0) for block in blocks]
    wins, ties = outcomes(counted, models)
    return np.asarray(wins + ties > 0)


def _places(block: Block) -> Iterator[tuple[int, int, bool]]:
    """Every two places of the form that were compared, the better first, and whether tied."""
    group_of = [at for at, size in enumerate(block.sizes) for _ in range(size)]
    for second, lower in enumerate(group_of):
        for first, upper in enumerate(group_of[:second]):
            if upper != lower or upper != block.unasked:
                yield first, second, upper == lower
