"""Which tier of people an instance goes to, where they differ in price."""

from collections.abc import Sequence

import numpy as np

from routing.policies.contract import Floats, Ints


def choose_tier(worth_NT: Floats, prices: Sequence[float]) -> Ints:
    """[N]: the tier that is worth most for its price; where none is worth anything, the one that
    loses least. Without prices, the one that is worth most.

    What a budget buys is highest where each label is bought by what it is worth for its price
    (the greedy order of a fractional knapsack).
    """
    best_N = np.argmax(worth_NT, axis=1)
    if not prices:
        return np.asarray(best_N, dtype=np.int64)
    by_price_N = np.argmax(worth_NT / np.array(prices), axis=1)
    return np.asarray(np.where((worth_NT > 0).any(1), by_price_N, best_N), dtype=np.int64)
