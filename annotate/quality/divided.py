"""Items on which people are of two minds, told from items that are merely noisy. Pure numpy.

An item has one true class, and votes differ by its raters' errors; or it has two, and every vote
goes by one of them, with the same errors. Which explanation fits depends on how good the raters
are elsewhere: five against five is noise of people who often err, and two minds of people who
otherwise hardly do. So both are fitted together, or divided items would pass for people's errors.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from annotate.quality.dawid_skene import DawidSkene, confusions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Shares of the first class and their weights: Beta(2, 2) on five points.
SHARES = np.array([1, 2, 3, 4, 5]) / 6
WEIGHTS = SHARES * (1 - SHARES) / (SHARES * (1 - SHARES)).sum()
# The prior of the share of divided items, Beta(2, 10): as if one of ten had been seen to be one.
SEEN_DIVIDED, SEEN_ALL = 1.0, 10.0
UNLIKELY = 1e-3  # a chance below which an item's votes are taken to go by one class


@dataclass(frozen=True)
class Divided:
    """`model`: raters and classes with divided items told apart; `share`: how many are divided.

    `chance_N`: P(people are of two minds about the item); `log_odds_N`: natural log of the Bayes
    factor for that; 0 without votes. Two or three votes hardly move it: to tell two minds from
    noise takes more people.
    """

    model: DawidSkene
    share: float
    chance_N: Floats
    log_odds_N: Floats


def tell_divided(
    model: DawidSkene,
    *,
    gold: Collection[int] = (),
    smoothing: float = 1.0,
    shrinkage: float = 10.0,
    iterations: int = 200,
) -> Divided:
    """Expectation maximisation that goes on from a fitted model.

    One class:   sum_k p_k prod_v P(label_v | rater_v, k)
    Two classes: sum_{a<b} p_ab sum_w P(w) prod_v (w P(label_v | rater_v, a) + (1 - w) P(... | b))

    with p_ab in proportion to p_a p_b, P(w) as Beta(2, 2) and the share of divided items as
    Beta(2, 10). Items of `gold` keep the model's posterior; raters have full tables. The one truth
    is that of Dawid and Skene (1979); the comparison is a Bayes factor as in R. E. Kass and A. E.
    Raftery (JASA 90, 1995, equation 1).
    """
    items, classes = model.posterior_NK.shape
    votes_N = np.bincount(model.item_V, minlength=items)
    voted_N = votes_N > 0
    if classes < 2 or not voted_N.any():
        return Divided(model, 0.0, np.zeros(items), np.zeros(items))
    raters = len(model.confusion_RKL)
    firm_N = np.isin(np.arange(items), list(gold))
    share, chance_N = (SEEN_DIVIDED / SEEN_ALL), np.zeros(items)
    none_few_R = np.zeros(raters, dtype=bool)
    most, safe_N = votes_N.max(), np.maximum(votes_N, 1)
    alike = bool((votes_N[voted_N] == most).all())
    placed = _Placed.of(model)
    for _ in range(iterations):
        minds = _Minds.of(model, placed)
        odds_N = np.where(voted_N & ~firm_N, minds.odds_N(), 0.0)
        moved_N = np.where(voted_N & ~firm_N, _chance(odds_N, share), 0.0)
        change = float(np.abs(moved_N - chance_N).max())
        chance_N = moved_N
        one_NK = np.where(firm_N[:, None], model.posterior_NK, minds.one_NK())
        share = (chance_N[voted_N].sum() + SEEN_DIVIDED) / (voted_N.sum() + SEEN_ALL)
        told_SK = minds.told_SK(one_NK, chance_N, np.ones(items))
        counts_RKL = told_SK.reshape(raters, classes, classes).transpose(0, 2, 1)
        # Each item counts once, however many votes it has.
        once_SK = told_SK / most if alike else minds.told_SK(one_NK, chance_N, 1 / safe_N)
        prior_K = once_SK.sum(0) + 1e-9
        model = replace(
            model,
            posterior_NK=one_NK,
            confusion_RKL=confusions(counts_RKL, smoothing, shrinkage, none_few_R),
            prior_K=prior_K / prior_K.sum(),
        )
        if change < 1e-4:
            break
    return Divided(model, float(share), chance_N, odds_N)


def two_minds_odds(model: DawidSkene) -> Floats:
    """[N]: the log Bayes factor of `tell_divided` with the model's own errors; 0 without votes."""
    if len(model.prior_K) < 2:
        return np.zeros(len(model.posterior_NK))
    voted_N = np.bincount(model.item_V, minlength=len(model.posterior_NK)) > 0
    return np.where(voted_N, _Minds.of(model, _Placed.of(model)).odds_N(), 0.0)


