"""Fitting a policy to what judges and people both labelled. For workers: needs numpy.

Judges that cost nothing read what they have not read yet; of the others only calls on record
count, so a fit never spends money. Held-out prompts are never fitted on: what is measured, and
what promotion tests, is measured there.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max

from annotate.models import JobState, Judge, Judgement, Project, Task
from annotate.services import audit, jobs
from routing import judges as judge_kinds
from routing.judges import Verdict
from routing.models import FeatureSpecification, PolicyFit, PolicyJudge, RoutingPolicy
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import BadBatch, DoublyLabelled, Layout, Policy
from routing.policies.error import ErrorPolicy
from routing.policies.plain import RandomPolicy, RulePolicy
from routing.policies.registry import load
from routing.policies.rules import Rule, first_rule
from routing.replay import SHARES, Replay, known_errors, paired_difference, replay
from routing.services.featurising import freeze_specification
from routing.services.instances import SILENT, Sides, doubly_labelled, layout_of, sides_of
from routing.services.judging import questions, verdicts

LEAST_ROWS = 50
BATCH = 500
Said = list[dict[int, Verdict]]


class TooFewRows(Exception):
    """What is labelled by both does not suffice; says what is there and what to do."""


def run_fit(*, run: PolicyFit) -> None:
    """Make a draft; `run` must be claimed. Ends it as done, failed or cancelled."""
    project = run.project
    try:
        judges = list(ordered_judges(project, run.judges))
        if jobs.heartbeat(run, message="Freezes the features."):
            return jobs.finish(run, JobState.CANCELLED)
        spec = project.feature_specs.order_by("-version").first()
        spec = spec or freeze_specification(project=project)
        sides, said = gather(run, project, judges)
        if sides is None:
            return jobs.finish(run, JobState.CANCELLED)
        if jobs.heartbeat(run, message="Fits the policy."):
            return jobs.finish(run, JobState.CANCELLED)
        policy = _fit(run, spec, judges, sides, said)
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message="Waits for a worker to go on.")
    except (TooFewRows, BadBatch, ValueError, judge_kinds.JudgeError) as error:
        return jobs.finish(run, JobState.FAILED, message=str(error))
    return jobs.finish(run, JobState.DONE, policy=policy, message=f"Made {policy}.")


def ordered_judges(project: Project, ids: Sequence[int]) -> list[Judge]:
    """In the order of `ids`. Raises ValueError for one that is not the project's."""
    found = {judge.pk: judge for judge in Judge.objects.filter(project=project, pk__in=ids)}
    missing = [pk for pk in ids if pk not in found]
    if missing:
        raise ValueError(f"judges: {missing[0]} is no judge of this project")
    return [found[pk] for pk in ids]


def gather(
    run: PolicyFit, project: Project, judges: Sequence[Judge]
) -> tuple[list[Sides] | None, Said]:
    """The tasks that every judge and at least one person labelled; (None, []) when cancelled."""
    answered = (
        Judgement.objects.current().filter(project=project).exclude(source=Judgement.Source.JUDGE)
    )
    tasks = Task.objects.filter(project=project, pk__in=answered.values("task"))
    ids = list(tasks.order_by("pk").values_list("pk", flat=True))
    said: Said = [{} for _ in judges]
    kept: list[Sides] = []
    for start in range(0, len(ids), BATCH):
        if jobs.heartbeat(run, progress=start, total=len(ids), message="Reads what was labelled."):
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
    kind = judge_kinds.get(judge.kind)
    stop = (lambda: True) if kind.priced else should_stop  # a judge told to stop makes no call
    with closing(verdicts(judge, list(questions(task_ids)), stop)) as heard:
        return {one.task_id: one for one in heard if not one.failed}


def _fit(
    run: PolicyFit,
    spec: FeatureSpecification,
    judges: Sequence[Judge],
    sides: Sequence[Sides],
    said: Said,
) -> RoutingPolicy:
    layout = layout_of(spec, judges)
    rows = doubly_labelled(spec, sides, said) if sides else None
    held_out = np.array([one.held_out for one in sides], dtype=bool)
    there = int((~held_out).sum())
    if rows is None or (there < LEAST_ROWS and run.kind in ("error", "cascade")):
        raise TooFewRows(
            f"{there} tasks outside the held-out prompts are labelled by people and by every "
            f"judge; {LEAST_ROWS} are needed. Let the judge label tasks that people have answered "
            "(a run of the judge), or let people audit more of its share."
        )
    seed = run.project.seed
    policy: Policy
    if run.kind == "error":
        policy = ErrorPolicy.fit(rows.take(~held_out), layout, seed=seed)
    elif run.kind == "cascade":
        risk = float(run.settings["risk"])
        policy = CascadePolicy.fit(rows.take(~held_out), layout, risk=risk, seed=seed)
    else:
        policy = {"rule": RulePolicy, "random": RandomPolicy}[run.kind](layout)
    rules = rules_of(run.settings)
    first_rule(rules, rows.instances.take(np.arange(0)), layout)  # refuses unknown tags at once
    tested = rows.take(held_out) if held_out.any() else None
    metrics = measure(policy, tested, run.settings, rules, seed=seed) | {"fitted_on": there}
    metrics |= promise(policy)
    if tested is not None and len(tested.vote_row):
        metrics |= against_incumbent(run, policy, tested, judges, rules)
    return _keep(run, spec, judges, policy.to_json(), metrics)


