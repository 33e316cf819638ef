"""Dawid and Skene's model: what is true of each item, and how each rater errs. Pure numpy.

A rater may be a person, or a group of people (a tier) that is taken to err alike.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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

    def labels_N(self) -> Ints:
        """[N]: the class of the highest posterior, the lowest number where several lead."""
        return np.asarray(np.argmax(self.posterior_NK, axis=1))

    def entropy_N(self) -> Floats:
        """[N]: the doubt left about each item, in bits: 0 where sure, log2(classes) at most."""
        return entropy_bits(self.posterior_NK)

    def errors_R(self) -> Floats:
        """[R]: P(label differs from the truth) of each rater over the classes as they occur."""
        return errors_of(self.confusion_RKL, self.prior_K)


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
    full_from: float = 0.0,
    gold: Mapping[int, int] | None = None,
    weight: ArrayLike | None = None,
) -> DawidSkene:
    """Expectation maximisation from the votes (item, rater, label), all counted from 0.

    `smoothing` is added to each cell of the pooled confusion; a rater's own is drawn to the
    pooled one as by `shrinkage` further votes, so that few votes make no perfect rater. With 0
    for both it is the maximum-likelihood estimate of A. P. Dawid and A. M. Skene (Applied
    Statistics 28, 1979, equations 2.3 to 2.5). Items without a vote get the prior.

    A rater with fewer labels than `full_from` is described by one coin: the chance of the truth,
    every other label alike; math.inf makes all of them so (the one-coin model of Y. Zhang, X. Chen,
    D. Zhou and M. I. Jordan, JMLR 17, 2016, arXiv:1406.3824; its chance is drawn to
    the pooled one by `shrinkage` votes). A full table wants some 50 labels a rater.

    `gold` is {item: its true class}: known, whatever the votes. `weight` [items] says how much each
    item tells of raters and classes (1 each); its own posterior does not depend on it.
    Raises ValueError for numbers out of range.
    """
    item_V, rater_V, label_V = (np.asarray(one, dtype=np.int64) for one in (item, rater, label))
    for name, values, end in (
        ("item", item_V, items), ("rater", rater_V, raters), ("label", label_V, classes),
    ):  # fmt: skip
        if values.shape != item_V.shape or (values < 0).any() or (values >= end).any():
            raise ValueError(f"{name}: votes need one number from 0 to {end - 1} each")
    known = {} if gold is None else gold
    for one, truth in known.items():
        if not (0 <= one < items and 0 <= truth < classes):
            raise ValueError(f"gold: no item {one} of {items} with class {truth} of {classes}")
    gold_G = np.array(list(known), dtype=np.int64)
    truth_GK = np.eye(classes)[np.array(list(known.values()), dtype=np.int64)]
    weight_N = np.ones(items) if weight is None else np.asarray(weight, dtype=np.float64)
    if weight_N.shape != (items,) or (weight_N < 0).any():
        raise ValueError("weight: give one number of 0 or more for each item")
    few_R = np.bincount(rater_V, minlength=raters) < full_from
    posterior_NK = first_guess(item_V, label_V, items, classes)
    posterior_NK[gold_G] = truth_GK
    voted_N = np.bincount(item_V, minlength=items) > 0
    voted_N[gold_G] = True
    block = Block(item_V, rater_V, label_V, posterior_NK, weight_N, weight_N * voted_N)
    block.gold_G, block.truth_GK = gold_G, truth_GK
    confusion_RKL, prior_K = fit(
        lambda: [block], few_R, classes=classes,
        smoothing=smoothing, shrinkage=shrinkage, iterations=iterations,
    )  # fmt: skip
    return DawidSkene(block.posterior_NK, confusion_RKL, prior_K, item_V, rater_V, label_V)


class Block:
    """Some items with all their votes: votes are (item within the block, rater, label).

    `weight_N` is what each item tells of raters, `share_N` of classes.
    """

    def __init__(
        self,
        item_V: Ints,
        rater_V: Ints,
        label_V: Ints,
        posterior_NK: Floats,
        weight_N: Floats,
        share_N: Floats,
    ) -> None:
        self.item_V, self.rater_V, self.label_V = item_V, rater_V, label_V
        self.posterior_NK, self.weight_N, self.share_N = posterior_NK, weight_N, share_N
        self.gold_G = np.zeros(0, dtype=np.int64)
        self.truth_GK = np.zeros((0, posterior_NK.shape[1]))

    def done(self) -> None:
        """`posterior_NK` has moved; what keeps blocks elsewhere writes it down."""


def first_guess(item_V: Ints, label_V: Ints, items: int, classes: int) -> Floats:
    """[N, K]: the share of each label among an item's votes."""
    votes_NK = np.bincount(item_V * classes + label_V, minlength=items * classes)
    posterior_NK = np.asarray(1e-9 + votes_NK.reshape(items, classes), dtype=np.float64)
    return np.asarray(posterior_NK / posterior_NK.sum(1, keepdims=True))


