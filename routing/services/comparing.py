"""A new policy against the one in force, on the same held-out prompts. For workers: needs numpy.

Each is scored with its own features and its own judges, so another tagger, encoder or version of a
judge forbids no comparison. Where the one in force cannot be scored, the reason is kept, and who
promotes the new one has to say why.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from annotate.models import Judge, Task
from annotate.services import jobs
from routing import judges as judge_kinds
from routing.encoders import ReadingStopped
from routing.models import FeatureSpecification, PolicyFit, RoutingPolicy
from routing.policies.contract import DoublyLabelled, Policy
from routing.policies.decide import Refusals
from routing.policies.plain import RandomPolicy
from routing.policies.registry import load
from routing.policies.rules import Rule
from routing.replay import Replay, known_errors, paired_difference, replay
from routing.services.domains import refused_to
from routing.services.fitting_ppm import TooFewRows
from routing.services.instances import Sides, instances, layout_of, rules_of
from routing.services.labelled import Said, free_verdicts
from routing.services.learned import new_to

LEAST_PROMPTS = 2  # for an interval over prompts
SHARE_OF_MONEY = 0.5  # people's share at which a policy with a budget of money is replayed


@dataclass(frozen=True)
class Ours:
    """The new policy and what it is replayed with; `refused` has a row for each held-out task."""

    policy: Policy
    judges: Sequence[Judge]
    rules: Sequence[Rule]
    refused: Refusals
    explore: float


def against_incumbent(
    run: PolicyFit,
    ours: Ours,
    sides: Sequence[Sides],
    said: Said,
    rows: DoublyLabelled,
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    """`against`: the new policy's label error less that of the policy in force, at the same share
    of people, on the held-out rows that the judges of both have answered and neither's learned
    from; or `not_compared`: why there is no such figure. Nothing where none is in force.

    `sides` are the tasks of `rows`, `said` what the new policy's judges said of them.
    Raises ReadingStopped, JudgeInterrupted.
    """
    active = (
        run.project.routing_policies.filter(state=RoutingPolicy.State.ACTIVE)
        .select_related("spec__encoder", "judge")
        .first()
    )
    if active is None:
        return {}
    try:
        both_N, old_rows, judges = _rows_of(active, ours, sides, said, rows, should_stop)
        old = _replayed(active, judges, old_rows, seed=run.project.seed)
    except (ValueError, judge_kinds.JudgeError) as error:  # EncoderError, BadBatch, bad artifacts
        said_why = jobs.message_columns(jobs.why(error))
        return {"not_compared": {"policy": active.pk, **said_why}}
    part = rows.take(both_N)
    new = replay(
        ours.policy, part, known_errors(part, ours.policy), share=old.share, seed=run.project.seed,
        rules=ours.rules, refusals=ours.refused.take(both_N), explore=ours.explore,
    )  # fmt: skip
    apart = paired_difference(new.error_N, old.error_N, part.group)
    return {
        "against": {
            "policy": active.pk,
            "tasks": len(part.instances),
            "of": len(rows.instances),
            "people": old.share,
            "people_new": new.share,
            "new": new.error,
            "old": old.error,
            "difference": [apart.value, apart.low, apart.high],
        }
    }


def _rows_of(
    active: RoutingPolicy,
    ours: Ours,
    sides: Sequence[Sides],
    said: Said,
    rows: DoublyLabelled,
    should_stop: Callable[[], bool],
) -> tuple[np.ndarray, DoublyLabelled, list[Judge]]:
    """Which rows the judges of the policy in force answered too and did not learn from [N], and
    those as that policy sees them, with the same votes.

    Judges that cost nothing read what they have not read. Raises TooFewRows, and as `instances`.
    """
    places = active.places.select_related("judge").order_by("position")
    judges = [place.judge for place in places] or [active.judge]
    ids = [one.task_id for one in sides]
    known = {judge.pk: heard for judge, heard in zip(ours.judges, said, strict=True)}
    heard = [known.get(one.pk) or free_verdicts(one, ids, should_stop) for one in judges]
    if should_stop():
        raise ReadingStopped
    tasks = Task.objects.filter(pk__in=ids)
    for judge in judges:
        tasks = new_to(judge, tasks)
    new = set(tasks.values_list("pk", flat=True))
    both_N = np.array([pk in new and all(pk in one for one in heard) for pk in ids], dtype=bool)
    if len(np.unique(rows.group[both_N])) < LEAST_PROMPTS:
        raise TooFewRows(
            "The judges of version {version} have answered {count} of the {tasks} held-out tasks "
            "that it could be compared on. What a reward model learned from does not count. Let "
            "them label tasks of held-out prompts, and fit anew.",
            version=active.version,
            count=int(both_N.sum()),
            tasks=len(ids),
        )
    part = rows.take(both_N)
    spec = _spec_of(active)
    mine = [one for one, both in zip(sides, both_N, strict=True) if both]
    layout = load(active.artifact).layout if active.is_fitted else layout_of(spec, judges, {})
    seen = instances(spec, layout, mine, heard, should_stop)
    return both_N, replace(part, instances=seen), judges


def _spec_of(active: RoutingPolicy) -> FeatureSpecification:
    """A rule by threshold reads no features: any will do."""
    spec = active.spec or active.project.feature_specs.order_by("-version").first()
    assert spec is not None
    return spec


def _replayed(
    active: RoutingPolicy, judges: Sequence[Judge], rows: DoublyLabelled, *, seed: int
) -> Replay:
    """The policy in force at its own budget."""
    grouping = active.settings.get("domains", "")
    refused = refused_to(judges, grouping, rows.instances.ids.tolist())
    if active.is_fitted:
        policy = load(active.artifact)
        share = active.settings["share"] if active.settings["money"] is None else SHARE_OF_MONEY
        return replay(
            policy, rows, known_errors(rows, policy), share=share, seed=seed,
            rules=rules_of(active.settings), refusals=refused, explore=active.audit_share,
        )  # fmt: skip
    layout = layout_of(_spec_of(active), judges, {})
    errors = known_errors(rows, RandomPolicy(layout))
    signal = [one.name for one in layout.signals].index(f"{active.judge} is sure")
    sure_N = rows.instances.signals[:, signal]
    asked_N = ~(sure_N >= 2 * active.threshold - 1)  # sure is |2p - 1|; unknown goes to people
    asked_N |= refused.number[:, 0] >= 0
    error_N = np.where(asked_N, errors.people_N, errors.judge_NJ[:, 0])
    waits_N = np.zeros(len(asked_N), dtype=bool)  # it knows no budget
    return Replay(float(asked_N.mean()), error_N, asked_N, waits_N)
