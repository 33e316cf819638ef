"""Making hand-outs look again where they have looked before: see annotate/handout.py."""

from django.db import connection

from annotate.models.project import BEFORE_ALL_RANKS


def lower_cursors(*, project_id: int, queue_key: int) -> None:
    """Make every hand-out of the project look again from just before `queue_key`.

    Outside the transaction that made the seats, so that it holds members' rows for a moment
    only, in one order, so that two of these never wait for each other. Were it never to run,
    the seats would be found by the hand-out's exact scan.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotate_membership SET queue_cursor = %s WHERE id IN ("
            " SELECT id FROM annotate_membership WHERE project_id = %s AND queue_cursor > %s"
            " ORDER BY id FOR NO KEY UPDATE)",
            [queue_key - 1, project_id, queue_key - 1],
        )


def forget_ranks_seen(*, project_id: int) -> None:
    """Make every hand-out of the project look through the ranked seats from the first on.

    Outside the transaction that ranked them, as `lower_cursors` is.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE annotate_membership SET ranked_cursor = %s WHERE id IN ("
            " SELECT id FROM annotate_membership WHERE project_id = %s AND ranked_cursor > %s"
            " ORDER BY id FOR NO KEY UPDATE)",
            [BEFORE_ALL_RANKS, project_id, BEFORE_ALL_RANKS],
        )
