"""How many people an item still needs: a fixed overlap, or more people only where it is open."""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Overlap:
    """`least` labels always, `most` never exceeded; between them, as `threshold` says.

    `threshold`: stop once the posterior of the leading label reaches it; None: once no further
    label up to `most` can change who leads. `least` equal to `most` is a fixed overlap.
    Raises ValueError for numbers that contradict each other.
    """

    least: int
    most: int
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ValueError(f"least: {self.least} is not from 1 to most, {self.most}")
        if self.threshold is not None and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold: {self.threshold} is not above 0 and up to 1")


def wants_more(
    overlap: Overlap, votes: Sequence[Hashable], posterior: Sequence[float] | None = None
) -> bool:
    """Whether an item with these labels gets one more person.

    `posterior` are the probabilities of its classes by any model of consensus; it must be there
    where the overlap has a threshold (ValueError). A stopping rule by posterior as in P. Welinder
    and P. Perona, Online crowdsourcing (CVPR workshops 2010): labels until the risk of
    the estimate is small, or a cap.
    """
    if len(votes) < overlap.least:
        return True
    if len(votes) >= overlap.most:
        return False
    if overlap.threshold is None:
        return not decided(votes, overlap.most)
    if posterior is None:
        raise ValueError("posterior: the overlap has a threshold; give the item's probabilities")
    return max(posterior) < overlap.threshold


def decided(votes: Sequence[Hashable], most: int) -> bool:
    """Whether the same label leads alone however the votes up to `most` turn out."""
    first, second = [*(n for _, n in Counter(votes).most_common(2)), 0, 0][:2]
    return first - second > max(most - len(votes), 0)
