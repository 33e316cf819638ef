"""Pairwise boards as others publish them: Bradley and Terry's model, and Elo. Pure numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.ballots import Ballot
from annotate.ranking.boards import climb
from annotate.ranking.likelihood import parts_of
from annotate.ranking.table import blocks_of

Floats = NDArray[np.float64]

FLAT = 1e5  # a prior so wide that it moves no strength by more than 1e-10


def bradley_terry(pairs: Sequence[tuple[int, int, float]], *, models: int) -> Floats:
    """Shares of strength that sum to 1, from (first, second, share of the win that is the first's).

    A win is 1, a tie 1/2 (R. A. Bradley and M. E. Terry 1952; P(a over b) = p_a / (p_a + p_b)). Of
    maximum likelihood, so a model that always won or lost is pushed to the edge of the prior FLAT.
    Raises ValueError for a share that is not from 0 to 1.
    """
    cells: dict[tuple[int, int], float] = {}
    for first, second, share in pairs:
        if not 0 <= share <= 1:
            raise ValueError(f"pairs: the first's share is {share}; give 0 to 1")
        for winner, loser, part in ((first, second, share), (second, first, 1 - share)):
            cells[winner, loser] = cells.get((winner, loser), 0.0) + part
    kept = [(pair, weight) for pair, weight in cells.items() if weight > 0]
    ballots = [Ballot.ranking(*pair) for pair, _ in kept]
    blocks = blocks_of(ballots, [0] * len(kept), [weight for _, weight in kept], models)
    width, parts = parts_of(blocks, models, "halves")
    theta_N, _ = climb(parts, width, FLAT)
    shares_N = np.exp(theta_N - theta_N.max(initial=-np.inf))
    return np.asarray(shares_N / shares_N.sum())


def elo(
    pairs: Sequence[tuple[int, int, float]],
    *,
    models: int,
    step: float = 4.0,
    start: float = 1000.0,
    scale: float = 400.0,
) -> Floats:
    """Ratings after (first, second, the first's share of the win) in this order (A. Elo 1978).

    R_a += step (share - 1 / (1 + 10^((R_b - R_a) / scale))), and R_b loses as much. It depends on
    the order of the pairs and forgets: shown beside a board, never for it.
    """
    rating_N = [start] * models
    for first, second, share in pairs:
        expected = 1 / (1 + 10 ** ((rating_N[second] - rating_N[first]) / scale))
        rating_N[first] += step * (share - expected)
        rating_N[second] -= step * (share - expected)
    return np.array(rating_N)
