"""Fitting a policy to what judges and people both labelled. For workers: needs numpy.

Judges that cost nothing read what they have not read yet; of the others only calls on record
count, so a fit never spends money. Held-out prompts are never fitted on: what is measured, and
what promotion tests, is measured there.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Max

from annotate.models import JobState, Judge, Project
from annotate.services import audit, jobs
from annotate.wording import Told
from routing import judges as judge_kinds
from routing.boosting import booster
from routing.encoders import ReadingStopped
from routing.models import FeatureSpecification, PolicyFit, PolicyJudge, RoutingPolicy
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import DoublyLabelled, Layout, Policy
from routing.policies.decide import Refusals
from routing.policies.error import Costs, ErrorPolicy
from routing.policies.error_model import ErrorModel
from routing.policies.plain import RandomPolicy, RulePolicy
from routing.policies.rules import Rule, first_rule
from routing.replay import SHARES, known_errors, paired_difference, replay
from routing.services import fitting_ppm
from routing.services.comparing import Ours, against_incumbent
from routing.services.domains import refused_to
from routing.services.expert_votes import require_experts
from routing.services.featurising import current_specification, freeze_specification
from routing.services.fitting_ppm import TooFewRows
from routing.services.instances import Sides, doubly_labelled, layout_of, rules_of
from routing.services.labelled import Said, gather, ordered_judges
from routing.services.reading import EncoderChanged
from routing.settings.policy import prices_of

LEAST_ROWS = 50
BEAT = 2.0  # seconds between two heartbeats
CHANCE_DRAWS = 8


def run_fit(*, run: PolicyFit) -> None:
    """Make a draft; `run` must be claimed. Ends it as done, failed or cancelled."""
    project = run.project
    try:
        judges = list(ordered_judges(project, run.judges))
        if jobs.heartbeat(run, message=Told("Freezes the features.")):
            return jobs.finish(run, JobState.CANCELLED, message="")
        spec = current_specification(
            project=project,
            encoder=run.settings.get("encoder"),
            should_stop=lambda: _beat(run),
        )
        sides, said = gather(run, project, judges)
        if sides is None:
            return jobs.finish(run, JobState.CANCELLED, message="")
        if jobs.heartbeat(run, message=Told("Fits the policy.")):
            return jobs.finish(run, JobState.CANCELLED, message="")
        policy = _fit(run, spec, judges, sides, said)
    except ReadingStopped:
        return jobs.finish(run, JobState.CANCELLED, message="")
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (ValueError, judge_kinds.JudgeError) as error:  # TooFewRows and BadBatch among them
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error))
    return jobs.finish(
        run,
        JobState.DONE,
        policy=policy,
        message=Told("Made routing policy v{version}.", version=policy.version),
    )


def _beat(run: PolicyFit) -> bool:
    return bool(jobs.heartbeat(run))


def _fit(
    run: PolicyFit,
    spec: FeatureSpecification,
    judges: Sequence[Judge],
    sides: Sequence[Sides],
    said: Said,
) -> RoutingPolicy:
    layout = layout_of(spec, judges, run.settings)
    try:
        rows = doubly_labelled(spec, layout, sides, said, lambda: _beat(run)) if sides else None
    except EncoderChanged:
        name = spec.encoder.name if spec.encoder is not None else ""
        spec = freeze_specification(
            project=run.project, encoder=name, should_stop=lambda: _beat(run)
        )
        layout = layout_of(spec, judges, run.settings)
        rows = doubly_labelled(spec, layout, sides, said, lambda: _beat(run))
    held_out = np.array([one.held_out for one in sides], dtype=bool)
    there = int((~held_out).sum())
    if rows is None or (there < LEAST_ROWS and run.kind in ("error", "cascade")):
        raise TooFewRows(
            "{count} tasks outside the held-out prompts are labelled by people and by every "
            "judge; {least} are needed. What a reward model learned from does not count. Let the "
            "judge label tasks that people have answered (a run of the judge), or let people "
            "audit more of its share.",
            count=there,
            least=LEAST_ROWS,
        )
    seed = run.project.seed
    policy: Policy
    told: dict[str, Any] = {}
    prices = prices_of(run.settings)
    boost = booster() if run.settings.get("boosting", True) else None
    if run.kind == "ppm":
        policy, told = _fit_ppm(run, spec, judges, sides, rows, layout, held_out)
    elif run.kind == "error":
        require_experts(rows.take(~held_out), layout)
        costs = Costs.of_prices(layout, prices)
        policy = ErrorPolicy.fit(rows.take(~held_out), layout, costs=costs, seed=seed, boost=boost)
    elif run.kind == "cascade":
        risk = float(run.settings["risk"])
        require_experts(rows.take(~held_out), layout)
        policy = CascadePolicy.fit(
            rows.take(~held_out), layout, risk=risk, prices=prices, seed=seed, boost=boost
        )
    else:
        policy = {"rule": RulePolicy, "random": RandomPolicy}[run.kind](layout)
    rules = rules_of(run.settings)
    first_rule(rules, rows.instances.take(np.arange(0)), layout)  # refuses unknown tags at once
    tested = rows.take(held_out) if held_out.any() else None
    ids = [one.task_id for one in sides if one.held_out]
    refused = refused_to(judges, run.settings.get("domains", ""), ids)
    metrics = measure(policy, tested, run.settings, rules, refused, seed=seed)
    metrics |= {"fitted_on": there}
    metrics |= promise(policy) | told
    if tested is not None and len(tested.vote_row):
        metrics |= against_incumbent(
            run, Ours(policy, judges, rules, refused, run.settings["explore"]),
            [one for one in sides if one.held_out], said, tested, lambda: _beat(run),
        )  # fmt: skip
    return _keep(run, spec, judges, policy.to_json(), metrics)


def _fit_ppm(
    run: PolicyFit,
    spec: FeatureSpecification,
    judges: Sequence[Judge],
    sides: Sequence[Sides],
    rows: DoublyLabelled,
    layout: Layout,
    held_out: Any,
) -> tuple[Policy, dict[str, Any]]:
    """With what was measured of it. Raises TooFewRows, NoHeads, EncoderError, ReadingStopped."""
    beaten = 0.0

    def beat(done: int, of: int) -> None:
        nonlocal beaten
        if time.monotonic() - beaten > BEAT:
            beaten = time.monotonic()
            said = Told("Trains reward models on mixes of labels.")
            if jobs.heartbeat(run, progress=done, total=of, message=said):
                raise ReadingStopped

    seed, asked = run.project.seed, run.settings
    mixed = fitting_ppm.mixed_rows(spec, sides, rows, seed=seed)
    policy, told = fitting_ppm.fit_ppm(
        rows.take(~held_out), mixed.take(~held_out), layout,
        mixes=asked["mixes"], share=asked["share"], seed=seed, beat=beat,
    )  # fmt: skip
    ids = rows.instances.ids[~held_out].tolist()
    told["reward_model"] = fitting_ppm.reward_model_curve(
        policy, rows.instances.take(~held_out), mixed.take(~held_out), mixed.take(held_out),
        l2=told["l2"], seed=seed,
        rules=rules_of(asked), refused=refused_to(judges, asked.get("domains", ""), ids),
    )  # fmt: skip
    return policy, {"ppm": told}


def measure(
    policy: Policy,
    rows: DoublyLabelled | None,
    settings: Mapping[str, Any],
    rules: Sequence[Rule],
    refused: Refusals,
    *,
    seed: int,
) -> dict[str, Any]:
    """Label error on rows that the policy was not fitted on, beside chance and the extremes.

    Chance is the mean of several draws: one draw may be lucky where rows are few.
    `people` of a point are those who are asked at last; for `waits` of the rows that is after the
    window, whose budget they exceed.
    """
    if rows is None or not len(rows.vote_row):
        return {"tested_on": 0}
    errors = known_errors(rows, policy)
    chance = RandomPolicy(policy.layout)
    options: dict[str, Any] = {"seed": seed, "rules": rules, "refusals": refused}
    options["explore"] = settings["explore"]
    curve = []
    for share in SHARES:
        ours = replay(policy, rows, errors, share=share, **options)
        drawn = [
            replay(chance, rows, errors, share=share, **options | {"seed": seed + draw}).error_N
            for draw in range(CHANCE_DRAWS)
        ]
        by_chance_N = np.mean(drawn, axis=0)
        apart = paired_difference(ours.error_N, by_chance_N, rows.group)
        curve.append(
            {
                "share": share,
                "people": ours.share,
                "waits": float(ours.waits.mean()),
                "error": ours.error,
                "chance": float(by_chance_N.mean()),
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


def promise(policy: Policy) -> dict[str, Any]:
    """What the fit itself tells: what predicts errors, how reliably, and a cascade's thresholds."""
    told: dict[str, Any] = {}
    if isinstance(policy, ErrorPolicy):
        told["reliability"] = [list(point) for point in policy.error.curve]
        told["error_models"] = [_of_error_model(policy.layout.judges[policy.base], policy.error)]
    if isinstance(policy, CascadePolicy):
        told["risk"], told["delta"] = policy.risk, policy.delta
        told["thresholds"] = policy.to_json()["thresholds"]
        named = zip(policy.layout.judges, policy.models, strict=True)
        told["error_models"] = [_of_error_model(judge, model) for judge, model in named]
    return told


def _of_error_model(judge: str, model: ErrorModel) -> dict[str, Any]:
    """What predicts the judge's error, and the held-out log-loss of all that was tried; nothing was
    where there were too few rows to learn from.
    """
    kept = "trees" if model.trees is not None else "logistic" if model.tried else "constant"
    return {"judge": judge, "kept": kept, "log_loss": dict(model.tried)}


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
