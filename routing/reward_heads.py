"""The interface to small reward models: a linear head on embeddings, trained in a moment.

Pure: no Django and no training library here. `training` registers the heads that it has when its
app is ready, so a policy is fitted with the very heads that reward models are trained with.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from annotate.wording import Refusal

Array = Any  # numpy's; this module is imported where numpy is not wanted


class NoHeads(Refusal):
    """No reward models can be trained in this installation; says why."""


@dataclass(frozen=True)
class Heads:
    """`fit(gap_ND, target_N, weight_N, l2)` gives the coefficients [D] of a Bradley-Terry model:
    target_N is P(first better), gap_ND the embedding of the first response minus the second's.
    `choose_l2(gap_ND, target_N, weight_N, groups, seed)`: the strength of the prior with the lowest
    log-loss on folds without the row's group (prompt).
    """

    fit: Callable[[Array, Array, Array, float], Array]
    choose_l2: Callable[[Array, Array, Array, Sequence[int], int], float]


_registered: list[Heads] = []


def register(heads: Heads) -> None:
    """Once. Raises ValueError for second ones."""
    if _registered:
        raise ValueError("heads of reward models are registered already")
    _registered.append(heads)


def heads() -> Heads:
    """Raises NoHeads where there are none."""
    if not _registered:
        raise NoHeads("This installation trains no reward models: the app `training` is missing.")
    return _registered[0]
