"""What people may still be asked within a window: a share of its instances, or money."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Budget:
    """`limit` and `spent` in the unit of `price`, the price of one label by tier.

    A share of the instances is a limit in labels at a price of 1. `to_come`: how many instances of
    the window are still to be decided, the next batch among them; None if that batch is all.
    """

    limit: float
    price: tuple[float, ...] = (1.0,)
    spent: float = 0.0
    to_come: int | None = None

    def __post_init__(self) -> None:
        if self.limit < 0:
            raise ValueError(f"budget: the limit is {self.limit}, it must be 0 or more")
        if not self.price or min(self.price) <= 0:
            raise ValueError(f"budget: every tier's label needs a price above 0, got {self.price}")

    @classmethod
    def of_share(cls, share: float, instances: int, *, tiers: int = 1) -> "Budget":
        """Labels for `share` (0..1) of the window's instances."""
        if not 0 <= share <= 1:
            raise ValueError(f"budget: the share is {share}, it must be from 0 to 1")
        labels = int(share * instances + 1e-9)
        return cls(float(labels), (1.0,) * tiers, 0.0, instances)

    @classmethod
    def of_money(cls, limit: float, prices: Sequence[float], instances: int) -> "Budget":
        """`limit` in the currency of `prices`, for a window of `instances`."""
        return cls(limit, tuple(prices), 0.0, instances)

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.spent)

    def after(self, *, cost: float, instances: int) -> "Budget":
        """The budget once a batch was decided. Raises ValueError if it cost more than was left."""
        if cost > self.left + 1e-6:
            raise ValueError(f"budget: a batch cost {cost}, and {self.left} was left")
        to_come = None if self.to_come is None else max(0, self.to_come - instances)
        return replace(self, spent=self.spent + cost, to_come=to_come)
