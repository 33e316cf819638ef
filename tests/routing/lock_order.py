"""Which rows are locked first, told by the queries."""

from collections.abc import Iterable

TABLES = ("annotate_task", "annotate_seat")


def require_tasks_before_seats(queries: Iterable[dict[str, str]], *, at_least: int) -> None:
    """As where seats follow answers (overlaps.py), or the two would wait for each other."""
    locks = [
        table
        for one in queries
        for table in TABLES
        if f'FROM "{table}"' in one["sql"] and one["sql"].endswith(("UPDATE", "UPDATE "))
    ]
    assert len(locks) >= 2 * at_least
    assert set(locks[::2]) == {"annotate_task"}
    assert set(locks[1::2]) == {"annotate_seat"}
