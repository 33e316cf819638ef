"""What people have said of tasks, in a form in which it can be compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from annotate import kinds
from annotate.kinds.sayings import Saying
from annotate.models import Judgement, Project, Task


@dataclass
class Answered:
    """`answers` has one entry for each label of a person or of an import."""

    responses: set[int] = field(default_factory=set)
    answers: list[Sequence[Saying]] = field(default_factory=list)


def answers_of(project: Project, task_ids: Sequence[int]) -> dict[int, Answered]:
    """By task, those of the project's present kind; what judges say is left out. Two queries."""
    found = {pk: Answered() for pk in task_ids}
    places = Task.responses.through.objects.filter(task__in=task_ids)
    for task_id, response_id in places.values_list("task_id", "response_id"):
        found[task_id].responses.add(response_id)
    rows = Judgement.objects.labels().filter(task__in=task_ids, kind=project.kind)
    people = rows.exclude(source=Judgement.Source.JUDGE).order_by("pk")
    module = kinds.get(project.kind)
    for task_id, value in people.values_list("task_id", "value"):
        one = found[task_id]
        one.answers.append(module.said(value, sorted(one.responses)))
    return found
