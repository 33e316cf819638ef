"""Tasks as arrays: what fitted policies are fitted on and decide about. For workers: needs numpy.

A judge's signals are known once it answered: how sure it is, how far its two orders are apart, and
whether its choice is the longer one. Sides are those of the task's own order of responses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotate.media.as_text import as_text
from annotate.models import Judge, Judgement, Membership, Task
from routing.features.signals import (
    confidence,
    judge_spread,
    length_gap,
    reward_margin,
    swap_disagreement,
    towards_label,
)
from routing.judges import Verdict
from routing.models import FeatureSpecification, of_people
from routing.policies.contract import (
    COMMON,
    BadBatch,
    DoublyLabelled,
    Floats,
    Instances,
    Ints,
    Layout,
    Signal,
)
from routing.policies.rules import Rule
from routing.services.featurising import spec_of, tags_and_scores
from routing.services.reading import ShouldStop, never
from routing.settings.policy import TIERS, tiers_of
from routing.words.column import DISAGREE, LENGTH_GAP, SILENT, STRATUM, signals_of_judge

UNSURE = 1e-9  # a probability nearer to a half than that is an abstention


@dataclass(frozen=True)
class Sides:
    """A task's two responses in its own order, its prompt, and the words of each response."""

    task_id: int
    prompt_id: int
    held_out: bool
    first: int
    second: int
    words: tuple[int, int]


def layout_of(
    spec: FeatureSpecification, judges: Sequence[Judge], settings: Mapping[str, Any]
) -> Layout:
    """Tags of the specification; four signals a judge, and where the judges disagree; the strata
    that rules of a policy with these settings name, and the tiers of people that it tells apart.
    """
    names = [str(judge) for judge in judges]
    signals = [Signal(LENGTH_GAP, COMMON)]
    for number, name in enumerate(names):
        signals += [Signal(signal, number) for signal in signals_of_judge(name)]
    if len(names) > 1:
        signals.append(Signal(DISAGREE, len(names) - 1))
    signals.append(Signal(SILENT, len(names) - 1))
    named = dict.fromkeys(rule["signal"] for rule in settings.get("rules", ()))
    signals += [Signal(name, COMMON) for name in named if name.startswith(STRATUM)]
    return Layout(spec_of(spec).names, tuple(signals), tuple(names), tiers_of(settings))


def instances(
    spec: FeatureSpecification,
    layout: Layout,
    sides: Sequence[Sides],
    said: Sequence[Mapping[int, Verdict]],
    should_stop: ShouldStop = never,
) -> Instances:
    """`said`: for each judge, from cheap to strong, its verdicts by task; missing ones are unknown.

    The signals are those of the layout, which may be that of a policy of earlier days. Two queries
    for the features, however many tasks. Raises as `featurise` while it computes those that lack,
    and BadBatch for a signal that nothing gives.
    """
    ids = np.array([one.task_id for one in sides], dtype=np.int64)
    tags, _ = tags_and_scores(spec, ids.tolist(), should_stop)
    gap = length_gap([one.words[0] for one in sides], [one.words[1] for one in sides])
    labels = np.zeros((len(sides), len(said)), dtype=np.int8)
    columns: dict[str, Floats] = {LENGTH_GAP: np.abs(gap)}
    for judge, (name, verdicts) in enumerate(zip(layout.judges, said, strict=True)):
        p = np.array([_p_first(verdicts.get(one.task_id)) for one in sides], dtype=np.float64)
        apart = np.array([_orders_apart(verdicts.get(one.task_id)) for one in sides])
        clear = np.isfinite(p) & (np.abs(p - 0.5) > UNSURE)
        labels[clear, judge] = np.where(p[clear] > 0.5, 1, -1)
        spread = np.array([_members_apart(verdicts.get(one.task_id)) for one in sides])
        found = (confidence(p), apart, towards_label(gap, labels[:, judge]), spread)
        columns |= zip(signals_of_judge(name), found, strict=True)
    columns[DISAGREE] = judge_spread(labels)
    columns[SILENT] = (labels == 0).all(1).astype(float)
    columns |= _strata(ids, [one.name for one in layout.signals if one.name.startswith(STRATUM)])
    signals = [_column(columns, one.name) for one in layout.signals]
    return Instances(ids, tags, np.column_stack(signals), labels)


def _strata(task_ids: Ints, names: Sequence[str]) -> dict[str, Floats]:
    """1 where the task is in the stratum that the signal is named by. One query, or none."""
    if not names:
        return {}
    tasks = Task.objects.filter(pk__in=task_ids.tolist())
    stratum = dict(tasks.values_list("pk", "stratum"))
    here = [STRATUM + stratum.get(pk, "") for pk in task_ids.tolist()]
    return {name: np.array([one == name for one in here], dtype=float) for name in names}


