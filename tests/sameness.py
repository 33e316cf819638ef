"""What a test sees the same each time: ids, what is drawn by chance, what a slow machine spares."""

import math
import random
import secrets
import zlib
from collections.abc import Iterator

import pytest
from django.db import connection

from annotate import handout
from annotate.reports import remembered


@pytest.fixture(autouse=True)
def same_ids_each_time(request, django_db_blocker) -> None:
    """A test's rows get the same ids whatever ran before it in its process.

    Orders and samples are drawn by id, and some by the database's own chance, which begins anew
    too: a test would see other ones each time. The ids differ from test to test, so that nothing
    kept by id is taken for another test's, and from table to table, so that an id of the wrong
    table is seldom right.
    """
    is_marked = request.node.get_closest_marker("django_db") is not None
    if not is_marked and {"db", "transactional_db"}.isdisjoint(request.fixturenames):
        return
    request.getfixturevalue("django_db_setup")
    first = zlib.crc32(request.node.nodeid.encode())
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT setseed(0.5),"
            " setval(seqrelid, 1 + 1000 * mod(%s + abs(hashtext(relname)::bigint), 99991),"
            " false) FROM pg_sequence JOIN pg_class ON pg_class.oid = seqrelid"
            " WHERE relname ~ '^(annotate|routing|training)_'",
            [first],
        )


@pytest.fixture(autouse=True)
def same_chance_each_time(request) -> Iterator[None]:
    """What the product draws by chance is the same for a test each time, but for secrets.

    That is the seed of a project, after which responses are shown in this or that order, the models
    of a chat, and the pseudonyms of people.
    """
    chance = random.Random(request.node.nodeid)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "randbelow", chance.randrange)
        patch.setattr(secrets, "token_hex", lambda bytes=32: chance.randbytes(bytes).hex())
        patch.setattr(random, "SystemRandom", lambda: chance)
        yield


@pytest.fixture(autouse=True)
def nothing_is_spared() -> Iterator[None]:
    """What took long is kept for a while and not done again: on a busy machine everything does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered, "FREE_SECONDS", math.inf)
        patch.setattr(handout, "SEARCH_REST", 0)
        yield
