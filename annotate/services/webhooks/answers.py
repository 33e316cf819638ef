"""Making events of judgements, for workers: submitting one costs nothing but a row.

The row is written with the judgement (annotate/sql/overlaps.sql) and taken away with the events
made of it, so each is told whatever is killed, and in whatever order transactions end.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from annotate.models import (
    EventType,
    Judgement,
    NormingSeat,
    OverlapDue,
    Seat,
    Task,
    UntoldJudgement,
)
from annotate.services.webhooks.events import announce

AT_ONCE = 200
SWEPT = 5_000


def announce_answers(limit: int = SWEPT) -> int:
    """Make the events; returns of how many judgements. For beat.

    Where seats follow the answers, a judgement waits until they did (OverlapDue): only then is it
    known whether its task is done.
    """
    told = 0
    while told < limit:
        found = _announce_some()
        told += found
        if found < AT_ONCE:
            break
    return told


@transaction.atomic
def _announce_some() -> int:
    being_fitted = OverlapDue.objects.values("task")
    rows = UntoldJudgement.objects.exclude(task_id__in=being_fitted).order_by("pk")
    rows = list(rows.select_for_update(skip_locked=True)[:AT_ONCE])
    judgements = Judgement.objects.select_related("annotator", "judge", "task__prompt")
    found = judgements.in_bulk([row.judgement_id for row in rows])
    seats = NormingSeat.objects.filter(seat__in=[one.seat_id for one in found.values()])
    sessions = dict(seats.values_list("seat_id", "session_id"))
    for row in rows:
        judgement = found[row.judgement_id]
        announce(
            project_id=row.project_id,
            type=EventType.JUDGEMENT,
            key=judgement.pk,
            data=judgement_data(judgement, sessions.get(judgement.seat_id)),
        )
    _announce_done({one.task_id: one.task for one in found.values()})
    UntoldJudgement.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return len(rows)


def judgement_data(judgement: Judgement, norming: int | None) -> dict[str, Any]:
    """A judgement as it is told: its author by pseudonym, or the judge by name and version.

    `norming`: the session that it was given in, if it was.
    """
    judge = judgement.judge
    return {
        "judgement": judgement.pk,
        "task": judgement.task_id,
        "prompt": judgement.task.prompt.external_id,
        "kind": judgement.kind,
        "schema_version": judgement.schema_version,
        "value": judgement.value,
        "source": judgement.source,
        "simulated": judgement.simulated,
        "annotator": judgement.annotator.pseudonym if judgement.annotator else None,
        "judge": {"name": judge.name, "version": judge.version} if judge else None,
        "seconds_active": judgement.seconds_active,
        "submitted_at": judgement.submitted_at.isoformat(),
        "supersedes": judgement.supersedes_id,
        "late": judgement.late,
        "norming": norming,
    }


def _announce_done(tasks: Mapping[int, Task]) -> None:
    """Tasks that want no more answers, once for each number of answers that they were done with."""
    for pk, counts in _done(tasks.values()).items():
        task = tasks[pk]
        announce(
            project_id=task.project_id,
            type=EventType.TASK,
            key=f"{pk} {counts['people']} {counts['judges']}",
            data={
                "task": pk,
                "prompt": task.prompt.external_id,
                "route": task.route,
                "judgements": counts,
            },
        )


def _done(tasks: Iterable[Task]) -> dict[int, dict[str, int]]:
    """How many labels those have that are done, by task: no seat is open or held, and where a
    judge is asked it has answered.
    """
    tasks = list(tasks)
    ids = [task.pk for task in tasks]
    wanted = _wanted(ids)
    counts: dict[int, dict[str, int]] = defaultdict(lambda: {"people": 0, "judges": 0})
    labels = Judgement.objects.labels().filter(task__in=ids)
    by_people, by_judges = (
        Count("pk", filter=Q(source="person")),
        Count("pk", filter=Q(source="judge")),
    )
    for row in labels.order_by().values("task").annotate(people=by_people, judges=by_judges):
        counts[row["task"]] = {"people": row["people"], "judges": row["judges"]}
    return {
        task.pk: counts[task.pk]
        for task in tasks
        if task.pk not in wanted
        and (task.route == Task.Route.PEOPLE or counts[task.pk]["judges"])
        and (task.route == Task.Route.AI or counts[task.pk]["people"])
    }


def _wanted(task_ids: Collection[int]) -> set[int]:
    pending = Seat.objects.filter(
        task__in=task_ids,
        state__in=[Seat.State.OPEN, Seat.State.LEASED],
        is_gold=False,
        number__lt=Seat.NORMING,
    )
    return set(pending.values_list("task", flat=True))
