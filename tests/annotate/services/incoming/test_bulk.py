"""Ids in advance."""

import pytest
from django.db import connection

from annotate.models import Prompt
from annotate.services.incoming import bulk

pytestmark = pytest.mark.django_db


def test_reserved_ids_are_new_and_ascending():
    first, second = bulk.reserve_ids(Prompt, 5), bulk.reserve_ids(Prompt, 1)
    assert list(first) == list(range(first[0], first[0] + 5))
    assert list(second) == [first[-1] + 1]
    assert list(bulk.reserve_ids(Prompt, 0)) == []


def test_ids_that_others_took_meanwhile_are_left_out():
    """Every second number is passed over, as if somebody else drew in turn with us."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SEQUENCE annotate_prompt_id_seq INCREMENT BY 2")
    ids = list(bulk.reserve_ids(Prompt, 4))
    assert ids == [ids[0], ids[0] + 2, ids[0] + 4, ids[0] + 6]