def _column(columns: Mapping[str, Floats], name: str) -> Floats:
    if name not in columns:
        raise BadBatch("signal {name}: nothing gives it any more; fit the policy anew", name=name)
    return columns[name]


def _p_first(verdict: Verdict | None) -> float:
    return np.nan if verdict is None or verdict.p_first is None else verdict.p_first


def _orders_apart(verdict: Verdict | None) -> float:
    """NaN for judges that ask once, such as reward models, which see no order."""
    orders: Any = verdict.raw.get("orders") if verdict is not None else None
    if not orders or len(orders) != 2:
        return float("nan")
    return float(swap_disagreement(orders[0], 1 - orders[1]))


def _members_apart(verdict: Verdict | None) -> float:
    """The spread of an ensemble's members' margins; NaN for other judges."""
    members = members_of(verdict)
    return float(reward_margin(members[:, None, :])[1][0]) if len(members) > 1 else float("nan")


def members_of(verdict: Verdict | None) -> Floats:
    """[M, 2]: what each member of an ensemble gave either response; M is 0 for other judges."""
    found = verdict.raw.get("members") if verdict is not None else None
    return np.array(found or [], dtype=np.float64).reshape(-1, 2)


def sides_of(task_ids: Iterable[int], *, test_percent: int) -> list[Sides]:
    """Those of the tasks that hold exactly two responses, in order of id. Two queries."""
    found = []
    tasks = Task.objects.filter(pk__in=list(task_ids)).select_related("prompt")
    for task in tasks.prefetch_related("places__response").order_by("pk"):
        places = sorted(task.places.all(), key=lambda place: place.position)
        if len(places) != 2:
            continue
        first, second = (place.response for place in places)
        found.append(
            Sides(
                task.pk,
                task.prompt_id,
                task.prompt.split_bucket < test_percent,
                first.pk,
                second.pk,
                (words_in(first.content), words_in(second.content)),
            )
        )
    return found


def words_in(content: Sequence[Mapping[str, Any]]) -> int:
    return len(as_text(content).split())


def votes_of(
    sides: Sequence[Sides], tiers: Sequence[str] = TIERS[:1]
) -> list[tuple[int, int, int, int]]:
    """(row, author, tier, label) of every current answer of a person to these tasks.

    A preference is 1 or -1 by the task's own order, all other verdicts 0. Imported answers count
    as people's, of the first tier. One query, and one where experts are told apart: by the tier
    that a member has now.
    """
    row_of = {one.task_id: row for row, one in enumerate(sides)}
    answers = of_people(Judgement.objects.labels().filter(task__in=list(row_of))).values_list(
        "task_id", "annotator_id", "imported_author", "value"
    )
    authors: dict[object, int] = {}
    experts = _experts(row_of) if len(tiers) > 1 else frozenset()
    found = []
    for task_id, annotator, imported, value in answers:
        row = row_of[task_id]
        author = authors.setdefault(annotator or f"imported {imported}", len(authors))
        preferred = value.get("preferred")
        one = sides[row]
        label = {one.first: 1, one.second: -1}.get(preferred, 0)
        found.append((row, author, int(annotator in experts), label))
    return sorted(found)


def _experts(task_ids: Iterable[int]) -> frozenset[int]:
    projects = Task.objects.filter(pk__in=list(task_ids)).values("project")
    rows = Membership.objects.filter(project__in=projects, tier=Membership.Tier.EXPERT)
    return frozenset(rows.values_list("user", flat=True))


def doubly_labelled(
    spec: FeatureSpecification,
    layout: Layout,
    sides: Sequence[Sides],
    said: Sequence[Mapping[int, Verdict]],
    should_stop: ShouldStop = never,
) -> DoublyLabelled:
    """All of the tasks with people's votes; groups are prompts. Raises as `instances`."""
    votes = np.array(votes_of(sides, layout.tiers), dtype=np.int64).reshape(-1, 4)
    return DoublyLabelled(
        instances(spec, layout, sides, said, should_stop),
        votes[:, 0],
        votes[:, 1],
        votes[:, 2],
        votes[:, 3].astype(np.int8),
        np.array([one.prompt_id for one in sides], dtype=np.int64),
    )


def rules_of(settings: Mapping[str, Any]) -> list[Rule]:
    """What no judge has a label for goes to people; then the manager's rules, in their order."""
    silent = Rule(name=SILENT, signal=SILENT, value=1.0)
    return [silent, *(Rule.from_json(rule) for rule in settings["rules"])]
