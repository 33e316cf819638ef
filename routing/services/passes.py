"""One pass of the active policy over the tasks that people have not begun.

The judge works outside any transaction; each decision is one transaction of its own, so a
pass that is killed goes on where it was, and nothing is decided or labelled twice.
"""

import time
from array import array
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils import timezone

from annotate.models import (
    GoldItem,
    JobState,
    Judge,
    Judgement,
    Project,
    Prompt,
    Seat,
    Skip,
    Task,
    User,
)
from annotate.services import audit, jobs
from annotate.services.work.locks import lock_tasks
from annotate.wording import Told
from routing import judges
from routing.encoders import ReadingStopped
from routing.margin import MarginDecision, decide
from routing.models import Decision, RoutingPolicy, RoutingRun
from routing.services.budgets import has_budget
from routing.services.events import tell_window_used_up
from routing.services.experts import give_to
from routing.services.ids import ids_of
from routing.services.judging import as_answer, questions, verdicts
from routing.services.policies import follow_newest_judge
from routing.words.reasons import Why, why

BATCH = 2000  # tasks that a judge gets at once: it may load its model anew for each batch
AT_WORK = (RoutingPolicy.State.ACTIVE, RoutingPolicy.State.SHADOW)
LOOK_AGAIN = 600.0  # seconds between two looks through all tasks of a project

# Policy -> when this process last looked through all tasks, and the highest task id then.
_looked: dict[int, tuple[float, int]] = {}


class PassCancelled(Exception):
    """Somebody asked the pass to stop while the judge read."""


@transaction.atomic
def stop_pass(*, run: RoutingRun, actor: User) -> None:
    """Stop it; what it decided stays decided. One that is over stays as it is."""
    if run.is_over:
        return
    jobs.request_cancel(run)
    audit.record(action="routing.cancel_asked", target=run, actor=actor, project=run.project)


@transaction.atomic
def start_routing(
    *, project: Project, actor: User | None, shadow: bool = False
) -> RoutingRun | None:
    """Queue a pass of the policy in force, or of the one in shadow; the one that is already queued
    or running if there is one.

    None if the project has no such policy.
    """
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    state = RoutingPolicy.State.SHADOW if shadow else RoutingPolicy.State.ACTIVE
    policy = RoutingPolicy.objects.filter(project=project, state=state).first()
    if policy is None:
        return None
    policy = follow_newest_judge(policy=policy)
    going = RoutingRun.objects.filter(
        project=project, state__in=[JobState.QUEUED, JobState.RUNNING]
    ).first()
    if going is not None:
        return going
    run = RoutingRun.objects.create(project=project, policy=policy, created_by=actor)
    audit.record(action="routing.run_queued", target=run, actor=actor, project=project)
    jobs.enqueue(run)
    return run


def undecided(policy: RoutingPolicy):
    """Tasks with two responses that nobody has begun and this policy has not seen; not those that
    check people by a known answer, which ask nobody for labels.

    Tasks that an earlier version left to people are looked at again; what an AI or a person
    labelled stays as it is. A policy in shadow looks at what the policy in force decided.
    """
    mine = OuterRef("pk")
    if policy.state == RoutingPolicy.State.SHADOW:
        decided = Decision.objects.filter(
            task=mine, policy__state=RoutingPolicy.State.ACTIVE, shadow=False
        )
        seen = Decision.objects.filter(task=mine, policy=policy, shadow=True)
        tasks = Task.objects.filter(project=policy.project)
        return tasks.filter(Exists(decided)).filter(~Exists(seen)).order_by("pk")
    begun = Seat.objects.filter(task=mine, state__in=[Seat.State.LEASED, Seat.State.DONE])
    return (
        Task.objects.filter(project=policy.project, route=Task.Route.PEOPLE)
        .filter(~Exists(GoldItem.objects.live().filter(pk=mine)))
        .filter(~Exists(begun))
        .filter(~Exists(Judgement.objects.filter(task=mine)))
        .filter(~Exists(Skip.objects.filter(task=mine)))
        .filter(~Exists(Decision.objects.filter(task=mine, policy=policy, shadow=False)))
        .order_by("pk")
    )