def fit(
    blocks: Callable[[], Iterable[Block]],
    few_R: Bools,
    *,
    classes: int,
    smoothing: float = 1.0,
    shrinkage: float = 10.0,
    iterations: int = 200,
) -> tuple[Floats, Floats]:
    """confusion_RKL and prior_K as `dawid_skene` has them; the blocks' posteriors move with them.

    `blocks` is gone through twice an iteration, so that they may lie in a file.
    """
    raters = len(few_R)
    for _ in range(iterations):
        shares_K, share = np.zeros(classes), 0.0
        counts_RKL = np.zeros((raters, classes, classes))
        for block in blocks():
            shares_K += block.share_N @ block.posterior_NK
            share += block.share_N.sum()
            said_V = block.rater_V * classes + block.label_V
            for one, told_N in enumerate((block.weight_N[:, None] * block.posterior_NK).T):
                told_V = told_N[block.item_V]
                counts_S = np.bincount(said_V, told_V, minlength=raters * classes)
                counts_RKL[:, one, :] += counts_S.reshape(raters, classes)
        prior_K = (shares_K + 1e-9) / (share + 1e-9 * classes)
        confusion_RKL = confusions(counts_RKL, smoothing, shrinkage, few_R)
        log_KS = np.log(confusion_RKL).transpose(1, 0, 2).reshape(classes, -1)
        change = 0.0
        for block in blocks():
            said_V = block.rater_V * classes + block.label_V
            items = len(block.posterior_NK)
            told_KN = [
                np.bincount(block.item_V, log_S[said_V], minlength=items) for log_S in log_KS
            ]
            log_NK = np.asarray(np.stack(told_KN, axis=1) + np.log(prior_K), dtype=np.float64)
            moved_NK = _normalised(log_NK)
            moved_NK[block.gold_G] = block.truth_GK
            change = max(change, np.abs(moved_NK - block.posterior_NK).max(initial=0.0))
            block.posterior_NK = moved_NK
            block.done()
        if change < 1e-7:
            break
    return confusion_RKL, prior_K


def errors_of(confusion_RKL: Floats, prior_K: Floats) -> Floats:
    """[R]: P(label differs from the truth) of each rater over the classes as they occur."""
    right_RK = np.diagonal(confusion_RKL, axis1=1, axis2=2)
    return np.asarray(1 - right_RK @ prior_K)


def entropy_bits(posterior_NK: Floats) -> Floats:
    """[N]: -sum p log2 p of each row."""
    safe_NK = np.where(posterior_NK > 0, posterior_NK, 1.0)
    return np.asarray(np.abs((safe_NK * np.log2(safe_NK)).sum(1)))


def confusions(counts_RKL: Floats, smoothing: float, shrinkage: float, few_R: Bools) -> Floats:
    """[R, K, L]: P(label | rater, class) from expected counts, as `dawid_skene` says; `few_R`
    are the raters of one coin."""
    pooled_KL = counts_RKL.sum(0) + smoothing + 1e-9
    pooled_KL /= pooled_KL.sum(1, keepdims=True)
    found_RKL = counts_RKL + shrinkage * pooled_KL + 1e-9
    found_RKL /= found_RKL.sum(2, keepdims=True)
    found_RKL[few_R] = _one_coin(counts_RKL, shrinkage, smoothing)[few_R]
    return np.asarray(found_RKL)


def _one_coin(counts_RKL: Floats, shrinkage: float, smoothing: float) -> Floats:
    """[R, K, L]: each rater's chance of the truth on the diagonal, the rest spread evenly."""
    classes = counts_RKL.shape[1]
    right_R = np.trace(counts_RKL, axis1=1, axis2=2)
    said_R = counts_RKL.sum((1, 2))
    pooled = (right_R.sum() + smoothing + 1e-9) / (said_R.sum() + classes * (smoothing + 1e-9))
    chance_R = (right_R + shrinkage * pooled + 1e-9) / (said_R + shrinkage + classes * 1e-9)
    other_R = (1 - chance_R) / max(classes - 1, 1)
    table_RKL = np.repeat(np.repeat(other_R[:, None, None], classes, 1), classes, 2)
    table_RKL[:, np.arange(classes), np.arange(classes)] = chance_R[:, None]
    return np.asarray(table_RKL)


def _normalised(log_NK: Floats) -> Floats:
    values = np.exp(log_NK - log_NK.max(1, keepdims=True))
    return np.asarray(values / values.sum(1, keepdims=True))