@dataclass(frozen=True)
class _Placed:
    """Where each vote is found: `alike_V` is its cell among (rater, label), in which votes are
    alike. `order_N` are the items from most votes to fewest, and the j-th of `rounds` the cells of
    the j-th votes of all items that have so many, in that order.
    """

    alike_V: Ints
    order_N: Ints
    rounds: list[Ints]

    @classmethod
    def of(cls, model: DawidSkene) -> "_Placed":
        items, classes = model.posterior_NK.shape
        alike_V = model.rater_V * classes + model.label_V
        votes_N = np.bincount(model.item_V, minlength=items)
        order_N = np.argsort(-votes_N, kind="stable")
        sorted_V = alike_V[np.argsort(model.item_V, kind="stable")]
        starts_N = (np.cumsum(votes_N) - votes_N)[order_N]
        # How many items have more than j votes.
        there = items - np.cumsum(np.bincount(votes_N))[:-1]
        rounds = [sorted_V[starts_N[:some] + j] for j, some in enumerate(there.tolist())]
        return cls(alike_V, order_N, rounds)

    def sums_NX(self, told_SX: Floats) -> Floats:
        """[N, X]: the cells' values, summed over each item's votes in the order they came."""
        ordered_NX = np.zeros((len(self.order_N), told_SX.shape[1]))
        for cells in self.rounds:
            ordered_NX[: len(cells)] += told_SX[cells]
        found_NX = np.empty_like(ordered_NX)
        found_NX[self.order_N] = ordered_NX
        return found_NX


@dataclass(frozen=True)
class _Minds:
    """Log-likelihoods of each item: by its one class, and by pair of classes and share (X)."""

    model: DawidSkene
    placed: _Placed
    said_SK: Floats
    pairs: list[tuple[int, int]]
    log_one_NK: Floats
    log_two_NX: Floats

    @classmethod
    def of(cls, model: DawidSkene, placed: _Placed) -> "_Minds":
        classes = len(model.prior_K)
        said_SK = model.confusion_RKL.transpose(0, 2, 1).reshape(-1, classes)
        log_prior_K = np.log(model.prior_K)
        pairs = list(combinations(range(classes), 2))
        log_pair_P = np.array([log_prior_K[a] + log_prior_K[b] for a, b in pairs])
        log_pair_P -= _log_sum(log_pair_P[None, :])[0]
        mixed_SX = np.concatenate([_mixed(said_SK, a, b) for a, b in pairs], axis=1)
        two_NX = placed.sums_NX(np.log(mixed_SX))
        two_NX += np.tile(np.log(WEIGHTS), len(pairs))
        two_NX += np.repeat(log_pair_P, len(WEIGHTS))
        one_NK = placed.sums_NX(np.log(said_SK)) + log_prior_K
        return cls(model, placed, said_SK, pairs, one_NK, two_NX)

    def odds_N(self) -> Floats:
        return _log_sum(self.log_two_NX) - _log_sum(self.log_one_NK)

    def one_NK(self) -> Floats:
        """[N, K]: the posterior of the class, were there but one."""
        return np.asarray(np.exp(self.log_one_NK - _log_sum(self.log_one_NK)[:, None]))

    def told_SK(self, one_NK: Floats, chance_N: Floats, weight_N: Floats) -> Floats:
        """[S, K]: the weights of all votes of a rater with a label, by how likely each goes by
        class k. Votes that are alike are summed before they are split between two classes.
        """
        item_V, width = self.model.item_V, len(SHARES)
        maybe_N = chance_N > UNLIKELY
        some_V = maybe_N[item_V]
        item_E, alike_E = (np.cumsum(maybe_N) - 1)[item_V[some_V]], self.placed.alike_V[some_V]
        cells = len(self.said_SK)
        told_NK = (weight_N * (1 - chance_N * maybe_N))[:, None] * one_NK
        told_SK = np.empty((cells, told_NK.shape[1]))
        for place, told_N in enumerate(told_NK.T.copy()):
            told_SK[:, place] = np.bincount(self.placed.alike_V, told_N[item_V], minlength=cells)
        if not len(item_E):
            return told_SK
        log_two_NX = self.log_two_NX[maybe_N]
        two_NX = np.exp(log_two_NX - _log_sum(log_two_NX)[:, None])
        two_XN = np.ascontiguousarray((two_NX * (weight_N * chance_N)[maybe_N, None]).T)
        for place, (a, b) in enumerate(self.pairs):
            by_WS = np.stack(
                [
                    np.bincount(alike_E, one[item_E], minlength=cells)
                    for one in two_XN[place * width : (place + 1) * width]
                ]
            )
            first_SW = SHARES * self.said_SK[:, a, None] / _mixed(self.said_SK, a, b)
            first_S = np.einsum("ws,sw->s", by_WS, first_SW)
            told_SK[:, a] += first_S
            told_SK[:, b] += by_WS.sum(0) - first_S
        return told_SK


def _mixed(said_SK: Floats, a: int, b: int) -> Floats:
    return np.asarray(said_SK[:, a, None] * SHARES + said_SK[:, b, None] * (1 - SHARES))


def _chance(odds_N: Floats, prior: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds_N + np.log(prior / (1 - prior)), -700, 700))))


def _log_sum(log_NX: Floats) -> Floats:
    highest_N = log_NX.max(1)
    return np.asarray(highest_N + np.log(np.exp(log_NX - highest_N[:, None]).sum(1)))
