"""Where single people differ from all in what they choose by. Pure numpy.

Beside the effects γ that hold for all, person p has deviations δ_pf ~ N(0, τ_f²), each factor
reckoned on its own. One step of Newton's method from γ gives δ_pf = g / h with variance 1 / h: g is
the sum of the scores of p's ballots, h the sum of their squares (E. K. Berndt and others 1974). The
variance τ_f² is by moments (R. DerSimonian and N. Laird 1986), and what is shown of a person is
drawn together by it: g / (h + 1 / τ²). The fewer ballots somebody gave, the closer they come out
to all.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotate.factors.table import Votes
from annotate.quality.intervals import Z95
from annotate.ranking.boards import PRIOR_SPREAD, climb
from annotate.ranking.likelihood import Ties, parts_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_BALLOTS = 20
LEAST_PEOPLE = 3


@dataclass(frozen=True)
class People:
    """Of those with LEAST_BALLOTS and more. deviation_AF with half_AF, the half of its 95 %
    interval; spread_F: τ; p_F: how likely so much spread is among people who are all alike.
    """

    author_A: Ints
    ballots_A: Ints
    deviation_AF: Floats
    half_AF: Floats
    spread_F: Floats
    p_F: Floats


def people_of(votes: Sequence[Votes], ties: Ties, *, beat: Callable[[], object]) -> People | None:
    """None for fewer than LEAST_PEOPLE who gave enough ballots."""
    blocks = [one.block for one in votes if len(one)]
    authors = [np.zeros(0, dtype=np.int64), *(block.author_b for block in blocks)]
    ballots = np.bincount(np.concatenate(authors))
    author_A = np.flatnonzero(ballots >= LEAST_BALLOTS)
    if len(author_A) < LEAST_PEOPLE:
        return None
    blocks = [replace(block, shown_bK=np.zeros_like(block.shown_bK)) for block in blocks]
    width, parts = parts_of(blocks, 1, ties)
    at_P, _ = climb(parts, width, PRIOR_SPREAD, beat=beat)
    gradient_FC = np.zeros((width.effects, len(ballots)))
    square_FC = np.zeros((width.effects, len(ballots)))
    for part in parts:
        scores = part.scores(at_P)
        for at, value_b in scores.entries:
            factor = (at if isinstance(at, int) else int(at[0])) - width.models
            if 0 <= factor < width.effects:
                for sums, power in ((gradient_FC, 1), (square_FC, 2)):
                    sums[factor] += np.bincount(scores.author_b, value_b**power, len(ballots))
    gradient_AF, square_AF = gradient_FC.T[author_A], square_FC.T[author_A]
    spread_F, p_F = np.zeros(width.effects), np.ones(width.effects)
    for factor in range(width.effects):
        spread_F[factor], p_F[factor] = _spread(gradient_AF[:, factor], square_AF[:, factor])
    with np.errstate(divide="ignore"):
        tight_AF = square_AF + 1 / spread_F**2
    return People(
        author_A,
        ballots[author_A],
        gradient_AF / tight_AF,
        Z95 / np.sqrt(tight_AF),
        spread_F,
        p_F,
    )


def _spread(gradient_A: Floats, square_A: Floats) -> tuple[float, float]:
    """τ by moments, and the chance of Cochran's Q were it 0."""
    seen = square_A > 0
    weight_A, deviation_A = square_A[seen], gradient_A[seen] / square_A[seen]
    degrees = int(seen.sum()) - 1
    if degrees < 1:
        return 0.0, 1.0
    mean = float(weight_A @ deviation_A / weight_A.sum())
    q = float(weight_A @ (deviation_A - mean) ** 2)
    scale = float(weight_A.sum() - weight_A @ weight_A / weight_A.sum())
    tau = math.sqrt(max(0.0, (q - degrees) / scale)) if scale > 0 else 0.0
    return tau, _above(q, degrees)


def _above(q: float, degrees: int) -> float:
    """The chance of a χ² above q, by E. B. Wilson and M. M. Hilferty (1931)."""
    share = 2 / (9 * degrees)
    z = ((q / degrees) ** (1 / 3) - 1 + share) / math.sqrt(share)
    return 0.5 * math.erfc(z / math.sqrt(2))
