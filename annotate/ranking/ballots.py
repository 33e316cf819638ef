"""Ballots: what one person said about a few models, as groups from best to worst. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import factorial, prod


@dataclass(frozen=True)
class Ballot:
    """Models, counted from 0, in groups from best to worst.

    The models of one group were called equal; in the group numbered `unasked` nobody was asked
    for an order. Raises ValueError for an empty group, a model that comes twice, fewer than two
    models, or an `unasked` that is no group's number.
    """

    groups: tuple[tuple[int, ...], ...]
    unasked: int | None = None

    def __post_init__(self) -> None:
        models = self.models
        if len(models) < 2:
            raise ValueError(f"groups: a ballot needs two models, got {len(models)}")
        if any(not group for group in self.groups):
            raise ValueError("groups: a group is empty; leave it out")
        if len(set(models)) < len(models):
            raise ValueError(f"groups: a model comes twice in {models}; name each once")
        if min(models) < 0:
            raise ValueError(f"groups: models are counted from 0, got {min(models)}")
        if self.unasked is not None and not 0 <= self.unasked < len(self.groups):
            raise ValueError(f"unasked: {self.unasked} is none of {len(self.groups)} groups")

    @classmethod
    def ranking(cls, *groups: int | Iterable[int]) -> "Ballot":
        """From best to worst; a number alone is a group of one, several in one group are tied."""
        return cls(tuple((one,) if isinstance(one, int) else tuple(one) for one in groups))

    @classmethod
    def best(cls, best: int, others: Sequence[int]) -> "Ballot":
        """The best alone was asked for."""
        return cls(((best,), tuple(others)), unasked=1)

    @classmethod
    def best_worst(cls, best: int, others: Sequence[int], worst: int) -> "Ballot":
        """The best and the worst were asked for; `others`, which may be none, lie between."""
        if not others:
            return cls(((best,), (worst,)))
        return cls(((best,), tuple(others), (worst,)), unasked=1)

    @property
    def models(self) -> tuple[int, ...]:
        """All of them, best group first."""
        return tuple(model for group in self.groups for model in group)

    def constraints(self) -> list[tuple[int, int]]:
        """(better, worse) as positions in `models`: enough pairs to imply every other.

        Each model of a group beats each of the next. Within a group there is none.
        """
        pairs: list[tuple[int, int]] = []
        start = 0
        for upper, lower in zip(self.groups, self.groups[1:], strict=False):
            middle = start + len(upper)
            pairs += [
                (better, worse)
                for better in range(start, middle)
                for worse in range(middle, middle + len(lower))
            ]
            start = middle
        return pairs

    def chance(self) -> float:
        """The probability that an order drawn blindly agrees: prod |group|! / K!.

        1 / K! for a full ranking, 1 / K for the best alone.
        """
        ways = prod(factorial(len(group)) for group in self.groups)
        return ways / factorial(len(self.models))
