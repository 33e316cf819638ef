"""Running what has an event loop of its own, where another test's loop may be running."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_alone(function: Callable[[], T]) -> T:
    """In a thread of its own."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()
