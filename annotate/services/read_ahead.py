"""Let reading go on while the database works: one batch ahead, in one thread."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batches_ahead(rows: Iterator[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` rows. The thread touches `rows` alone, never the database.

    Closing the generator waits for the batch being read.
    """

    def read_batch() -> list[T]:
        return list(islice(rows, size))

    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as pool:
        upcoming = pool.submit(read_batch)
        while batch := upcoming.result():
            upcoming = pool.submit(read_batch)
            yield batch
