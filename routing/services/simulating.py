"""Replaying the kinds of policy on a project's past labels. For workers: needs numpy.

Like a fit it spends nothing: judges that cost nothing read what they have not read, of the others
only calls on record count.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from annotate.models import JobState, Judge
from annotate.services import jobs
from annotate.wording import Told
from routing import judges as judge_kinds
from routing.encoders import ReadingStopped
from routing.models import FeatureSpecification, PolicySimulation, RoutingPolicy
from routing.policies.contract import DoublyLabelled, Layout
from routing.policies.ppm import PpmPolicy
from routing.policies.registry import load
from routing.policies.rules import first_rule
from routing.replay_folds import REPLAYED, Replays
from routing.services.domains import refused_to
from routing.services.expert_votes import require_experts
from routing.services.featurising import current_specification
from routing.services.fitting_ppm import TooFewRows
from routing.services.instances import (
    Sides,
    doubly_labelled,
    instances,
    layout_of,
    rules_of,
)
from routing.services.labelled import Said, gather, ordered_judges
from routing.settings.policy import prices_of
from routing.settings.simulation import least_rows

LEAST_HELD_OUT = 2  # prompts that a policy fitted elsewhere is replayed on


class Cancelled(Exception):
    """Somebody asked the simulation to stop."""


def run_simulation(*, run: PolicySimulation) -> None:
    """Replay; `run` must be claimed. Ends it as done, failed or cancelled."""
    project = run.project
    try:
        judges = ordered_judges(project, run.judges)
        spec = current_specification(project=project, should_stop=lambda: _beat(run))
        sides, said = gather(run, project, judges)
        if sides is None:
            raise Cancelled
        layout = layout_of(spec, judges, run.settings)
        rows = doubly_labelled(spec, layout, sides, said, lambda: _beat(run)) if sides else None
        result = _replay_all(run, spec, layout, judges, rows, sides, said)
    except (Cancelled, ReadingStopped):
        return jobs.finish(run, JobState.CANCELLED, message="")
    except judge_kinds.JudgeInterrupted:
        return jobs.release(run, excused=True, message=Told("Waits for a worker to go on."))
    except (ValueError, judge_kinds.JudgeError) as error:  # TooFewRows and BadBatch among them
        return jobs.finish(run, JobState.FAILED, message=jobs.why(error))
    return jobs.finish(run, JobState.DONE, result=result, message="", progress=run.total)


def _beat(run: PolicySimulation) -> bool:
    """Told while features are read, which may take minutes."""
    return bool(jobs.heartbeat(run, message=Told("Reads texts.")))


def _replay_all(
    run: PolicySimulation,
    spec: FeatureSpecification,
    layout: Layout,
    judges: Sequence[Judge],
    rows: DoublyLabelled | None,
    sides: Sequence[Sides],
    said: Said,
) -> dict[str, Any]:
    folds, repeats = run.settings["folds"], run.settings["repeats"]
    there = 0 if rows is None else len(rows.instances)
    prompts = 0 if rows is None else len(np.unique(rows.group))
    if rows is None or there < least_rows(folds) or prompts < 2 * folds:
        raise TooFewRows(
            "{count} tasks of {prompts} prompts are labelled by people and by every judge; "
            "{least} tasks of {least_prompts} prompts are needed. What a reward model learned from "
            "does not count. Let the judge label tasks that people have answered (a run of the "
            "judge), or let people audit more of its share.",
            count=there,
            prompts=prompts,
            least=least_rows(folds),
            least_prompts=2 * folds,
        )
    rules = rules_of(run.settings)
    first_rule(rules, rows.instances.take(np.arange(0)), layout)  # refuses unknown tags at once
    require_experts(rows, layout)
    refused = refused_to(judges, run.settings.get("domains", ""), rows.instances.ids.tolist())
    replays = Replays(
        rows, layout, explore=run.settings["explore"], risk=run.settings["risk"],
        rules=rules, refusals=refused, prices=prices_of(run.settings),
    )  # fmt: skip
    total, done = len(REPLAYED) * folds * repeats, 0

    def step() -> None:
        nonlocal done
        done += 1
        if jobs.heartbeat(run, progress=done, total=total, message=Told("Replays policies.")):
            raise Cancelled

    curves: dict[str, Any] = {}
    skipped: dict[str, str | Told] = {}
    for kind in REPLAYED:
        try:
            for repeat in range(repeats):
                replays.add(kind, folds=folds, seed=run.project.seed + repeat, step=step)
        except ValueError as error:  # too few rows in a fold for this kind; the others go on
            skipped[kind] = jobs.why(error)
            replays.tallies.pop(kind, None)
            done = (REPLAYED.index(kind) + 1) * folds * repeats
        else:
            curves[kind] = {"tested_on": there, "points": _points(replays, kind)}
    found = _fitted_ppm(run, spec, judges, sides, said, replays)
    if isinstance(found, Told):
        skipped["ppm"] = found
    elif found is not None:
        curves["ppm"] = found
    return {
        "tasks": there,
        "prompts": prompts,
        "judges": [{"id": one.pk, "name": str(one)} for one in judges],
        "curves": curves,
        "skipped": {kind: str(getattr(one, "message", one)) for kind, one in skipped.items()},
        "told": {kind: one.as_dict() for kind, one in skipped.items() if isinstance(one, Told)},
        "all_people": replays.all_people().to_json(),
        "all_ai": [one.to_json() for one in replays.all_ai()],
    }


def _points(replays: Replays, name: str) -> list[Any]:
    return [point.to_json() for point in replays.points(name)]


def _fitted_ppm(
    run: PolicySimulation,
    spec: FeatureSpecification,
    judges: Sequence[Judge],
    sides: Sequence[Sides],
    said: Said,
    replays: Replays,
) -> dict[str, Any] | Told | None:
    """The newest fitted `ppm` on held-out prompts, which no fit has seen; why not, or None where
    there is none. To fit one takes hundreds of trained models, so it is not fitted anew in folds.
    It reads tags alone: those of the features that it was fitted with.
    """
    policy = (
        RoutingPolicy.objects.filter(project=run.project, kind=RoutingPolicy.Kind.PPM)
        .exclude(artifact=None)
        .select_related("spec__encoder")
        .order_by("-version")
        .first()
    )
    if policy is None:
        return None
    held_out_N = np.array([one.held_out for one in sides], dtype=bool)
    if len(np.unique(replays.rows.group[held_out_N])) < LEAST_HELD_OUT:
        return Told(
            "Routing policy v{version} needs tasks of held-out prompts, which its fit has not "
            "seen.",
            version=policy.version,
        )
    layout, part = replays.layout, replays.part(held_out_N)
    if policy.spec_id != spec.pk:
        assert policy.spec is not None  # of kind ppm
        mine = [one for one in sides if one.held_out]
        layout = layout_of(policy.spec, judges, run.settings)
        try:
            seen = instances(policy.spec, layout, mine, said, lambda: _beat(run))
        except ValueError as error:  # EncoderError: its weights changed, or nobody can read it
            return Told(
                "Routing policy v{version} was fitted with other features, which cannot be "
                "computed here: {why} Fit it anew.",
                version=policy.version,
                why=error.apart() if isinstance(error, Told) else str(error),
            )
        part = replace(part, layout=layout, rows=replace(part.rows, instances=seen))
    fitted = load(policy.artifact)
    assert isinstance(fitted, PpmPolicy)
    everywhere_N = np.full(len(part.rows.instances), True)
    part.add_fitted("ppm", replace(fitted, layout=layout), everywhere_N, seed=run.project.seed)
    return {
        "tested_on": int(held_out_N.sum()),
        "policy": policy.pk,
        "points": _points(part, "ppm"),
    }
