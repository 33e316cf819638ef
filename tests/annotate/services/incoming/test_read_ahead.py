"""Reading while the database works: what is read when, in which order, and what goes wrong."""

import itertools

import pytest
from django.db import IntegrityError, connection, transaction

from annotate.models import Prompt
from annotate.services.incoming import bulk
from annotate.services.incoming.read_ahead import FIRST_SIZES, batches_ahead

pytestmark = pytest.mark.django_db


class Source:
    """Numbers, and how many of them were asked for."""

    def __init__(self, count: int, *, fails_at: int | None = None, error=OSError) -> None:
        self.count, self.fails_at, self.error, self.taken = count, fails_at, error, 0

    def __iter__(self):
        for number in range(self.count):
            if number == self.fails_at:
                raise self.error("the file is gone")
            self.taken += 1
            yield number


def batches(source: Source, size: int = 2000, *, weigh=lambda row: 1, weight: int = 10**9):
    return batches_ahead(iter(source), size, weigh=weigh, weight=weight)


def sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


@pytest.mark.parametrize("waits", [0, 0.02])
@pytest.mark.parametrize("count", [0, 1, 250, 251, 1750, 9000])
def test_every_row_once_and_in_order_however_long_the_database_takes(count, waits):
    found = []
    for batch in batches(Source(count)):
        found.append(batch)
        sleep(waits)
    assert list(itertools.chain(*found)) == list(range(count))
    sizes = [*FIRST_SIZES, *[2000] * 9]
    assert [len(batch) for batch in found[:-1]] == sizes[: max(0, len(found) - 1)]


def test_a_wait_reads_the_next_list_and_no_more():
    source = Source(9000)
    reading = batches(source)
    first = next(reading)
    assert (len(first), source.taken) == (250, 250)
    sleep(0.3)
    assert source.taken == 750
    sleep(0.1)
    assert source.taken == 750
    reading.close()
    sleep(0.1)
    assert source.taken == 750


def test_heavy_rows_make_short_lists():
    found = list(batches(Source(10), weigh=lambda row: 40, weight=100))
    assert [len(batch) for batch in found] == [3, 3, 3, 1]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_reading_raises_never_falls_into_a_query(error):
    """It comes when the list is asked for whose rows it cost, not before."""
    reading = batches(Source(9000, fails_at=300, error=error))
    assert len(next(reading)) == 250
    with transaction.atomic():
        sleep(0.2)
        project_count = Prompt.objects.count()
    assert project_count == 0
    with pytest.raises(error, match="the file is gone"):
        next(reading)
    sleep(0)


def prompts(project, count: int) -> tuple[tuple[str, ...], list[str]]:
    """Columns and lines; every 700th row says the same as the first."""
    names = ("project_id", "conversation", "metadata", "content_hash", "split_bucket")
    empty = ("external_id", "system", "language", "taxonomy")
    lines = [
        bulk.line(project.pk, "[]", "{}", n % 700, n % 100, "", "", "", "", "2026-01-01")
        for n in range(count)
    ]
    return (*names, *empty, "created_at"), lines


def test_a_refused_row_is_told_as_without_reading(make_project):
    source = Source(9000)
    reading = batches(source)
    next(reading)
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        bulk.copy_rows(Prompt, *prompts(make_project(), 1000))
    assert caught.value.__cause__.diag.constraint_name == "prompt_content_unique"
    assert source.taken > 250
    assert Prompt.objects.count() == 0


def test_a_copy_that_is_not_waited_for_is_settled_by_the_next_and_at_the_end(make_project):
    columns, lines = prompts(make_project(), 701)
    with bulk.Copies() as copies:
        copies.add(Prompt, columns, lines[:300])
        copies.add(Prompt, columns, [])
        copies.settle()
        assert Prompt.objects.count() == 300
        copies.add(Prompt, columns, lines[300:600])
    assert Prompt.objects.count() == 600
    with pytest.raises(IntegrityError):
        copy_and_settle(columns, lines[600:], lines[:1])
    with pytest.raises(ZeroDivisionError):
        copy_and_settle(columns, lines[600:700], fail=True)
    assert Prompt.objects.count() == 600


@transaction.atomic
def copy_and_settle(columns, *parts: list[str], fail: bool = False) -> None:
    with bulk.Copies() as copies:
        for part in parts:
            copies.add(Prompt, columns, part)
        if fail:
            raise ZeroDivisionError
        copies.settle()
