"""Which pairs of one answer go out: an order of K responses implies up to K(K-1)/2."""

from collections.abc import Sequence

from annotate.kinds.contract import Pair
from annotate.wording import translatable

PAIRS = {
    "all": translatable("Every pair that the answer implies"),
    "adjacent": translatable("Neighbours in the order alone"),
    "best_worst": translatable("The best against the worst alone"),
}


def choose_pairs(pairs: Sequence[Pair], which: str) -> list[Pair]:
    """`pairs` are one answer's. A single one is chosen under every rule.

    Neighbours are two with none between them: next tiers, and ties. The best lose to nobody and
    the worst win against nobody, so of "best of K" every pair is left, and of an answer that is
    one tie none.
    """
    if which == "all" or len(pairs) < 2:
        return list(pairs)
    worse: dict[int, set[int]] = {}
    for pair in pairs:
        if not pair.tie:
            worse.setdefault(pair.chosen, set()).add(pair.rejected)
    if which == "adjacent":
        return [pair for pair in pairs if pair.tie or not _is_between(worse, pair)]
    beaten = set().union(*worse.values())
    return [
        pair
        for pair in pairs
        if not pair.tie and pair.chosen not in beaten and pair.rejected not in worse
    ]


def _is_between(worse: dict[int, set[int]], pair: Pair) -> bool:
    return any(pair.rejected in worse.get(middle, ()) for middle in worse[pair.chosen])
