"""How a judge does at tasks with a known answer."""

from django.db.models import F

from annotate.kinds.known import grade
from annotate.models import GoldItem, Judge, Task, TaskResponse
from annotate.reports.gold import Passed
from routing.services.asked import answers_to, asked_of
from routing.services.judge_runs import labels_of

LATEST = 2_000


def judge_passed(judge: Judge) -> Passed:
    """Of its labels, or suggestions, on the latest tasks in use with a known answer. Of a form its
    question alone is compared; a known answer that says nothing of it does not count. A query,
    and two more where it has labelled any.
    """
    known = GoldItem.objects.live().filter(project=judge.project_id)
    said = dict(
        labels_of(judge)
        .filter(task__in=known.values("task"))
        .order_by("-task")
        .values_list("task", "value")[:LATEST]
    )
    if not said:
        return Passed(0, 0)
    tasks = Task.objects.filter(pk__in=said).annotate(tolerance=F("gold_item__tolerance"))
    responses: dict[int, list[int]] = {}
    places = TaskResponse.objects.filter(task__in=said).order_by("response")
    for task_id, response_id in places.values_list("task", "response"):
        responses.setdefault(task_id, []).append(response_id)
    asked = asked_of(judge.project)
    kind = asked.kind if asked.name else judge.project.kind
    right = count = 0
    for task_id, gold, tolerance in tasks.values_list("pk", "gold", "tolerance"):
        compared = answers_to(asked, judge.project.kind, gold, tuple(responses[task_id]))
        if compared is not None:
            answer, about = compared
            count += 1
            right += grade(kind, said[task_id], answer, about, tolerance).right
    return Passed(right, count)
