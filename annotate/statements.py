"""One round trip, one plan: statements prepared on the connection of this thread.

For the few statements that every annotation runs. Django's cursor sends the values inside the
text, so that the server plans anew each time; planning costs more than running them. Behind a
pooler that gives every transaction another server session (PgBouncer before 1.21) set
TANDEM_PREPARED_STATEMENTS=0.
"""

import psycopg
from django.conf import settings
from django.db import connection


def fetch_one(sql: str, parameters: dict) -> tuple | None:
    """Run the statement, in the transaction that is open if there is one; its first row.

    JSONB columns come as text. Raises Django's database errors.
    """
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session = connection.connection
    if settings.PREPARED_STATEMENTS and session.prepare_threshold is None:
        session.prepare_threshold = 0  # Django's own cursors never prepare, whatever stands here
    with connection.wrap_database_errors, psycopg.Cursor(session) as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()
