"""Rows that cover a space of embeddings: greedy k-center."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def k_center(
    embedding_ND: Floats,
    count: int,
    *,
    chosen_MD: Floats | None = None,
    weight_N: Floats | None = None,
) -> list[int]:
    """`count` rows, each the farthest from all chosen before it, in the order of choice.

    See `k_center_with_distance`.
    """
    found = k_center_with_distance(embedding_ND, count, chosen_MD=chosen_MD, weight_N=weight_N)
    return [row for row, _ in found]


def k_center_with_distance(
    embedding_ND: Floats,
    count: int,
    *,
    chosen_MD: Floats | None = None,
    weight_N: Floats | None = None,
    each: Callable[[], object] = lambda: None,
) -> list[tuple[int, float]]:
    """(row, its distance from the nearest of all chosen before it), in the order of choice.

    chosen_MD: what is labelled already. Without it the first is the row farthest from the mean.
    `weight_N` multiplies the distances, so that doubt and spread are weighed together. The largest
    distance left is at most twice the best possible (without weights). `each` is called for every
    row that is chosen, and for every one of chosen_MD; what it raises ends the choice. Sources: T.
    F. Gonzalez (1985); Sener and Savarese 2018 (arXiv:1708.00489). O(N count) time.
    """
    points = np.asarray(embedding_ND, dtype=np.float64)
    if not 0 <= count <= len(points):
        raise ValueError(f"count: {count} of {len(points)} rows")
    square_N = (points**2).sum(1)

    def apart(centre_D: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.maximum(square_N - 2 * points @ centre_D + centre_D @ centre_D, 0.0))

    if chosen_MD is not None and len(chosen_MD):
        near_N = np.full(len(points), np.inf)
        for centre_D in np.asarray(chosen_MD, dtype=np.float64):
            each()
            near_N = np.minimum(near_N, apart(centre_D))
    else:
        near_N = apart(points.mean(0)) if len(points) else np.zeros(0)
    fresh = chosen_MD is None or not len(chosen_MD)
    weight = np.ones(len(points)) if weight_N is None else np.asarray(weight_N, float) ** 2
    picked: list[tuple[int, float]] = []
    taken = np.zeros(len(points), dtype=bool)
    for _ in range(count):
        each()
        row = int(np.argmax(np.where(taken, -1.0, near_N * weight)))
        picked.append((row, float(np.sqrt(near_N[row]))))
        taken[row] = True
        distance_N = apart(points[row])
        near_N = distance_N if fresh and len(picked) == 1 else np.minimum(near_N, distance_N)
    return picked
