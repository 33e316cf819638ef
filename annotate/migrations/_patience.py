"""Changing tables in use without holding up those who use them.

ALTER TABLE waits for every transaction that has so much as read the table, and all who come after
wait behind it: a long export would stop the work of everybody. So it gives up after a moment, lets
them through, and tries again.
"""

import time
from collections.abc import Callable

from django.db import OperationalError, migrations, transaction
from psycopg.errors import LockNotAvailable

LONGEST_HOLD = "500ms"
PAUSE = 1.0  # seconds in which those who waited get on
TRIES = 900


def patiently(schema_editor, change: Callable[[], None]) -> None:
    """Do it in one transaction, again and again until it gets its locks at once.

    In migrations with `atomic = False` only. Raises OperationalError after TRIES.
    """
    alias = schema_editor.connection.alias
    for tried in range(1, TRIES + 1):
        try:
            with transaction.atomic(using=alias), schema_editor.connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LONGEST_HOLD}'")
                change()
            return
        except OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable) or tried == TRIES:
                raise
            time.sleep(PAUSE)


class Patient:
    """An operation whose way forwards is taken patiently."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        forwards = super().database_forwards
        patiently(schema_editor, lambda: forwards(app_label, schema_editor, from_state, to_state))


class RunSQL(Patient, migrations.RunSQL):
    pass


class SeparateDatabaseAndState(Patient, migrations.SeparateDatabaseAndState):
    """Its operations on the database in one transaction."""
