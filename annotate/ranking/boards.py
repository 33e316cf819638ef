"""Published strengths from all ballots: Plackett and Luce's model, as likely as can be. Pure numpy.

A ballot says which model was chosen from those that were left, place after place (R. D. Luce 1959;
R. L. Plackett 1975): P(o1 > o2 > …) = prod_k exp u_ok / sum_{l ≥ k} exp u_ol. With two models that
is Bradley and Terry's (1952). A model's utility u is its strength θ, plus style where that is taken
out: u = θ + Σ γ_f x_f (`style.py`). An order nobody asked for is summed out. Of ties there are two
models; see `likelihood.py`.

"davidson" is what boards use. Under "halves" a tie pulls two strengths together, so the more
often people tie, the closer all strengths lie: boards of two criteria, or of people and of judges,
then differ in scale for that alone. Davidson's model gives ties a parameter, and strengths are odds
among answers that decide. Both count a tie as half a win in the order that they find.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from annotate.quality import newton
from annotate.quality.intervals import t95
from annotate.quality.newton import Local
from annotate.ranking.ballots import Ballot
from annotate.ranking.likelihood import Part, Ties, Width, parts_of, scatter, total
from annotate.ranking.pairs import beaten
from annotate.ranking.table import Block, blocks_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PRIOR_SPREAD = 10.0
AT_REST = 1e-6  # steps shrink by their squares: the next one would be below 1e-11
LEAST_AUTHORS = 2


def _unheard() -> None:
    """For whoever need not hear of steps."""


@dataclass(frozen=True)
class Board:
    """Strengths in nats about their mean: e^(θ_a - θ_b) are the odds of a over b.

    covariance_NN: of the strengths about their mean, by the sandwich clustered by author.
    low_N, high_N: 95 % intervals of each strength, by Student's t with authors - 1 degrees.
    rank_N: 1 + how many lower bounds lie above one's upper bound; best_N and worst_N: the ranks
    that the intervals leave open (the spread).
    effect_F with low_F and high_F: of style, in nats for one unit of x_f. tie_D: log odds of ties
    by their size, ascending; None where ties are halves.
    """

    strength_N: Floats
    covariance_NN: Floats
    low_N: Floats
    high_N: Floats
    rank_N: Ints
    best_N: Ints
    worst_N: Ints
    effect_F: Floats
    low_F: Floats
    high_F: Floats
    tie_D: Floats
    authors: int


def fit_board(
    ballots: Sequence[Ballot],
    authors: Sequence[int],
    *,
    models: int,
    weights: Sequence[float] | None = None,
    prior_spread: float = PRIOR_SPREAD,
    ties: Ties = "davidson",
) -> Board:
    """`fit` of ballots without style. Raises ValueError for bad numbers, and as `fit`."""
    shares = np.ones(len(ballots)) if weights is None else weights
    blocks = blocks_of(ballots, authors, list(shares), models)
    return fit(blocks, models=models, prior_spread=prior_spread, ties=ties)


def fit(
    blocks: Sequence[Block],
    *,
    models: int,
    prior_spread: float = PRIOR_SPREAD,
    ties: Ties = "davidson",
    beat: Callable[[], object] = _unheard,
) -> Board:
    """Maximum a posteriori under θ, γ, log δ ~ N(0, prior_spread²), with intervals.

    Ballots of one author hang together, and authors are taken as drawn at random. With G = the sum
    over authors of s sᵀ, s an author's summed gradient, and H the negative Hessian, the covariance
    is H⁻¹ G H⁻¹ C / (C - 1) for C authors (K.-Y. Liang and S. L. Zeger 1986).

    A model beyond the largest set in which everybody has beaten everybody by some chain (L. R. Ford
    1957) has no finite estimate but for the prior, and no scatter that the sandwich could see: its
    variance is that of the posterior, if larger. Fewer than two authors: intervals are infinite.
    `beat` is called at every step.
    Raises ValueError for a prior_spread that is not above 0, NotSettled if it is so wide that
    Newton's method does not settle.
    """
    width, parts = parts_of(blocks, models, ties)
    start = np.zeros(width.total)
    if width.effects:
        # Without style ballots that say the same are one, so most of the way costs nothing.
        plain_width, plain = parts_of([one.without_style() for one in blocks], models, ties)
        near, _ = climb(plain, plain_width, prior_spread, beat=beat)
        start[:models], start[models + width.effects :] = near[:models], near[models:]
    at_P, curve_PP = climb(parts, width, prior_spread, start, beat)
    inverse_PP = np.linalg.inv(curve_PP + np.eye(width.total) / prior_spread**2)
    people, spread_PP = 0, np.zeros((width.total, width.total))
    for score_CP in scatter(parts, at_P):
        spread_PP += score_CP.T @ score_CP
    people = _authors(blocks)
    factor = people / (people - 1) if people >= LEAST_AUTHORS else 1.0
    covariance_PP = factor * inverse_PP @ spread_PP @ inverse_PP
    centre_NN = np.eye(models) - 1 / max(models, 1)
    covariance_NN = centre_NN @ covariance_PP[:models, :models] @ centre_NN
    alone_N = ~largest_circle(beaten(blocks, models))
    posterior_N = np.diagonal(centre_NN @ inverse_PP[:models, :models] @ centre_NN)
    variance_N = np.diagonal(covariance_NN).copy()
    variance_N[alone_N] = np.maximum(variance_N, posterior_N)[alone_N]
    covariance_NN[np.arange(models), np.arange(models)] = variance_N
    theta_N, effect_F, tie_D = width.parts(at_P)
    strength_N = centre_NN @ theta_N
    end = models + width.effects
    half_N = _half(variance_N, people)
    half_F = _half(np.diagonal(covariance_PP)[models:end], people)
    low_N, high_N = strength_N - half_N, strength_N + half_N
    return Board(
        strength_N,
        covariance_NN,
        low_N,
        high_N,
        *ranks(low_N, high_N),
        effect_F.copy(),
        effect_F - half_F,
        effect_F + half_F,
        tie_D.copy(),
        people,
    )


def ranks(low: ArrayLike, high: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """Published rank, best and worst rank of each, from intervals.

    The published and the best rank are 1 + how many lower bounds lie above one's upper bound; the
    worst is N - how many upper bounds lie below one's lower bound.
    """
    low_N, high_N = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    above_N = (low_N[None, :] > high_N[:, None]).sum(1)
    below_N = (high_N[None, :] < low_N[:, None]).sum(1)
    best_N = 1 + above_N
    return best_N, best_N.copy(), len(low_N) - below_N


def climb(
    parts: Sequence[Part],
    width: Width,
    prior_spread: float,
    start: Floats | None = None,
    beat: Callable[[], object] = _unheard,
) -> tuple[Floats, Floats]:
    """The maximum by Newton's method, and the negative Hessian of the likelihood.

    The log-posterior is strictly concave: choices are, and summing orders out keeps it so, for
    Gumbel's density is log-concave (A. Prékopa 1973). So there is one maximum.
    """
    if not prior_spread > 0:
        raise ValueError(f"prior_spread is {prior_spread}; give a number above 0")
    ridge = 1 / prior_spread**2
    start_P = np.zeros(width.total) if start is None else start
    # Ballots say nothing of the common level; 1 / N holds it where a wide prior hardly would.
    hold_PP = ridge * np.eye(width.total)
    hold_PP[: width.models, : width.models] += 1 / max(width.models, 1)

    def posterior(at_P: Floats) -> Local:
        beat()
        here = total(parts, at_P)
        value = here.value - 0.5 * ridge * float(at_P @ at_P)
        return Local(value, here.gradient_P - ridge * at_P, here.curve_PP + hold_PP)

    at_P, near = newton.climb(posterior, start_P, at_rest=AT_REST)
    return at_P, near.curve_PP - hold_PP


def largest_circle(beaten_NN: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Who is in the largest set where each has beaten (or tied with) each by some chain."""
    models = len(beaten_NN)
    reach_NN = beaten_NN | np.eye(models, dtype=bool)
    for through in range(models):
        reach_NN |= reach_NN[:, [through]] & reach_NN[[through], :]
    both_NN = reach_NN & reach_NN.T
    return np.asarray(both_NN[int(both_NN.sum(1).argmax())] if models else np.zeros(0, dtype=bool))


def _authors(blocks: Sequence[Block]) -> int:
    """How many gave a ballot that counts."""
    most = max((int(block.author_b.max(initial=-1)) for block in blocks), default=-1)
    seen = np.zeros(most + 1, dtype=bool)
    for block in blocks:
        seen[block.author_b[block.weight_b > 0]] = True
    return int(seen.sum())


def _half(variance: Floats, people: int) -> Floats:
    if people < LEAST_AUTHORS:
        return np.full(len(variance), np.inf)
    return t95(people - 1) * np.sqrt(np.maximum(variance, 0.0))
