"""Passes of fitted policies: many tasks at once, within a budget. For workers: needs numpy.

What no budget is left for, in its window, is left undecided: people may still take it, the judge
alone never gets it, and the next pass looks at it again.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from annotate.models import Judge, Judgement, Seat, Task
from annotate.services.work.locks import lock_tasks
from routing import judges as judge_kinds
from routing.judges import Verdict
from routing.models import Decision, RoutingPolicy
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import Instances, Policy
from routing.policies.decide import Decisions, Refusals, decide, standing_judges
from routing.policies.registry import load
from routing.services.budgets import budget_left, costs_of
from routing.services.domains import refused_to
from routing.services.experts import give_to
from routing.services.instances import Sides, instances, rules_of, sides_of
from routing.services.judging import as_answer, questions, verdicts
from routing.settings.policy import TIERS
from routing.words.reasons import Why, why

AI, BOTH, PEOPLE = Decision.Route.AI, Decision.Route.BOTH, Decision.Route.PEOPLE
EXPERT = TIERS.index("expert")
MOST_REASONS = 5


@dataclass(frozen=True)
class Row:
    """One task's part of a batch that was decided."""

    sides: Sides
    verdict: Verdict | None
    judge: Judge
    label: int
    route: str
    explored: bool
    propensity: float
    score: float
    threshold: float | None
    p_err: float
    cost: float
    reasons: list[Why]
    experts: bool = False  # whether only they are asked


@dataclass(frozen=True)
class Decided:
    """Rows to be applied, and how many tasks are left undecided for want of budget."""

    rows: list[Row]
    waiting: int


def decide_tasks(
    policy_row: RoutingPolicy,
    task_ids: Sequence[int],
    *,
    to_come: int,
    should_stop: Callable[[], bool],
) -> Decided:
    """Ask the judges and decide, without writing a decision. `to_come` counts all tasks that this
    pass has still to decide, these among them.

    Tasks on which a judge's call failed are left out: a later pass asks again.
    Raises JudgeError, JudgeInterrupted, and as `featurise`.
    """
    policy = load(policy_row.artifact)
    judges = [place.judge for place in _places(policy_row)]
    sides = sides_of(task_ids, test_percent=policy_row.project.test_percent)
    said, sides = _ask(policy, policy_row, judges, sides, should_stop)
    if not sides:
        return Decided([], 0)
    batch = instances(policy_row.spec, policy.layout, sides, said, should_stop)
    ids = [one.task_id for one in sides]
    refused = refused_to(judges, policy_row.settings.get("domains", ""), ids)
    made = decide(
        policy,
        batch,
        budget=budget_left(policy_row, to_come=to_come),
        seed=policy_row.seed,
        rules=rules_of(policy_row.settings),
        refusals=refused,
        explore=policy_row.audit_share,
    )
    costs = costs_of(policy_row)
    standing = standing_judges(made.scored.judge, batch.judge_labels)
    rows = [
        row
        for number, one in enumerate(sides)
        if (row := _row(one, number, int(standing[number]), made, batch, judges, said, costs,
                        refused)) is not None
    ]  # fmt: skip
    return Decided(rows, len(sides) - len(rows))


def _places(policy: RoutingPolicy) -> list:
    return list(policy.places.select_related("judge").order_by("position"))


def _ask(
    policy: Policy,
    policy_row: RoutingPolicy,
    judges: Sequence[Judge],
    sides: list[Sides],
    should_stop: Callable[[], bool],
) -> tuple[list[dict[int, Verdict]], list[Sides]]:
    """Every judge's verdicts, and the tasks that none failed on. A cascade asks its stronger
    judges only about what the cheaper ones may not keep.
    """
    said: list[dict[int, Verdict]] = [{} for _ in judges]
    open_sides = list(sides)
    failed: set[int] = set()
    for number, judge in enumerate(judges):
        ids = [one.task_id for one in open_sides]
        with closing(verdicts(judge, list(questions(ids)), should_stop)) as heard:
            for verdict in heard:
                if verdict.failed:
                    failed.add(verdict.task_id)
                else:
                    said[number][verdict.task_id] = verdict
        failed |= {pk for pk in ids if pk not in said[number]}
        open_sides = [one for one in open_sides if one.task_id not in failed]
        if isinstance(policy, CascadePolicy) and open_sides and number + 1 < len(judges):
            batch = instances(policy_row.spec, policy.layout, open_sides, said, should_stop)
            sure = 1 - policy.models[number].predict(batch)[0]
            keeps = sure >= policy.thresholds[number].value
            open_sides = [one for one, kept in zip(open_sides, keeps, strict=True) if not kept]
    return said, [one for one in sides if one.task_id not in failed]


