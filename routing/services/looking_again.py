"""Working through a second look: what is trusted, turned round, or asked of people. For workers:
needs numpy.

First all is planned and kept as rows in one transaction; then each task is done in one of its own.
A look that is killed goes on with the rows that are left, so nothing is drawn or done twice.
"""

import time
from typing import Any

import numpy as np
from django.db import transaction

from annotate.kinds import pairwise
from annotate.models import JobState, Judgement, LabelFlip, Seat, Task
from annotate.services import audit, jobs
from annotate.services.outgoing import flips
from annotate.services.work.locks import lock_tasks
from annotate.services.work.tasks import open_seats
from annotate.wording import Refusal, Told
from routing import judges as judge_kinds
from routing.models import SecondLook, SecondLookItem
from routing.policies.second_stage import LEAST_ROWS, OUTCOMES, SecondStage
from routing.policies.second_stage import SecondLook as Looked
from routing.services.labels_alone import (
    Audited,
    Labels,
    Stopped,
    audited,
    drawn,
    labels_of,
)
from routing.services.learned import new_to
from routing.services.second_looks import labelled_alone

AT_ONCE = 20  # tasks between two heartbeats
BEAT = 2.0  # seconds between two heartbeats
TRUST, FLIP, PEOPLE, WAIT = range(len(OUTCOMES))


def run_second_look(*, run: SecondLook) -> None:
    """Look, and unless it is a dry run do; `run` must be claimed. Ends it as done, failed or
    cancelled. What was done before a cancel stays done, and can be taken back.
    """
    try:
        if not run.items.exists():
            plan(run)
        if not run.dry_run:
            carry_out(run)
    except Stopped:
        return jobs.finish(run, JobState.CANCELLED, message="")
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (ValueError, judge_kinds.JudgeError) as error:
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error))
    counts = run.report["counts"]
    message = Told(
        "{trust} labels trusted, {flip} turned round, people asked about {people}, {wait} wait.",
        trust=counts["trust"],
        flip=counts["flip"],
        people=run.report["asked"],
        wait=counts["wait"],
    )
    return jobs.finish(run, JobState.DONE, message=message)


def plan(run: SecondLook) -> None:
    """Read, calibrate, sort, and keep the report; of a look that is no dry run the rows too.

    Raises Stopped, JudgeError, JudgeInterrupted, and Refusal where too little is known.
    """
    step = _Step(run)
    asked = run.settings
    alone = labelled_alone(run.project)
    new = new_to(run.judge, alone)
    task_ids = drawn(new, asked["most"], run.seed)
    if jobs.heartbeat(run, message=Told("Reads what people were asked about by chance.")):
        raise Stopped
    known = audited(run.project, run.judge, step)
    _refuse_too_few(len(known.margin))
    stage = SecondStage.fit(
        known.margin, known.wrong, known.weight, known.fold,
        trust=asked["trust"], flip=asked["flip"],
    )  # fmt: skip
    said = Told("Reads what the judge labelled alone.")
    if jobs.heartbeat(run, progress=0, total=len(task_ids), message=said):
        raise Stopped
    labels = labels_of(run.judge, task_ids, step)
    made = stage.look(
        labels.task, labels.margin, labels=asked["labels"], explore=asked["explore"], seed=run.seed
    )
    there = alone.count()
    report = {
        "there": there,
        "learned": there - new.count(),
        "contradicted": labels.contradicted,
        "silent": labels.silent,
        "not_read": labels.not_read,
        **_figures(stage, known, labels, made),
    }
    with transaction.atomic():
        if not run.dry_run:
            SecondLookItem.objects.bulk_create(_items(run, labels, made), batch_size=1000)
        if jobs.heartbeat(run, report=report, progress=0, total=len(labels.task)):
            raise Stopped


class _Step:
    """A heartbeat now and then; once somebody asked to stop it says so for good."""

    def __init__(self, run: SecondLook) -> None:
        self.run, self.beaten, self.stopped = run, 0.0, False

    def __call__(self, done: int) -> bool:
        if not self.stopped and time.monotonic() - self.beaten > BEAT:
            self.beaten = time.monotonic()
            self.stopped = bool(jobs.heartbeat(self.run, progress=done))
        return self.stopped


def _refuse_too_few(count: int) -> None:
    if count < LEAST_ROWS:
        raise Refusal(
            "{count} labels of the judge that people were asked about by chance are answered and "
            "new to the reward model; {least} are needed to tell what a margin is worth. Let "
            "people answer the audited tasks, or raise the explored share of the policy.",
            count=count,
            least=LEAST_ROWS,
        )


