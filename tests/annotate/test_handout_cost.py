"""The hand-out reads as many rows after much work as after little."""

import pytest
from django.db import connection

from annotate.handout import lease_seat
from annotate.models import User
from annotate.services.judgements import submit_judgement

pytestmark = pytest.mark.django_db

ROWS_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
WHERE relname IN ('annotate_seat', 'annotate_judgement', 'annotate_skip', 'annotate_draft')
"""


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(ROWS_READ)
        return int(cursor.fetchone()[0] or 0)


def test_rows_read_do_not_grow_with_what_was_done(make_project, add_member, make_pair_tasks):
    project = make_project(User.objects.create(username="owner"), overlap=2)
    ann = User.objects.create(username="ann")
    add_member(project, ann)
    make_pair_tasks(project, 120)
    with connection.cursor() as cursor:
        # The checks of foreign keys would rather read a table of a few pages whole, and go on
        # to do so in a session that planned them when it was empty.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("DISCARD PLANS")
    costs = []
    for number in range(120):
        before = rows_read()
        lease = lease_seat(project=project, user=ann)
        submit_judgement(
            seat_id=lease.seat_id,
            user=ann,
            value={"verdict": "tie"},
            idempotency_key=f"k{number}",
        )
        costs.append(rows_read() - before)
    assert 0 < max(costs) <= 40, costs
    assert max(costs[60:]) <= max(costs[:20]) + 2
