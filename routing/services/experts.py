"""Tasks for experts alone: as a policy decides, until a later one or a manager says else."""

from django.db import transaction

from annotate.models import Project, User
from annotate.services import audit
from annotate.services.work.requirements import give_to_everybody, keep_for_experts


def give_to(*, project: Project, task_id: int, experts: bool) -> None:
    """What is open of a task to experts alone, or to everybody. Lock it and its seats first."""
    if experts:
        keep_for_experts(task_id=task_id)
    else:
        give_to_everybody(project=project, task_ids=[task_id])


@transaction.atomic
def open_to_everybody(*, project: Project, actor: User | None, address: str | None = None) -> int:
    """Give all that waits for experts alone to whoever may have it; returns how many tasks.

    Decisions stay as they were made. What a policy decides later is not touched by this.
    """
    tasks = give_to_everybody(project=project)
    if tasks:
        audit.record(
            action="routing.opened_to_everybody",
            target=project,
            actor=actor,
            project=project,
            address=address,
            tasks=tasks,
        )
    return tasks