def run_routing(*, run: RoutingRun) -> None:
    """Work through the pass; `run` must be claimed. Ends it as done, cancelled or failed, or gives
    it back to the queue when its worker is to end. A policy that is neither in force nor in shadow
    any more decides nothing.
    """
    policy = run.policy
    if policy.state not in AT_WORK:
        return jobs.finish(
            run,
            JobState.CANCELLED,
            message=Told(
                "Routing policy v{version} is not at work any more.", version=policy.version
            ),
        )
    todo = ids_of(undecided(policy))
    if jobs.heartbeat(run, progress=0, total=len(todo), message=Told("The judge reads.")):
        return jobs.finish(run, JobState.CANCELLED, message="")
    done, waiting = 0, Waiting()
    decisions = fitted_decisions if policy.is_fitted else margin_decisions
    try:
        with closing(decisions(run, todo, waiting)) as made:
            for _ in made:
                done += 1
                if done % 20 == 0 and jobs.heartbeat(run, progress=done):
                    raise PassCancelled
    except PassCancelled:
        return jobs.finish(run, JobState.CANCELLED, progress=done)
    except judges.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (judges.JudgeError, ValueError) as error:  # or an artifact that cannot be read
        return jobs.finish(run, JobState.FAILED, progress=done, message=jobs.why(error))
    if waiting.tasks:
        message = Told(
            "{done} tasks decided. {waiting} wait: no budget is left in this window.",
            done=done,
            waiting=waiting.tasks,
        )
    else:
        message = Told("{done} tasks decided.", done=done)
    jobs.finish(run, JobState.DONE, progress=done, message=message)
    return None


@dataclass
class Waiting:
    """How many tasks a pass left undecided for want of budget."""

    tasks: int = 0


def margin_decisions(
    run: RoutingRun, task_ids: "array[int]", waiting: Waiting
) -> Iterator[Decision | None]:
    """Each as it is made. Raises as `judge_tasks`."""
    for start in range(0, len(task_ids), BATCH):
        batch = task_ids[start : start + BATCH].tolist()
        refused = _refused(run.policy, batch)
        with closing(judge_tasks(run, batch)) as calls:
            for call in calls:
                why_not = refused.get(call.task_id, ())
                yield apply_decision(policy=run.policy, call=call, refused=why_not)


def _refused(policy: RoutingPolicy, task_ids: list[int]) -> dict[int, Why]:
    """Why the judge may not label these alone, under the policy's option of tested domains."""
    grouping = policy.settings.get("domains", "")
    if not grouping:
        return {}
    from routing.services.domains import refusals  # numpy, which the web goes without

    reasons = refusals([policy.judge], grouping, task_ids)
    return {pk: why_not for pk, [why_not] in zip(task_ids, reasons, strict=True)}


def fitted_decisions(
    run: RoutingRun, task_ids: "array[int]", waiting: Waiting
) -> Iterator[Decision | None]:
    """Batch by batch, each decision as it is made. Raises as `judge_tasks`."""
    from routing.services import deciding  # numpy, which the web goes without

    cancelled = False

    def should_stop() -> bool:
        nonlocal cancelled
        cancelled = cancelled or jobs.heartbeat(run)
        return cancelled

    for start in range(0, len(task_ids), BATCH):
        try:
            made = deciding.decide_tasks(
                run.policy,
                task_ids[start : start + BATCH].tolist(),
                to_come=len(task_ids) - start,
                should_stop=should_stop,
            )
        except ReadingStopped as stopped:
            raise PassCancelled from stopped
        if cancelled:
            raise PassCancelled
        for row in made.rows:
            yield deciding.apply_row(run.policy, row)
        waiting.tasks += made.waiting


@dataclass(frozen=True)
class Heard:
    """What a judge said of a task; `p_first` is None where it abstains, and `why_not` says why."""

    judge: Judge
    task_id: int
    shown_order: list[int]
    p_first: float | None
    seconds: float | None = None
    why_not: str | Told = ""


def judge_tasks(run: RoutingRun, task_ids: list[int]) -> Iterator[Heard]:
    """A verdict on each task; calls that are on record are not made again. Tasks on which a call
    failed are left out: they are asked about again in a later pass.

    Raises PassCancelled, JudgeInterrupted, JudgeError, or LeaseLost.
    """
    judge = run.policy.judge
    cancelled = False

    def should_stop() -> bool:
        nonlocal cancelled
        cancelled = cancelled or jobs.heartbeat(run)
        return cancelled

    for start in range(0, len(task_ids), BATCH):
        items = list(questions(task_ids[start : start + BATCH]))
        shown = {item.task_id: list(item.response_ids) for item in items}
        with closing(verdicts(judge, items, should_stop)) as said:
            for one in said:
                if not one.failed:
                    order = shown[one.task_id]
                    yield Heard(judge, one.task_id, order, one.p_first, one.seconds, one.why_not)
        if cancelled:
            raise PassCancelled


