"""What the rating is compared with: Elo and openskill on random groups, and K-Sort's equations."""

from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.truncated import truncated

Floats = NDArray[np.float64]


class Elo:
    """A. Elo 1978: start 1000, scale 400, base 10; groups drawn evenly.

    Of a ballot of more than two every pair counts, at the ratings from before the ballot.
    """

    def __init__(self, models: int, rng: np.random.Generator, step: float) -> None:
        self.rating, self.rng, self.step = [1000.0] * models, rng, step

    def choose(self, size: int) -> list[int]:
        return _even_group(len(self.rating), size, self.rng)

    def learn(self, order: list[int]) -> None:
        before = [self.rating[one] for one in order]
        for at, winner in enumerate(order):
            for below in range(at + 1, len(order)):
                expected = 1 / (1 + 10 ** ((before[below] - before[at]) / 400))
                self.rating[winner] += self.step * (1 - expected)
                self.rating[order[below]] -= self.step * (1 - expected)

    def scores(self) -> Floats:
        return np.array(self.rating)


class OpenSkill:
    """The openskill package's Plackett-Luce model (R. C. Weng and C.-J. Lin 2011, algorithm 4).

    With its own defaults but tau = 0, for these strengths do not drift; groups drawn evenly. Raises
    ImportError where the package is not installed (the extra `benchmarks`).
    """

    def __init__(self, models: int, rng: np.random.Generator) -> None:
        from openskill.models import PlackettLuce

        self.model, self.rng = PlackettLuce(tau=0.0), rng
        self.rating = [self.model.rating() for _ in range(models)]

    def choose(self, size: int) -> list[int]:
        return _even_group(len(self.rating), size, self.rng)

    def learn(self, order: list[int]) -> None:
        found = self.model.rate([[self.rating[one]] for one in order])
        for one, (rating,) in zip(order, found, strict=True):
            self.rating[one] = rating

    def scores(self) -> Floats:
        return np.array([one.mu for one in self.rating])


def _even_group(models: int, size: int, rng: np.random.Generator) -> list[int]:
    return [int(one) for one in rng.choice(models, size, replace=False)]


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
