"""Figures that cost time are remembered for a while; those that cost none are always fresh."""

from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from django.core.cache import cache

T = TypeVar("T")

FREE_SECONDS = 0.02
SHARE = 100
LONGEST_SECONDS = 60


def remembered(key: str, compute: Callable[[], T]) -> T:
    """`compute()`, kept for 100 times as long as it took, so that it uses 1 % of the time."""
    held = cache.get(key)
    if held is not None:
        return held
    started = perf_counter()
    value = compute()
    took = perf_counter() - started
    if took > FREE_SECONDS:
        cache.set(key, value, min(LONGEST_SECONDS, SHARE * took))
    return value
