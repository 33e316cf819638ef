"""Answers that a reviewer sent back: their authors look at them again before anything else."""

from annotate.models import Judgement, Review, User


def first(*, project_id: int, user: User) -> int | None:
    """The id of the judgement that came back first and still waits for this person. One query."""
    rows = Review.objects.returned_to(user).filter(project=project_id)
    return rows.values_list("judgement_id", flat=True).first()


def note(judgement: Judgement) -> str:
    """What the reviewer wrote, while the answer waits for its author; else empty. One query."""
    last = Review.objects.filter(judgement=judgement).order_by("-pk").first()
    return last.note if last is not None and last.decision == Review.Decision.RETURN else ""
