"""The interface to whatever fits boosted trees. Pure: `training` registers it once it is ready."""

from collections.abc import Callable
from typing import Any

Booster = Any  # routing.predictor.trees.Booster, which needs numpy

_registered: list[Callable[[], Booster | None]] = []


def register(find: Callable[[], Booster | None]) -> None:
    """`find` gives the booster, or None on a machine that has none. Once; ValueError after that."""
    if _registered:
        raise ValueError("a booster is registered already")
    _registered.append(find)


def booster() -> Booster | None:
    """None where this machine cannot fit trees: predictions are then logistic."""
    return _registered[0]() if _registered else None
