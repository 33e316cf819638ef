"""What the rating is compared with: Elo on random pairs, and K-Sort's own equations."""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.truncated import truncated

Floats = NDArray[np.float64]


class Elo:
    """A. Elo 1978: start 1000, scale 400, base 10; pairs drawn evenly."""

    def __init__(self, models: int, rng: np.random.Generator, step: float) -> None:
        self.rating, self.rng, self.step = [1000.0] * models, rng, step

    def choose(self, size: int) -> list[int]:
        first, second = self.rng.integers(len(self.rating)), self.rng.integers(len(self.rating) - 1)
        return [int(first), int(second + (second >= first))]

    def learn(self, order: list[int]) -> None:
        winner, loser = order
        expected = 1 / (1 + 10 ** ((self.rating[loser] - self.rating[winner]) / 400))
        self.rating[winner] += self.step * (1 - expected)
        self.rating[loser] -= self.step * (1 - expected)

    def scores(self) -> Floats:
        return np.array(self.rating)


class KSort:
    """Y. Li et al. 2024 (arXiv:2408.14468), section 3: K-wise update over all pairs, UCB matching.

    mu_i += s_i^2 sum_q +-V(t_iq) / c_iq, s_i^2 *= max(1 - s_i^2 sum_q W(t_iq) / c_iq^2, kappa) with
    c_iq^2 = 2 beta^2 + s_i^2 + s_q^2 (R. C. Weng and C.-J. Lin 2011, algorithm 3, without draws).
    The pivot has been compared least; the others have the largest
    U = -|S_i - S_q| + sqrt(ln n / n_iq), S = mu - 3 s. With s = 1 and beta = 1/2 to begin with,
    which of the scales tried comes nearest to the paper's 716 ballots.
    """

    def __init__(self, models: int, rng: np.random.Generator, beta: float = 0.5) -> None:
        self.mu, self.variance = np.zeros(models), np.ones(models)
        self.beta, self.kappa = beta, 1e-4
        self.met, self.rng, self.count = np.zeros((models, models)), rng, 0

    def choose(self, size: int) -> list[int]:
        models = len(self.mu)
        jitter = self.rng.random(models) * 1e-6
        pivot = int(np.argmin(self.met.sum(1) + jitter))
        score = self.mu - 3 * np.sqrt(self.variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            seldom = np.sqrt(log(max(self.count, 2)) / self.met[pivot])
        upper = -np.abs(score - score[pivot]) + seldom
        order = np.lexsort((jitter, np.abs(score - score[pivot]), -upper))
        return [pivot, *(int(one) for one in order if one != pivot)][:size]

    def learn(self, order: list[int]) -> None:
        self.count += 1
        mu, variance = self.mu[order], self.variance[order]
        move, cut = np.zeros(len(order)), np.zeros(len(order))
        for at in range(len(order)):
            for below in range(at + 1, len(order)):
                c = sqrt(2 * self.beta**2 + variance[at] + variance[below])
                v, rest, _ = truncated(np.array([(mu[at] - mu[below]) / c]))
                move[at] += v[0] / c
                move[below] -= v[0] / c
                cut[[at, below]] += (1 - rest[0]) / c**2
                self.met[order[at], order[below]] += 1
                self.met[order[below], order[at]] += 1
        self.mu[order] = mu + variance * move
        self.variance[order] = variance * np.maximum(1 - variance * cut, self.kappa)

    def scores(self) -> Floats:
        return np.array(self.mu)
