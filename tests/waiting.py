"""Waiting for what others do: threads, processes, other sessions of the database."""

import time
from collections.abc import Callable

from django.db import connection

# Seconds that a busy machine may take over anything; how fast a deed is, benchmarks measure.
PATIENCE = 300.0
# Of this database alone: another process of the same run has one of its own in the same cluster.
LOCKS_WAITED_FOR = """
SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND datname = current_database()
"""


def wait_until(condition: Callable[[], object], what: str = "what was waited for") -> None:
    """Fails if it does not come true at all."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:g} s"
        time.sleep(0.02)


def somebody_waits_for_a_lock() -> bool:
    return locks_waited_for() > 0


def locks_waited_for() -> int:
    with connection.cursor() as cursor:
        # Within a transaction the sessions are else those of its first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(LOCKS_WAITED_FOR)
        return cursor.fetchone()[0]
