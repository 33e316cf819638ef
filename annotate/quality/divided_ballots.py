"""Items whose rankings come from people of two minds, told from rankings that merely vary.

Plackett-Luce takes a two options' even split for a pair of equals, so two minds show only among
three options or more: half of the people put one order, half another, and few what lies between.
For pairs, divided.py has the errors that people make elsewhere to compare with. Pure numpy.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from annotate.quality.ballots import AnnotatorPlackettLuce, Stages, step

Floats = NDArray[np.float64]
LEAST_BALLOTS, LEAST_OPTIONS = 4, 3
STEPS = 60
MOST_STARTS = 4


@dataclass(frozen=True)
class TwoOrders:
    """One item: `log_odds`, natural log of the evidence for two orders over that for one; 0 where
    it has too few ballots or options to tell. `orders`: both, best first; `share` of the first.
    """

    log_odds: float
    orders: tuple[tuple[int, ...], tuple[int, ...]]
    share: float

    def divided(self, *, prior: float = 0.1) -> float:
        """P(people are of two minds), with that share of such items before any ballot."""
        return float(1 / (1 + np.exp(-np.clip(self.log_odds, -700, 700)) * (1 - prior) / prior))


def two_orders(model: AnnotatorPlackettLuce, rows: NDArray[np.int64]) -> TwoOrders:
    """Compare one order with two for the ballots `rows` of one item, raters' trust as fitted.

    One:  prod_b (eta PL(b | theta) + (1 - eta) / K!)
    Two:  prod_b (eta (w PL(b | theta') + (1 - w) PL(b | theta'')) + (1 - eta) / K!)

    each at its mode, found by expectation maximisation from the ballots that differ most; compared
    by G. Schwarz's approximation of the Bayes factor (Annals of Statistics 6, 1978): the
    difference of the log-likelihoods less half of log(ballots) for each of the K parameters more.
    A mixture of Plackett-Luce as in I. C. Gormley and T. B. Murphy (JASA 103, 2008).
    """
    stages = model.stages.take(rows)
    shown = np.unique(stages.option_BK[stages.shown_BK])
    place_O = np.zeros(len(model.theta_O), dtype=np.int64)
    place_O[shown] = np.arange(len(shown))
    local = Stages(
        place_O[stages.option_BK], stages.shown_BK, stages.choices_B, stages.rater_B
    )  # fmt: skip
    trust_B = model.trust_R[local.rater_B]
    _, log_one, first = _fit(local, trust_B, np.ones((1, len(rows))))
    best = (np.array([1.0]), log_one, np.tile(first, (2, 1)))
    if len(rows) < LEAST_BALLOTS or len(shown) < LEAST_OPTIONS:
        return TwoOrders(0.0, _orders(best[2], shown), 1.0)
    found = max((_fit(local, trust_B, start) for start in _starts(local)), key=lambda one: one[1])
    more = len(shown) * np.log(len(rows)) / 2
    return TwoOrders(float(found[1] - log_one - more), _orders(found[2], shown), float(found[0][0]))


def _fit(stages: Stages, trust_B: Floats, start_MB: Floats) -> tuple[Floats, float, Floats]:
    """Shares [M], log-likelihood and log strengths [M, O] of as many orders as start has rows."""
    minds, options = len(start_MB), int(stages.option_BK.max()) + 1
    theta_MO, mine_MB = np.zeros((minds, options)), start_MB
    for _ in range(STEPS):
        share_M = (mine_MB.sum(1) + 1) / (mine_MB.sum() + minds)
        theta_MO = np.stack(
            [step(stages, theta, mine) for theta, mine in zip(theta_MO, mine_MB, strict=True)]
        )
        p_MB = np.stack([np.exp(stages.log_p_B(theta)) for theta in theta_MO])
        by_mind_MB = trust_B * share_M[:, None] * p_MB
        total_B = by_mind_MB.sum(0) + (1 - trust_B) * np.exp(stages.log_chance_B)
        mine_MB = by_mind_MB / total_B
    return share_M, float(np.log(total_B).sum()), theta_MO


def _starts(stages: Stages) -> list[Floats]:
    """Ballots dealt out to the nearer of two of them, for the pairs of ballots that differ most."""
    size = len(stages.option_BK)
    options = int(stages.option_BK.max()) + 1
    rank_BO = np.full((size, options), np.nan)
    for row in range(size):
        shown = stages.option_BK[row, stages.shown_BK[row]]
        rank_BO[row, shown] = np.minimum(np.arange(len(shown)), stages.choices_B[row])
    apart_BB = np.zeros((size, size))
    for i, j in combinations(range(options), 2):
        side_B = np.nan_to_num(np.sign(rank_BO[:, i] - rank_BO[:, j]))
        apart_BB += side_B[:, None] * side_B[None, :] < 0
    pairs = sorted(combinations(range(size), 2), key=lambda pair: -apart_BB[pair])
    return [
        np.stack([near, 1 - near])
        for a, b in pairs[:MOST_STARTS]
        for near in [0.5 + 0.4 * np.sign(apart_BB[b] - apart_BB[a])]
    ]


def _orders(theta_MO: Floats, shown: NDArray[np.int64]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    first, second = (tuple(shown[np.argsort(-theta)].tolist()) for theta in theta_MO)
    return first, second
