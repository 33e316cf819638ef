"""Win rates with the length taken out, after AlpacaEval 2. Pure numpy.

Y. Dubois, B. Galambosi, P. Liang and T. Hashimoto 2024 (arXiv:2404.04475): logit P(a > b) =
θ_a - θ_b + φ tanh(Δ / σ), Δ the difference in characters and σ its standard deviation; the rate is
what the model says at Δ = 0. There one model at a time meets one baseline on the same prompts. Here
all meet all, so φ is one for all models, and the rate is the expected share of the win against
every other model, met equally often, a tie being half. There is no term for the prompt's
difficulty: most prompts of a board have too few votes to tell one. An order of K has the mean of
tanh over the K responses at each, which is half the paper's term at either of two.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.quality.intervals import t95
from annotate.ranking.boards import LEAST_AUTHORS, Board

Floats = NDArray[np.float64]


def spread_of(lengths: Sequence[Floats]) -> float:
    """σ: the root mean square of the differences between every two of a ballot, [b, K] characters
    each; a ballot counts once, however long. 0 where nothing differs.
    """
    total, count = 0.0, 0
    for length_bK in lengths:
        size = length_bK.shape[1]
        apart_bK = length_bK - length_bK.mean(1, keepdims=True)
        total += 2 * float((apart_bK**2).sum()) / (size - 1)
        count += len(length_bK)
    return math.sqrt(total / count) if count else 0.0


def length_term(length_bK: Floats, spread: float) -> Floats:
    """[b, K]: each response's share of tanh(Δ / σ); of two their difference is just that."""
    if not spread:
        return np.zeros_like(length_bK)
    apart_bKK = (length_bK[:, :, None] - length_bK[:, None, :]) / spread
    return np.asarray(np.tanh(apart_bKK).sum(2) / length_bK.shape[1])


def rates(board: Board) -> tuple[Floats, Floats, Floats]:
    """[N] expected shares of the win against all others, with 95 % intervals by the delta method on
    the logit; NaN for a model without others, ends NaN where fewer than two authors voted.
    """
    models = len(board.strength_N)
    empty = np.full(models, np.nan)
    if models < 2:
        return empty, empty, empty
    # Beyond 30 nats the share is 1 for any double, and its slope 0.
    half_NN = (board.strength_N[:, None] - board.strength_N[None, :]).clip(-30, 30) / 2
    tie = math.exp(board.tie_D[0]) if len(board.tie_D) else 0.0
    up_NN, down_NN = np.exp(half_NN), np.exp(-half_NN)
    whole_NN = up_NN + down_NN + tie
    share_NN = (up_NN + tie / 2) / whole_NN
    slope_NN = (up_NN / 2) / whole_NN - share_NN * (up_NN - down_NN) / 2 / whole_NN
    np.fill_diagonal(share_NN, 0.0)
    np.fill_diagonal(slope_NN, 0.0)
    rate_N = share_NN.sum(1) / (models - 1)
    if board.authors < LEAST_AUTHORS:
        return rate_N, empty, empty
    gradient_NN = (np.diag(slope_NN.sum(1)) - slope_NN) / (models - 1)
    variance_N = np.einsum("ni,ij,nj->n", gradient_NN, board.covariance_NN, gradient_NN)
    inside_N = np.clip(rate_N, 1e-12, 1 - 1e-12)
    logit_N = np.log(inside_N / (1 - inside_N))
    spread_N = np.sqrt(np.maximum(variance_N, 0.0)) / (inside_N * (1 - inside_N))
    reach_N = np.minimum(t95(board.authors - 1) * spread_N, 50.0)
    return rate_N, _logistic(logit_N - reach_N), _logistic(logit_N + reach_N)


def _logistic(value_N: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value_N)))