def _row(
    one: Sides,
    number: int,
    place: int,
    made: Decisions,
    batch: Instances,
    judges: Sequence[Judge],
    said: Sequence[dict[int, Verdict]],
    costs: Sequence[float],
    refused: Refusals,
) -> Row | None:
    """None for what waits for budget, and for what people could never be asked about. `place`: of
    the judge whose label stands.
    """
    route, propensity = made.route_name(number), float(made.propensity[number])
    if route == "wait" or propensity <= 0:
        return None
    reasons = made.reasons(number)[:MOST_REASONS]
    label = int(batch.judge_labels[number, place])
    if label == 0 and route in (AI, BOTH):
        route, propensity = PEOPLE, 1.0
        reasons = [why("silent")]
    refusal = refused.number[number, place]
    if refusal >= 0 and route in (AI, BOTH):  # the judge that stands in
        route, propensity, reasons = PEOPLE, 1.0, [refused.reasons[refusal]]
    asks = route != AI
    tier = int(made.source[number]) if made.asks_people[number] else 0
    if route == PEOPLE and tier == EXPERT:  # it was to audit, and the judge's label cannot stand
        route = Decision.Route.EXPERT
    return Row(
        sides=one,
        verdict=said[place].get(one.task_id),
        judge=judges[place],
        label=label,
        route=route,
        explored=bool(made.explored[number]),
        propensity=propensity,
        score=float(made.score[number]),
        threshold=float(made.threshold) if np.isfinite(made.threshold) else None,
        p_err=float(made.scored.p_err[number]),
        cost=costs[tier] if asks else 0.0,
        reasons=reasons,
        experts=asks and tier == EXPERT,
    )


@transaction.atomic
def apply_row(policy: RoutingPolicy, row: Row) -> Decision | None:
    """Record a decision and, unless the policy is in shadow, make it so.

    Locks the task, then its seats. Of what experts are to label nobody else is given a seat from
    then on. What somebody began meanwhile stays with people; a held-out prompt is never the AI's
    alone, so people label it for sure, drawn to explore or not. None if the task
    was decided under this policy before, or the policy's state is no longer that of the pass.
    """
    task_id, shadow = row.sides.task_id, policy.state == RoutingPolicy.State.SHADOW
    if not RoutingPolicy.objects.filter(pk=policy.pk, state=policy.state).exists():
        return None
    lock_tasks([task_id])
    seats = list(Seat.objects.select_for_update().filter(task=task_id))
    if Decision.objects.filter(task=task_id, policy=policy, shadow=shadow).exists():
        return None
    route, propensity, reasons = row.route, row.propensity, list(row.reasons)
    if route in (AI, BOTH) and row.sides.held_out:
        route, propensity = BOTH, 1.0
        reasons.append(why("held out"))
    if route == AI and not shadow and any(seat.state in ("leased", "done") for seat in seats):
        route, propensity = PEOPLE, 1.0
        reasons.append(why("begun"))
    if row.experts and not shadow and any(seat.state in ("leased", "done") for seat in seats):
        reasons.append(why("begun"))
    if not shadow:
        give_to(project=policy.project, task_id=task_id, experts=row.experts)
    if not shadow and route in (AI, BOTH):
        _label(policy, row)
        Task.objects.filter(pk=task_id).update(route=route)
    if not shadow and route == AI:
        Seat.objects.filter(task=task_id, state=Seat.State.OPEN).update(state=Seat.State.VOID)
    return Decision.objects.create(
        task_id=task_id,
        policy=policy,
        score=row.score,
        threshold=row.threshold,
        route=route,
        wanted=row.route,
        explored=row.explored,
        propensity=propensity,
        p_err=row.p_err,
        judge_label=row.label,
        cost=row.cost,
        shadow=shadow,
        reasons=reasons,
    )


def _label(policy: RoutingPolicy, row: Row) -> None:
    preferred = row.sides.first if row.label > 0 else row.sides.second
    Judgement.objects.create(
        project=policy.project,
        task_id=row.sides.task_id,
        **as_answer(row.sides.task_id, preferred),
        source=Judgement.Source.JUDGE,
        judge=row.judge,
        simulated=judge_kinds.get(row.judge.kind).simulated,
        shown_order=[row.sides.first, row.sides.second],
        seconds_active=row.verdict.seconds if row.verdict else None,
    )