def _figures(stage: SecondStage, known: Audited, labels: Labels, made: Looked) -> dict[str, Any]:
    """What the page and REST tell of a plan. `wrong_after` takes people to be right."""
    rows = len(labels.task)
    asks = made.asks_people
    stands = np.where(made.outcome == FLIP, 1 - made.p_wrong, made.p_wrong)
    trusted, flipped = made.outcome == TRUST, made.outcome == FLIP
    sure = trusted | flipped
    return {
        "read": rows,
        "counts": {name: int((made.outcome == n).sum()) for n, name in enumerate(OUTCOMES)},
        "explored": {
            "trust": int((trusted & made.explored).sum()),
            "flip": int((flipped & made.explored).sum()),
        },
        "asked": int(asks.sum()),
        "explored_share": float(made.propensity[sure].mean()) if sure.any() else None,
        "trusted_from": float(labels.margin[trusted].min()) if trusted.any() else None,
        "turned_to": float(labels.margin[flipped].max()) if flipped.any() else None,
        "wrong_before": float(made.p_wrong.mean()) if rows else None,
        "wrong_after": float(np.where(asks, 0.0, stands).mean()) if rows else None,
        "calibrated_on": len(known.margin),
        "audited_wrong": float(known.weight @ known.wrong / known.weight.sum()),
        "curve": [list(point) for point in stage.curve],
    }


def _items(run: SecondLook, labels: Labels, made: Looked) -> list[SecondLookItem]:
    return [
        SecondLookItem(
            look=run,
            task_id=task_id,
            label=int(labels.label[row]),
            margin=float(labels.margin[row]),
            p_wrong=float(np.clip(made.p_wrong[row], 0, 1)),
            outcome=OUTCOMES[made.outcome[row]],
            explored=bool(made.explored[row]),
            propensity=float(np.clip(made.propensity[row], 0, 1)),
        )
        for row, task_id in enumerate(labels.task.tolist())
    ]


def carry_out(run: SecondLook) -> None:
    """Do what is planned and not done yet. Raises Stopped."""
    planned = run.items.filter(state=SecondLookItem.State.PLANNED).order_by("pk")
    changes_nothing = planned.exclude(outcome__in=["flip", "people"]).filter(explored=False)
    changes_nothing.update(state=SecondLookItem.State.APPLIED)
    todo = list(planned.values_list("pk", flat=True))
    for number, pk in enumerate(todo):
        if number % AT_ONCE == 0 and jobs.heartbeat(
            run, progress=run.total - len(todo) + number, message=Told("Turns labels, asks people.")
        ):
            raise Stopped
        apply_item(pk)
    with transaction.atomic():
        states = run.items.values_list("state", flat=True)
        audit.record(
            action="routing.second_look_done",
            target=run,
            actor=run.created_by,
            project=run.project,
            counts=run.report["counts"],
            asked=run.report["asked"],
            passed_over=states.filter(state=SecondLookItem.State.PASSED_OVER).count(),
        )
        jobs.heartbeat(run, progress=run.total)


@transaction.atomic
def apply_item(pk: int) -> None:
    """Turn the task's labels round, or open its seats, or both. Locks the task, its
    seats, then the row.

    What somebody began, answered or turned meanwhile is passed over, and the row says so.
    """
    task_id = SecondLookItem.objects.values_list("task_id", flat=True).get(pk=pk)
    lock_tasks([task_id])
    list(Seat.objects.select_for_update().filter(task=task_id).order_by("pk"))
    item = (
        SecondLookItem.objects.select_for_update(of=("self",))
        .select_related("look__judge")
        .get(pk=pk)
    )
    if item.state != SecondLookItem.State.PLANNED:
        return
    task = labelled_alone(item.look.project).filter(pk=task_id).select_related("project").first()
    if task is None:
        item.state = SecondLookItem.State.PASSED_OVER
    else:
        if item.outcome == SecondLookItem.Outcome.FLIP:
            _turn(item, task)
        if item.asks_people:
            task.route = Task.Route.BOTH
            task.save(update_fields=["route"])
            open_seats(tasks=[task])
        item.state = SecondLookItem.State.APPLIED
    item.save(update_fields=["state"])


def _turn(item: SecondLookItem, task: Task) -> list[LabelFlip]:
    response_ids = list(task.places.order_by("position").values_list("response_id", flat=True))
    labels = task.judgements.labels().filter(
        source=Judgement.Source.JUDGE, kind=pairwise.NAME, value__verdict="prefer"
    )
    why = {
        "second_look": item.look_id,
        "reward_model": str(item.look.judge),
        "margin": item.margin,
        "p_wrong": item.p_wrong,
    }
    return [flips.turn_label(judgement=one, response_ids=response_ids, why=why) for one in labels]
