"""Dawid and Skene's model: what is true of each item, and how each rater errs. Pure numpy.

A rater may be a person, or a group of people (a tier) that is taken to err alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class DawidSkene:
    """`posterior_NK`: P(true class) of each item; `confusion_RKL`: P(label | rater, true class).

    `prior_K` is the share of each class. The votes are kept in the order they came.
    """

    posterior_NK: Floats
    confusion_RKL: Floats
    prior_K: Floats
    item_V: Ints
    rater_V: Ints
    label_V: Ints

    def posterior_without_VK(self) -> Floats:
        """[V, K]: the posterior of each vote's item if that vote had not been cast.

        The confusions are those of all votes, the left-out one among them.
        """
        said_VK = self.confusion_RKL[self.rater_V, :, self.label_V]
        log_VK = np.log(self.posterior_NK[self.item_V] + 1e-300) - np.log(said_VK)
        return _normalised(log_VK)

    def errors_R(self) -> Floats:
        """[R]: P(label differs from the truth) of each rater over the classes as they occur."""
        right_RK = np.diagonal(self.confusion_RKL, axis1=1, axis2=2)
        return 1 - right_RK @ self.prior_K


def dawid_skene(
    item: ArrayLike,
    rater: ArrayLike,
    label: ArrayLike,
    *,
    items: int,
    raters: int,
    classes: int,
    smoothing: float = 1.0,
    shrinkage: float = 10.0,
    iterations: int = 200,
) -> DawidSkene:
    """Expectation maximisation from the votes (item, rater, label), all counted from 0.

    `smoothing` is added to each cell of the pooled confusion; a rater's own is drawn to the
    pooled one as by `shrinkage` further votes, so that few votes make no perfect rater. With 0
    for both it is the maximum-likelihood estimate of A. P. Dawid and A. M. Skene (Applied
    Statistics 28, 1979). Items without a vote get the prior. Raises ValueError for numbers out of
    range.
    """
    item_V, rater_V, label_V = (np.asarray(one, dtype=np.int64) for one in (item, rater, label))
    for name, values, end in (
        ("item", item_V, items), ("rater", rater_V, raters), ("label", label_V, classes),
    ):  # fmt: skip
        if values.shape != item_V.shape or (values < 0).any() or (values >= end).any():
            raise ValueError(f"{name}: votes need one number from 0 to {end - 1} each")
    posterior_NK = np.full((items, classes), 1e-9)
    np.add.at(posterior_NK, (item_V, label_V), 1.0)
    posterior_NK /= posterior_NK.sum(1, keepdims=True)
    voted_N = np.bincount(item_V, minlength=items) > 0
    for _ in range(iterations):
        prior_K = (posterior_NK[voted_N].sum(0) + 1e-9) / (voted_N.sum() + 1e-9 * classes)
        counts_RKL = np.zeros((raters, classes, classes))
        for one in range(classes):
            np.add.at(counts_RKL[:, one, :], (rater_V, label_V), posterior_NK[item_V, one])
        pooled_KL = counts_RKL.sum(0) + smoothing + 1e-9
        pooled_KL /= pooled_KL.sum(1, keepdims=True)
        confusion_RKL = counts_RKL + shrinkage * pooled_KL + 1e-9
        confusion_RKL /= confusion_RKL.sum(2, keepdims=True)
        log_NK = np.tile(np.log(prior_K), (items, 1))
        np.add.at(log_NK, item_V, np.log(confusion_RKL[rater_V, :, label_V]))
        moved_NK = _normalised(log_NK)
        change = np.abs(moved_NK - posterior_NK).max(initial=0.0)
        posterior_NK = moved_NK
        if change < 1e-7:
            break
    return DawidSkene(posterior_NK, confusion_RKL, prior_K, item_V, rater_V, label_V)


def _normalised(log_NK: Floats) -> Floats:
    values = np.exp(log_NK - log_NK.max(1, keepdims=True))
    return np.asarray(values / values.sum(1, keepdims=True))
