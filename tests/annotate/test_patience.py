"""Migrations of tables in use give way to those who wait behind them."""

from types import SimpleNamespace

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection
from psycopg.errors import LockNotAvailable

from annotate.migrations import _patience
from tests.faults.training_worker import database_url

pytestmark = pytest.mark.django_db(transaction=True)
EDITOR = SimpleNamespace(connection=connection)
CHANGE = "ALTER TABLE annotate_prompt ALTER COLUMN language SET STORAGE EXTENDED"


@pytest.fixture
def reader(monkeypatch):
    """An export: it has read the table, and its transaction goes on."""
    monkeypatch.setattr(_patience, "LONGEST_HOLD", "20ms")
    monkeypatch.setattr(_patience, "PAUSE", 0.0)
    with psycopg.connect(database_url()) as other:
        other.execute("SELECT count(*) FROM annotate_prompt")
        yield other


def change() -> None:
    with connection.cursor() as cursor:
        cursor.execute(CHANGE)


def test_it_lets_others_through_until_the_reader_is_done(reader, monkeypatch):
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        with psycopg.connect(database_url(), autocommit=True) as third:
            third.execute("SET lock_timeout = '1ms'")  # nobody stands in the way now
            third.execute("UPDATE annotate_prompt SET language = 'en' WHERE false")
        if len(pauses) == 2:
            reader.rollback()

    monkeypatch.setattr(_patience.time, "sleep", pause)
    _patience.patiently(EDITOR, change)
    assert len(pauses) == 2
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_it_ends_with_the_error_when_the_table_never_gets_free(reader, monkeypatch):
    monkeypatch.setattr(_patience, "TRIES", 2)
    with pytest.raises(OperationalError) as caught:
        _patience.patiently(EDITOR, change)
    assert isinstance(caught.value.__cause__, LockNotAvailable)


def test_what_else_goes_wrong_is_not_tried_again(monkeypatch):
    tried = []

    def wrong() -> None:
        tried.append(1)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE no_such_table ADD COLUMN a int")

    with pytest.raises(ProgrammingError):
        _patience.patiently(EDITOR, wrong)
    assert tried == [1]
