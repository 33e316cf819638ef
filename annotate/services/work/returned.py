"""What stands before the hand-out: answers that a reviewer sent back, then seats of norming."""

from typing import NamedTuple

from annotate.models import Judgement, Review, User
from annotate.statements import fetch_one

FIRST = """
SELECT (SELECT r.judgement_id FROM annotate_review r
        WHERE r.author_id = %(user)s AND r.project_id = %(project)s AND r.decision = 'return'
          AND NOT EXISTS (SELECT FROM annotate_review n WHERE n.replaces_id = r.id)
          AND NOT EXISTS (SELECT FROM annotate_judgement j WHERE j.supersedes_id = r.judgement_id)
        ORDER BY r.id LIMIT 1),
       (SELECT n.seat_id FROM annotate_normingseat n JOIN annotate_seat s ON s.id = n.seat_id
        WHERE n.annotator_id = %(user)s AND n.project_id = %(project)s AND s.state = 'leased'
        ORDER BY n.id LIMIT 1)
"""


class Waiting(NamedTuple):
    """An answer to be looked at again, and a seat of norming; None for none."""

    judgement: int | None
    seat: int | None


def waiting(*, project_id: int, user: User) -> Waiting:
    """What this person does before all else. One query, whatever there is."""
    return Waiting(*fetch_one(FIRST, {"user": user.pk, "project": project_id}))


def first(*, project_id: int, user: User) -> int | None:
    """The id of the judgement that came back first and still waits for this person. One query."""
    return waiting(project_id=project_id, user=user).judgement


def note(judgement: Judgement) -> str:
    """What the reviewer wrote, while the answer waits for its author; else empty. One query."""
    last = Review.objects.filter(judgement=judgement).order_by("-pk").first()
    return last.note if last is not None and last.decision == Review.Decision.RETURN else ""
