"""Let reading go on while the database works: one batch ahead, in one thread."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat
from typing import TypeVar

T = TypeVar("T")

FIRST_SIZES = (250, 500, 1000)


def batches_ahead(
    rows: Iterator[T], size: int, *, weigh: Callable[[T], int], weight: int
) -> Iterator[list[T]]:
    """Lists of up to `size` rows, shorter where they reach `weight` together.

    The first ones are shorter too, so that the database need not wait long for its first rows.
    The thread touches `rows` alone, never the database. Closing the generator waits for the
    batch being read.
    """
    sizes = chain(FIRST_SIZES, repeat(size))

    def read_batch() -> list[T]:
        batch: list[T] = []
        room, most = weight, min(next(sizes), size)
        for row in rows:
            batch.append(row)
            room -= weigh(row)
            if len(batch) == most or room <= 0:
                break
        return batch

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        upcoming = pool.submit(read_batch)
        while batch := upcoming.result():
            upcoming = pool.submit(read_batch)
            yield batch