def rules_of(settings: Mapping[str, Any]) -> list[Rule]:
    """What no judge has a label for goes to people; then the manager's rules, in their order."""
    silent = Rule(name=SILENT, signal=SILENT, value=1.0)
    return [silent, *(Rule.from_json(rule) for rule in settings["rules"])]


def measure(
    policy: Policy,
    rows: DoublyLabelled | None,
    settings: Mapping[str, Any],
    rules: Sequence[Rule],
    *,
    seed: int,
) -> dict[str, Any]:
    """Label error on rows that the policy was not fitted on, beside chance and the extremes."""
    if rows is None or not len(rows.vote_row):
        return {"tested_on": 0}
    errors = known_errors(rows, policy)
    chance = RandomPolicy(policy.layout)
    options: dict[str, Any] = {"seed": seed, "rules": rules, "explore": settings["explore"]}
    curve = []
    for share in SHARES:
        ours = replay(policy, rows, errors, share=share, **options)
        by_chance = replay(chance, rows, errors, share=share, **options)
        apart = paired_difference(ours.error_N, by_chance.error_N, rows.group)
        curve.append(
            {
                "share": share,
                "people": ours.share,
                "error": ours.error,
                "chance": by_chance.error,
                "difference": [apart.value, apart.low, apart.high],
            }
        )
    return {
        "tested_on": len(rows.instances),
        "curve": curve,
        "all_people": float(errors.people_N.mean()),
        "all_ai": {
            name: float(errors.judge_NJ[:, judge].mean())
            for judge, name in enumerate(policy.layout.judges)
        },
    }


def against_incumbent(
    run: PolicyFit,
    policy: Policy,
    rows: DoublyLabelled,
    judges: Sequence[Judge],
    rules: Sequence[Rule],
) -> dict[str, Any]:
    """The new policy's label error less that of the policy in force, at the same share of people,
    on the held-out rows; nothing where none is in force or it has other judges.
    """
    active = run.project.routing_policies.filter(state=RoutingPolicy.State.ACTIVE).first()
    if active is None:
        return {}
    errors, seed = known_errors(rows, policy), run.project.seed
    if active.is_fitted:
        there = [place.judge_id for place in active.places.order_by("position")]
        if (
            there != [judge.pk for judge in judges]
            or active.spec != run.project.feature_specs.last()
        ):
            return {}
        share = active.settings["share"] if active.settings["money"] is None else 0.5
        old = replay(
            load(active.artifact), rows, errors, share=share, seed=seed,
            rules=rules_of(active.settings), explore=active.audit_share,
        )  # fmt: skip
    else:
        if active.judge_id not in [judge.pk for judge in judges]:
            return {}
        place = [judge.pk for judge in judges].index(active.judge_id)
        sure = rows.instances.signals[:, _column(policy.layout, f"{active.judge} is sure")]
        asked = ~(sure >= 2 * active.threshold - 1)  # sure is |2p - 1|; unknown goes to people
        error_N = np.where(asked, errors.people_N, errors.judge_NJ[:, place])
        old = Replay(float(asked.mean()), error_N, asked)
    new = replay(
        policy, rows, errors, share=old.share, seed=seed, rules=rules,
        explore=run.settings["explore"],
    )  # fmt: skip
    apart = paired_difference(new.error_N, old.error_N, rows.group)
    return {
        "against": {
            "policy": active.pk,
            "people": old.share,
            "new": new.error,
            "old": old.error,
            "difference": [apart.value, apart.low, apart.high],
        }
    }


def _column(layout: Layout, name: str) -> int:
    return [signal.name for signal in layout.signals].index(name)


def promise(policy: Policy) -> dict[str, Any]:
    """What the fit itself tells: the reliability of its error, and a cascade's thresholds."""
    told: dict[str, Any] = {}
    if isinstance(policy, ErrorPolicy):
        told["reliability"] = [list(point) for point in policy.error.curve]
    if isinstance(policy, CascadePolicy):
        told["risk"], told["delta"] = policy.risk, policy.delta
        told["thresholds"] = policy.to_json()["thresholds"]
    return told


@transaction.atomic
def _keep(
    run: PolicyFit,
    spec: FeatureSpecification,
    judges: Sequence[Judge],
    artifact: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> RoutingPolicy:
    project = Project.objects.select_for_update(no_key=True).get(pk=run.project_id)
    mine = RoutingPolicy.objects.filter(project=project)
    policy = RoutingPolicy.objects.create(
        project=project,
        version=(mine.aggregate(Max("version"))["version__max"] or 0) + 1,
        kind=run.kind,
        judge=judges[-1],
        audit_share=run.settings["explore"],
        spec=spec,
        settings=run.settings,
        artifact=_finite(artifact),
        metrics=_finite(metrics),
        seed=project.seed,
    )
    PolicyJudge.objects.bulk_create(
        PolicyJudge(policy=policy, judge=judge, position=position)
        for position, judge in enumerate(judges)
    )
    audit.record(
        action="routing.policy_fitted", target=policy, actor=run.created_by, project=project
    )
    return policy


def _finite(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: null stands for what is not known."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
