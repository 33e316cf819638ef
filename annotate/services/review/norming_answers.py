"""Which judgements `j` were given in norming sessions, as SQL."""

from annotate.models import NormingSession, Project

IS_NORMING = "(SELECT n.id FROM annotate_normingseat n WHERE n.seat_id = j.seat_id) IS NOT NULL"
# Not NOT (…): so that the planner sees the look-up by the seat.
IS_NONE = "(SELECT n.id FROM annotate_normingseat n WHERE n.seat_id = j.seat_id) IS NULL"


def norming_conditions(project: Project, wanted: str) -> tuple[str, ...]:
    """`wanted`: "exclude", "include" or "only". None where no session could make any."""
    if wanted == "only":
        return (IS_NORMING,)
    if wanted == "include" or not NormingSession.objects.filter(project=project).exists():
        return ()
    return (IS_NONE,)
