"""Boosted trees as plain arrays: their prediction, and what each column adds to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from routing.predictor.logistic import folds_of

Floats = NDArray[np.float64]
LEAF = -1
FOLDS = 5


@dataclass(frozen=True)
class Tree:
    """Nodes by number, the root first. feature [K]: the column that a node asks for, or LEAF.
    Rows whose value is at most `threshold` go left. value [K]: the mean of the leaves below.
    """

    feature_K: NDArray[np.int64]
    threshold_K: Floats
    left_K: NDArray[np.int64]
    right_K: NDArray[np.int64]
    value_K: Floats


@dataclass(frozen=True)
class Trees:
    """logit = base + the sum of the leaves' values."""

    base: float
    trees: tuple[Tree, ...]

    def logit(self, x_NC: Floats) -> Floats:
        return np.asarray(self.explain(x_NC)[0])

    def explain(self, x_NC: Floats) -> tuple[Floats, Floats]:
        """(logit [N], what each column adds to it [N, C]): on its way down, a row's change of the
        mean at each node is the asked column's. What remains is the same for all rows.
        """
        rows = np.arange(len(x_NC))
        x32_NC = np.asarray(x_NC, dtype=np.float32)  # as the trees were fitted
        logit_N, parts_NC = np.full(len(x_NC), self.base), np.zeros(x_NC.shape)
        for tree in self.trees:
            node_N = np.zeros(len(x_NC), dtype=np.int64)
            while (inner := tree.feature_K[node_N] != LEAF).any():
                at, asked = node_N[inner], tree.feature_K[node_N[inner]]
                left = x32_NC[rows[inner], asked] <= tree.threshold_K[at]
                below = np.where(left, tree.left_K[at], tree.right_K[at])
                parts_NC[rows[inner], asked] += tree.value_K[below] - tree.value_K[at]
                node_N[inner] = below
            logit_N += tree.value_K[node_N]
        return logit_N, parts_NC

    def to_json(self) -> dict[str, Any]:
        trees = [
            {name: value.tolist() for name, value in one.__dict__.items()} for one in self.trees
        ]
        return {"base": self.base, "trees": trees}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Trees":
        trees = tuple(
            Tree(
                np.array(one["feature_K"], dtype=np.int64),
                np.array(one["threshold_K"], dtype=np.float64),
                np.array(one["left_K"], dtype=np.int64),
                np.array(one["right_K"], dtype=np.int64),
                np.array(one["value_K"], dtype=np.float64),
            )
            for one in stored["trees"]
        )
        return cls(stored["base"], trees)


Booster = Callable[[Floats, Floats, Floats, int], Trees]
"""(x [N, C], target [N] in 0..1, weight [N], seed) -> trees."""


def held_out_logits(
    x_NC: Floats, target_N: Floats, weight_N: Floats, groups: Any, *, boost: Booster, seed: int
) -> Floats:
    """[N]: each row's logit from trees that never saw its group; the folds of `choose_logistic`."""
    fold_N = folds_of(groups, FOLDS, seed)
    found = np.zeros(len(target_N))
    for fold in range(FOLDS):
        inside = fold_N == fold
        if inside.any() and not inside.all():
            fitted = boost(x_NC[~inside], target_N[~inside], weight_N[~inside], seed)
            found[inside] = fitted.logit(x_NC[inside])
    return found


def log_losses(logit_N: Floats, target_N: Floats) -> Floats:
    """[N] nats; linear in the target, which may lie outside 0..1 where it is an unbiased guess."""
    forward, backward = np.logaddexp(0.0, -logit_N), np.logaddexp(0.0, logit_N)
    return np.asarray(target_N * forward + (1 - target_N) * backward)


def is_clearly_less(
    first_N: Floats, second_N: Floats, weight_N: Floats, groups: Sequence[Any] | NDArray[Any]
) -> bool:
    """Whether the weighted mean of the first lies below that of the second by more than one
    standard error of the difference over groups.
    """
    apart_N = first_N - second_N
    mean = float(weight_N @ apart_N / weight_N.sum())
    _, which_N = np.unique(np.asarray(groups), return_inverse=True)
    sums_G = np.bincount(which_N, weights=weight_N * (apart_N - mean))
    error = float(np.sqrt(sums_G @ sums_G) / weight_N.sum())
    return mean < -error
