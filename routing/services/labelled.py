"""What judges and people both labelled, for fits and simulations. For workers: needs numpy."""

from collections.abc import Callable, Sequence
from contextlib import closing

from annotate.models import Job, Judge, Judgement, Project, Task
from annotate.services import jobs
from annotate.wording import Refusal, Told
from routing.judges import Verdict
from routing.models import of_people, outside_second_looks
from routing.services.instances import Sides, sides_of
from routing.services.judging import questions, verdicts
from routing.services.learned import new_to

BATCH = 500
Said = list[dict[int, Verdict]]


def ordered_judges(project: Project, ids: Sequence[int]) -> list[Judge]:
    """In the order of `ids`. Raises ValueError for one that is not the project's."""
    found = {judge.pk: judge for judge in Judge.objects.filter(project=project, pk__in=ids)}
    missing = [pk for pk in ids if pk not in found]
    if missing:
        raise Refusal("judges: {judge} is no judge of this project", judge=missing[0])
    return [found[pk] for pk in ids]


def gather(run: Job, project: Project, judges: Sequence[Judge]) -> tuple[list[Sides] | None, Said]:
    """The tasks that every judge and at least one person labelled; (None, []) when cancelled.

    Without those that a second look asked people about: there the judge is wrong more often than
    elsewhere on tasks with the same features. And without those that one of the judges, a reward
    model, learned from: there it is wrong less often.
    """
    answered = outside_second_looks(of_people(Judgement.objects.labels().filter(project=project)))
    tasks = Task.objects.filter(project=project, pk__in=answered.values("task"))
    for judge in judges:
        tasks = new_to(judge, tasks)
    ids = list(tasks.order_by("pk").values_list("pk", flat=True))
    said: Said = [{} for _ in judges]
    kept: list[Sides] = []
    for start in range(0, len(ids), BATCH):
        if jobs.heartbeat(
            run, progress=start, total=len(ids), message=Told("Reads what was labelled.")
        ):
            return None, []
        batch = sides_of(ids[start : start + BATCH], test_percent=project.test_percent)
        heard = [
            free_verdicts(judge, [one.task_id for one in batch], lambda: bool(jobs.heartbeat(run)))
            for judge in judges
        ]
        for one in batch:
            if all(one.task_id in verdict for verdict in heard):
                kept.append(one)
                for number, verdict in enumerate(heard):
                    said[number][one.task_id] = verdict[one.task_id]
    return kept, said


def free_verdicts(
    judge: Judge, task_ids: Sequence[int], should_stop: Callable[[], bool]
) -> dict[int, Verdict]:
    """By task: what the judge says without a call that may cost money; failures are left out."""
    asked = list(questions(task_ids))
    with closing(verdicts(judge, asked, should_stop, may_call=False)) as heard:
        return {one.task_id: one for one in heard if not one.failed}
