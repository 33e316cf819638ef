"""Working through a ranking: which open tasks come first, and why. For workers: needs numpy."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from django.db import connection

from annotate.models import JobState, Project, Task
from annotate.services import jobs
from annotate.services.reports.quality_rows import newest_judgement
from annotate.services.work.places import Place, put_first
from annotate.wording import Told
from routing import judges as judge_kinds
from routing.encoders import ReadingStopped
from routing.models import Decision, SecondLookItem, Selection, SelectionRun
from routing.policies.draws import uniform_draws
from routing.selection.mixing import mix
from routing.services.pools import DRAW, Order, Pool, Stopped
from routing.services.strategies import STRATEGIES
from routing.words.reasons import why

# An open task is one with a seat to be had. The pool is fixed by the seed as long as nothing is
# done or added, so that a judge reads it once.
OPEN_TASKS = """
SELECT task_id, count(*) OVER ()
FROM (SELECT DISTINCT task_id FROM annotate_seat WHERE project_id = %s AND state = 'open') open
ORDER BY md5(task_id::text || %s), task_id LIMIT %s
"""


BEAT = 1.0  # seconds between two heartbeats


def run_ranking(*, run: SelectionRun) -> None:
    """Rank the open tasks and put them first; `run` must be claimed. Ends it as done, failed or
    cancelled. Killed, it begins anew: what judges said is kept, and the same order changes nothing.
    """
    if jobs.heartbeat(run, message=Told("Reads the open tasks.")):
        return jobs.finish(run, JobState.CANCELLED, message="")
    newest = Task.objects.filter(project=run.project).order_by("-pk").values_list("pk", flat=True)
    newest_task = newest.first() or 0
    newest_label = newest_judgement(run.project)
    task_ids, there = open_tasks(run.project, run.settings["pool"])
    drawn = tasks_left_to_chance(run.project, task_ids)
    chosen_from = [pk for pk in task_ids if pk not in drawn]

    stop, beaten = False, -BEAT

    def step(done: int) -> bool:
        """May be called for every row: it looks once in BEAT seconds."""
        nonlocal stop, beaten
        if time.monotonic() - beaten >= BEAT:
            stop = bool(jobs.heartbeat(run, progress=done, total=len(chosen_from)))
            beaten = time.monotonic()
        return stop

    pool = Pool(run.project, chosen_from, run.settings["most"], run.judge, step, run.settings)
    try:
        order = STRATEGIES[run.strategy](pool)
        if order.missing and not order.chosen:
            return jobs.finish(run, JobState.FAILED, message=order.missing[0])
        if jobs.heartbeat(run, message=Told("Puts them in order.")):
            raise Stopped
    except (Stopped, ReadingStopped):
        return jobs.finish(run, JobState.CANCELLED, message="")
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (ValueError, judge_kinds.JudgeError) as error:  # NothingToGoOn and BadBatch among them
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error))
    places = places_of(order, drawn, among=len(chosen_from), seed=run.project.seed)
    seats = put_first(
        project=run.project,
        places=places,
        provided=lambda: _is_wanted(run),
        between=lambda: step(len(chosen_from)),
    )
    if seats is None:
        return jobs.finish(run, JobState.CANCELLED, message=Told("Another strategy was chosen."))
    report = {
        **run.report,
        "open": there,
        "pool": len(task_ids),
        "ranked": len(places),
        "by_chance": sum(one.score is None for one in places),
        "seats": seats,
        "newest_task": newest_task,
        "newest_judgement": newest_label,
        "missing": [one.message for one in order.missing],
        "told": [one.as_dict() for one in order.missing],
    }
    message = Told("{count} of {all} open tasks ranked.", count=len(places), all=there)
    return jobs.finish(run, JobState.DONE, report=report, message=message)


def _is_wanted(run: SelectionRun) -> bool:
    """Whether the strategy is still the one that was asked for; read under the project's lock."""
    now = Selection.objects.filter(project=run.project_id).first()
    asked = (run.strategy, run.settings)
    return now is not None and (now.strategy, now.settings) == asked


def open_tasks(project: Project, most: int) -> tuple[list[int], int]:
    """(up to `most` of the tasks that have an open seat, drawn by chance; how many there are)."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN_TASKS, [project.pk, f":{project.seed}", most])
        rows = cursor.fetchall()
    return [pk for pk, _ in rows], rows[0][1] if rows else 0


def tasks_left_to_chance(project: Project, task_ids: Sequence[int]) -> set[int]:
    """Those of held-out prompts, which test models, and those that a policy or a second look drew
    to explore: what is measured on them would no longer hold if the strategy chose among them.
    """
    held_out = Task.objects.filter(
        pk__in=task_ids, prompt__split_bucket__lt=project.test_percent
    ).values_list("pk", flat=True)
    explored = Decision.objects.filter(task__in=task_ids, explored=True, shadow=False)
    looked = SecondLookItem.objects.asking_people().filter(task__in=task_ids, explored=True)
    return {
        *held_out,
        *explored.values_list("task_id", flat=True),
        *looked.values_list("task_id", flat=True),
    }


def places_of(order: Order, drawn: set[int], *, among: int, seed: int) -> list[Place]:
    """The chosen tasks, with those left to chance between them in their share of all."""
    share = len(order.chosen) / among if among else 1.0
    ids = np.array(sorted(drawn), dtype=np.int64)
    by_draw = ids[np.argsort(uniform_draws(seed, ids, DRAW), kind="stable")].tolist()
    some = by_draw[: round(share * len(by_draw))] if order.chosen else []
    found: list[Place] = []
    for row, is_drawn in mix(range(len(order.chosen)), range(len(some))):
        if is_drawn:
            found.append(Place(some[row], None, [why("by chance")]))
        else:
            one = order.chosen[row]
            found.append(Place(one.task_id, _plain(one.score), one.reasons))
    return found


def _plain(score: Any) -> float | None:
    return float(score) if np.isfinite(score) else None