@transaction.atomic
def apply_decision(*, policy: RoutingPolicy, call: Heard, refused: Why = ()) -> Decision | None:
    """Decide one task and make it so: seats, the judge's label, the record.

    `refused` says why the judge may not label it alone; empty where it may.

    Locks the task, then its seats. If somebody took a seat while the judge read, the task stays
    with people; the record says so. None if the task was decided under this policy before, or the
    policy is no longer in force.
    """
    if not RoutingPolicy.objects.filter(pk=policy.pk, state=policy.state).exists():
        return None
    made = _decide(policy, call, refused)
    lock_tasks([call.task_id])
    seats = list(Seat.objects.select_for_update().filter(task=call.task_id))
    if Decision.objects.filter(task=call.task_id, policy=policy).exists():
        return None
    if made.route == "ai" and any(seat.state in ("leased", "done") for seat in seats):
        reasons = [*made.reasons, why("begun")]
        made = MarginDecision("people", made.score, False, 1.0, reasons)
    give_to(project=policy.project, task_id=call.task_id, experts=False)
    if made.route != "people":
        _label(policy, call)
        Task.objects.filter(pk=call.task_id).update(route=made.route)
    if made.route == "ai":
        Seat.objects.filter(task=call.task_id, state=Seat.State.OPEN).update(state=Seat.State.VOID)
    return Decision.objects.create(
        task_id=call.task_id,
        policy=policy,
        score=made.score,
        threshold=policy.threshold,
        route=made.route,
        explored=made.explored,
        propensity=made.propensity,
        reasons=made.reasons,
    )


def _decide(policy: RoutingPolicy, call: Heard, refused: Why) -> MarginDecision:
    """What a judge abstains from, or may not label, goes to people, whatever the threshold."""
    if call.p_first is None or call.p_first == 0.5:
        reason = why("abstains", call.why_not) if call.why_not else why("equal")
        return MarginDecision("people", 0.5, False, 1.0, [reason])
    if refused:
        return MarginDecision("people", max(call.p_first, 1 - call.p_first), False, 1.0, [refused])
    return decide(
        task_id=call.task_id,
        p_first=call.p_first,
        threshold=policy.threshold,
        audit_share=policy.audit_share,
        seed=policy.seed,
        held_out=_is_held_out(policy, call),
    )


def _is_held_out(policy: RoutingPolicy, call: Heard) -> bool:
    prompt = Prompt.objects.filter(tasks=call.task_id)
    return prompt.filter(split_bucket__lt=policy.project.test_percent).exists()


def _label(policy: RoutingPolicy, call: Heard) -> None:
    first, second = call.shown_order
    Judgement.objects.create(
        project=policy.project,
        task_id=call.task_id,
        **as_answer(call.task_id, first if call.p_first > 0.5 else second),
        source=Judgement.Source.JUDGE,
        judge=call.judge,
        simulated=judges.get(call.judge.kind).simulated,
        shown_order=call.shown_order,
        seconds_active=call.seconds,
    )


def policies_waiting() -> list[RoutingPolicy]:
    """Policies in force or in shadow that have tasks to decide, after they took on the newest
    judge; one a project, that in force first.
    """
    at_work = RoutingPolicy.objects.filter(
        state__in=AT_WORK, project__archived_at=None
    ).select_related("project", "judge")
    found: dict[int, RoutingPolicy] = {}
    for policy in at_work.order_by("state"):  # active before shadow
        if policy.project_id not in found:
            if policy.state == RoutingPolicy.State.ACTIVE:
                policy = follow_newest_judge(policy=policy)
            if _is_waiting(policy):
                found[policy.project_id] = policy
    return list(found.values())


def _is_waiting(policy: RoutingPolicy) -> bool:
    """Whether a pass should start by itself.

    A cancelled pass stays cancelled until somebody starts one, changes the policy, or puts it in
    force or in shadow (again); one that failed is tried again after LOOK_AGAIN.
    """
    runs = RoutingRun.objects.filter(project=policy.project_id)
    if runs.filter(state__in=[JobState.QUEUED, JobState.RUNNING]).exists():
        return False
    last = runs.filter(policy=policy).order_by("-pk").first()
    since = policy.state_since or policy.in_force_since
    earlier = last is not None and since is not None and last.created_at <= since
    if last is not None and last.state == JobState.CANCELLED and not earlier:
        return False
    pause = timezone.now() - timedelta(seconds=LOOK_AGAIN)
    if last is not None and last.state == JobState.FAILED and last.finished_at > pause:
        return False
    return _has_undecided(policy)


def _has_undecided(policy: RoutingPolicy) -> bool:
    """Between two looks through all tasks, which take seconds at a million, only new ones count.

    So a task that somebody leased and gave back, or that no judge can answer, waits for the next
    whole look. What waits for budget is not read again while there is none.
    """
    now = time.monotonic()
    looked_at, highest = _looked.get(policy.pk, (-LOOK_AGAIN, 0))
    if now - looked_at >= LOOK_AGAIN:
        looked_at, highest = now, 0
    newest = Task.objects.aggregate(newest=Max("pk"))["newest"] or 0
    found = bool(undecided(policy).filter(pk__gt=highest, pk__lte=newest).exists())
    _looked[policy.pk] = looked_at, newest
    if not found or has_budget(policy, undecided(policy)):
        return found
    tell_window_used_up(policy)
    return False
