"""What every objective answers to, and the examples it is asked about."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from training.data.judged import JudgedRow
from training.data.lists import RankedList
from training.data.pairs import PairSplits, PreferencePair
from training.recipes.config import RewardModelConfig
from training.recipes.heads.base import Head
from training.recipes.heads.features import Features

Item = TypeVar("Item", PreferencePair, RankedList, JudgedRow)


@dataclass(frozen=True)
class Examples(Generic[Item]):
    """`pairs`: what the figures of preferences are computed on; None where there are none."""

    train: list[Item]
    test: list[Item]
    pairs: PairSplits | None
    fingerprint: str
    dropped: dict[str, int]


class Objective(ABC, Generic[Item]):
    """One way to learn. `fit` is called for several strengths of the prior, then once for all."""

    def __init__(self, config: RewardModelConfig) -> None:
        self.config = config

    @abstractmethod
    def read(self, folder: Path) -> Examples[Item]:
        """Raises DatasetError, also when nothing is there to learn from."""

    @abstractmethod
    def fit(self, items: Sequence[Item], features: Features, l2: float) -> Head:
        """The head of these items."""

    @abstractmethod
    def loss(self, head: Any, items: Sequence[Item], features: Features) -> float:
        """Mean loss of items that the head was not fitted to; the lower the better."""

    def pairs_of(self, items: Sequence[Item]) -> list[PreferencePair]:
        """The preferences in the items, for the temperature."""
        return []

    def figures(self, head: Any, test: Sequence[Item], features: Features) -> dict[str, Any]:
        """What is reported of the test items beside the figures of preferences."""
        return {}

    def test_pairs(self, examples: Examples[Item]) -> Sequence[PreferencePair]:
        """The held-out preferences, ties too, that the promotion gate looks at."""
        return examples.pairs.test if examples.pairs is not None else []

    def decisions(
        self, head: Any, test: Sequence[Item], features: Features
    ) -> Iterator[dict[str, Any]]:
        """Held-out rows for the gate that are no preferences: see training/recipes/scored.py."""
        return iter(())
