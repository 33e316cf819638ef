"""The order in which open items are handed out: each strategy gives all items, the first first.

None needs the others' state, so that any may be run again at any time; ties keep the given order.
"""

import heapq
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from hashlib import blake2b

from annotate.assignment.contract import Item


def in_order(items: Sequence[Item]) -> list[Item]:
    """As they came."""
    return list(items)


def random_order(items: Sequence[Item], *, seed: int) -> list[Item]:
    """By chance, the same for the same seed; an item that comes or goes moves no other."""
    return sorted(items, key=lambda item: _draw(seed, item.id))


def stratified(
    items: Sequence[Item],
    *,
    weights: Mapping[str, float] | None = None,
    done: Mapping[str, int] | None = None,
) -> list[Item]:
    """Strata take turns in proportion to `weights` (all alike without), within one in given order.

    `done` are labels given before, which count towards a stratum's share. The next is the stratum
    with the most weight a label, w / (labels + 1/2): A. Sainte-Laguë's rule of shares (1910), so
    that each start of the list is as near to the shares as whole items can be. Raises ValueError
    for a stratum without weight and for weights of 0 or less.
    """
    waiting: dict[str, deque[Item]] = {}
    for item in items:
        waiting.setdefault(item.stratum, deque()).append(item)
    share = dict.fromkeys(waiting, 1.0) if weights is None else dict(weights)
    for name in waiting:
        if share.get(name, 0) <= 0:
            raise ValueError(f"weights: stratum {name!r} has none; give a number above 0")
    given = Counter(done or {})
    place = {name: rank for rank, name in enumerate(waiting)}
    turns = [(-share[name] / (given[name] + 0.5), place[name], name) for name in waiting]
    heapq.heapify(turns)
    order = []
    while turns:
        _, rank, name = turns[0]
        order.append(waiting[name].popleft())
        given[name] += 1
        if waiting[name]:
            heapq.heapreplace(turns, (-share[name] / (given[name] + 0.5), rank, name))
        else:
            heapq.heappop(turns)
    return order


def least_covered(items: Sequence[Item]) -> list[Item]:
    """Fewest labels first: everything once before anything twice."""
    return sorted(items, key=lambda item: len(item.votes))


def uncertainty_first(items: Sequence[Item]) -> list[Item]:
    """Most doubt first; items of which nothing is known come before all others."""
    return sorted(items, key=lambda item: (item.doubt is not None, -(item.doubt or 0.0)))


def disagreement_first(items: Sequence[Item]) -> list[Item]:
    """Largest share of pairs of labels that differ first; then those with fewest labels.

    Items with fewer than two labels have no disagreement yet and come last.
    """
    return sorted(items, key=lambda item: (-_differing(item), len(item.votes)))


def _differing(item: Item) -> float:
    """The observed disagreement of one unit, Fleiss (1971): 1 - P_i."""
    size = len(item.votes)
    if size < 2:
        return -1.0
    equal = sum(n * (n - 1) for n in Counter(item.votes).values())
    return 1 - equal / (size * (size - 1))


def _draw(seed: int, item_id: int) -> bytes:
    return blake2b(f"{seed}:{item_id}".encode(), digest_size=16).digest()
