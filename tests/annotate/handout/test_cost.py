"""The hand-out reads as many rows after much work as after little."""

import pytest
from django.db import connection, transaction

from annotate.handout import lease_seat
from annotate.models import User
from annotate.services.work.judgements import submit_judgement

pytestmark = pytest.mark.django_db

ROWS_READ = """
SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
WHERE relname IN ('annotate_seat', 'annotate_judgement', 'annotate_skip', 'annotate_draft',
                  'annotate_task', 'annotate_prompt', 'annotate_response')
"""


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute(ROWS_READ)
        return int(cursor.fetchone()[0] or 0)


@pytest.mark.parametrize(
    "remembered_empty",
    [
        [],
        ["annotate_seat"],
        ["annotate_task", "annotate_prompt", "annotate_response"],
        ["annotate_judgement", "annotate_draft", "annotate_skip"],
        ["annotate_seat", "annotate_task", "annotate_judgement"],
    ],
    ids=lambda tables: "+".join(table.removeprefix("annotate_") for table in tables) or "none",
)
def test_rows_read_do_not_grow_with_what_was_done(
    remembered_empty, make_project, add_member, make_pair_tasks
):
    """Not even where the planner last looked at a table that had pages but no rows."""
    project = make_project(User.objects.create(username="owner"), overlap=2)
    ann = User.objects.create(username="ann")
    add_member(project, ann)
    with transaction.atomic():
        make_pair_tasks(project, 120)
        for number in range(60):
            work(project, ann, number)
        transaction.set_rollback(True)  # leaves dead rows behind
    with connection.cursor() as cursor:
        for table in remembered_empty:
            cursor.execute(f"ANALYZE {table}")
        # The checks of foreign keys would rather read a table of a few pages whole, and go on
        # to do so in a session that planned them when it was empty.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("DISCARD PLANS")
    make_pair_tasks(project, 120)
    costs = []
    for number in range(120):
        before = rows_read()
        work(project, ann, number)
        costs.append(rows_read() - before)
    assert 0 < max(costs) <= 40, costs
    assert max(costs[60:]) <= max(costs[:20]) + 2


def work(project, user, number: int) -> None:
    lease = lease_seat(project=project, user=user)
    submit_judgement(
        seat_id=lease.seat_id, user=user, value={"verdict": "tie"}, idempotency_key=f"k{number}"
    )
