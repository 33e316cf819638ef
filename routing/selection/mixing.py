"""Rows drawn by chance among rows in order, so that what is measured on the drawn ones holds."""

from collections.abc import Sequence


def mix(chosen: Sequence[int], drawn: Sequence[int]) -> list[tuple[int, bool]]:
    """(row, whether it was drawn) of both, each in its own order; every beginning of the result
    holds the drawn ones in their share of all, to within one row.
    """
    total = len(chosen) + len(drawn)
    left, right = iter(chosen), iter(drawn)
    found: list[tuple[int, bool]] = []
    for place in range(total):
        is_drawn = (place + 1) * len(drawn) // total > place * len(drawn) // total
        found.append((next(right if is_drawn else left), is_drawn))
    return found
