"""What follows a transactional test: the tables emptied, also beside a request that came late."""

import threading

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connection
from django.db.backends.postgresql.base import DatabaseWrapper

from annotate.models import Project, User
from tests.waiting import PATIENCE

WAITS = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s"
TAKE = "SELECT FROM {} WHERE id = {} FOR UPDATE"


@pytest.mark.django_db(transaction=True)
def test_a_flush_and_a_late_request_that_wait_for_each_other(make_project) -> None:
    """The request holds the row that is deleted last, and wants the one that is deleted first."""
    project = make_project()
    statements = sql_flush(no_style(), connection)
    rows = {Project._meta.db_table: project.pk, User._meta.db_table: project.created_by_id}
    first, last = sorted(rows.items(), key=lambda row: statements.index(f'DELETE FROM "{row[0]}"'))
    parameters = DatabaseWrapper(connection.settings_dict).get_connection_params()
    flush = connection.connection.info.backend_pid
    is_held = threading.Event()

    def late_request() -> None:
        with (
            psycopg.connect(**parameters, autocommit=True) as watch,
            psycopg.connect(**parameters) as request,
        ):
            request.execute(TAKE.format(*last))
            is_held.set()
            while watch.execute(WAITS, [flush]).fetchone() != (True,):
                pass
            try:
                request.execute(TAKE.format(*first))
            except psycopg.errors.DeadlockDetected:
                request.rollback()

    thread = threading.Thread(target=late_request)
    thread.start()
    assert is_held.wait(PATIENCE)
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)
    thread.join()
    assert not User.objects.exists()
    assert not Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_late_request_writes_while_the_flush_waits_goes_too(make_user) -> None:
    """The request has written to a table that is emptied before the one that the flush waits at."""
    held = TAKE.format(User._meta.db_table, make_user("ada").pk)
    write = f"INSERT INTO {Session._meta.db_table} VALUES ('late', '', now())"
    tables = [Session._meta.db_table, User._meta.db_table]
    parameters = DatabaseWrapper(connection.settings_dict).get_connection_params()
    flush = connection.connection.info.backend_pid
    is_written = threading.Event()

    def late_request() -> None:
        with (
            psycopg.connect(**parameters, autocommit=True) as watch,
            psycopg.connect(**parameters) as request,
        ):
            request.execute(held)
            request.execute(write)
            is_written.set()
            while watch.execute(WAITS, [flush]).fetchone() != (True,):
                pass

    thread = threading.Thread(target=late_request)
    thread.start()
    assert is_written.wait(PATIENCE)
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
    thread.join()
    assert not User.objects.exists()
    assert not Session.objects.exists()
