"""What judges suggest for a task, as the person at it gets to see it."""

from annotate.suggestions import Proposal
from routing.models import Suggestion


def proposals(task_id: int) -> list[Proposal]:
    """All suggestions for the task by id, those of older versions marked as such. One query."""
    rows = list(Suggestion.objects.filter(task=task_id).select_related("judge").order_by("pk"))
    newest: dict[str, int] = {}
    for row in rows:
        name, version = row.judge.name, row.judge.version
        newest[name] = max(version, newest.get(name, 0))
    return [
        Proposal(
            row.pk,
            str(row.judge),
            row.value,
            row.created_at,
            newest=row.judge.version == newest[row.judge.name],
        )
        for row in rows
    ]
