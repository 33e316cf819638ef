"""Labels on tasks, as an import would leave them."""

from annotate.models import Judgement, Project, Task, TaskResponse


def label_first(project: Project, tasks: list[Task]) -> None:
    """An imported label for the first response of each task."""
    firsts = TaskResponse.objects.filter(task__in=tasks, position=0)
    first_of = dict(firsts.values_list("task_id", "response_id"))
    for task in tasks:
        Judgement.objects.create(
            project=project,
            task=task,
            kind="pairwise",
            value={"verdict": "prefer", "preferred": first_of[task.pk], "strength": 1},
            source=Judgement.Source.IMPORTED,
            imported_author="file",
            idempotency_key=str(task.pk),
        )
