"""How far a judge agrees with people on pairs, and what draws it: the place, the length; and how
it moved since its earlier versions. For workers: needs numpy.

From what is on record: nothing is asked that costs. The newest MOST tasks that people have
answered count, but for those that a second look asked about: it asks where the judge is doubted;
and those that a reward model learned from: it agrees there with people for having seen them.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotate.models import Judge, Judgement, Task
from annotate.quality.intervals import share_interval, wilson
from annotate.wording import Told
from routing.estimates.length_bias import Coefficient, NotTold, length_coefficient
from routing.judges import Question, Verdict
from routing.judges.length import COEFFICIENT, log_ratio
from routing.judges.probability import logit
from routing.models import JudgeRun, of_people, outside_second_looks
from routing.replay_folds import Mean, mean_over_prompts
from routing.reports.decisions import majority
from routing.services.asked import OF_PAIRS
from routing.services.judge_watch import RunCancelled, Watch
from routing.services.judging import questions, verdicts
from routing.services.learned import new_to

MOST = 2000  # tasks
BATCH = 200
MOST_VERSIONS = 5


@dataclass(frozen=True)
class Pair:
    """A task: the votes of people (1 for its first response, -1, 0 for neither) and lengths."""

    task_id: int
    prompt_id: int
    votes: tuple[int, ...]
    log_ratio: float

    @property
    def wanted(self) -> int:
        """What more than half of the votes say; 0 for neither."""
        return majority([vote or None for vote in self.votes]) or 0

    @property
    def mean(self) -> float:
        return sum(self.votes) / len(self.votes)


def measure(run: JudgeRun, watch: Watch) -> None:
    """Write the report. Raises RunCancelled, JudgeError."""
    judge = run.judge
    ids = _answered(judge)
    watch.beat(total=len(ids), message=Told("Compares with people."))
    pairs: list[Pair] = []
    said: dict[int, Verdict] = {}
    earlier = list(
        Judge.objects.filter(project=judge.project_id, name=judge.name, version__lt=judge.version)
        .order_by("-version")[:MOST_VERSIONS]
    )  # fmt: skip
    before: dict[int, dict[int, Verdict]] = {one.pk: {} for one in earlier}
    for start in range(0, len(ids), BATCH):
        asked = {one.task_id: one for one in questions(ids[start : start + BATCH])}
        votes = _votes(asked)
        for one, heard in ((judge, said), *((one, before[one.pk]) for one in earlier)):
            with closing(
                verdicts(one, _new_questions(one, asked), watch.should_stop, may_call=False)
            ) as verdicts_:
                heard |= {verdict.task_id: verdict for verdict in verdicts_ if not verdict.failed}
        prompts = dict(Task.objects.filter(pk__in=asked).values_list("pk", "prompt_id"))
        pairs += [
            Pair(pk, prompts[pk], votes[pk], log_ratio(asked[pk])) for pk in asked if pk in votes
        ]
        run.labelled = sum(pair.task_id in said for pair in pairs)
        watch.beat()
        if watch.cancelled:
            raise RunCancelled
    report = report_of(judge, pairs, said) | {
        "versions": [_drift(one, pairs, said, before[one.pk]) for one in earlier]
    }
    watch.keep(report=report)


def _answered(judge: Judge) -> list[int]:
    answers = Judgement.objects.labels().filter(project=judge.project_id, kind__in=OF_PAIRS)
    people = outside_second_looks(of_people(answers))
    tasks = Task.objects.filter(project=judge.project_id, pk__in=people.values("task"))
    return list(new_to(judge, tasks).order_by("-pk").values_list("pk", flat=True)[:MOST])


def _new_questions(judge: Judge, asked: Mapping[int, Question]) -> list[Question]:
    """Those about tasks that the judge did not learn from."""
    new = set(new_to(judge, Task.objects.filter(pk__in=asked)).values_list("pk", flat=True))
    return [one for pk, one in asked.items() if pk in new]


def _votes(asked: Mapping[int, Any]) -> dict[int, tuple[int, ...]]:
    answers = Judgement.objects.labels().filter(task__in=list(asked), kind__in=OF_PAIRS)
    found: dict[int, tuple[int, ...]] = {}
    for task_id, value in of_people(answers).order_by("pk").values_list("task_id", "value"):
        first, second = asked[task_id].response_ids
        vote = {first: 1, second: -1}.get(value.get("preferred"), 0)
        found[task_id] = (*found.get(task_id, ()), vote)
    return found


def report_of(judge: Judge, pairs: Sequence[Pair], said: Mapping[int, Verdict]) -> dict[str, Any]:
    """Plain JSON of one version."""
    heard = [pair for pair in pairs if pair.task_id in said]
    clear = [pair for pair in heard if _label(said[pair.task_id])]
    compared = [pair for pair in clear if pair.wanted]
    hits = [_label(said[pair.task_id]) == pair.wanted for pair in compared]
    agreeing = sum(hits)
    low, high = _over_prompts([pair.prompt_id for pair in compared], hits)
    return {
        "tasks": len(heard),
        "abstained": len(heard) - len(clear),
        "compared": len(compared),
        "agreeing": agreeing,
        "low": low,
        "high": high,
        "people": _people_among_themselves(heard),
        "order": _order(heard, said),
        "length": _length(judge, heard, said),
    }


def _label(verdict: Verdict) -> int:
    if verdict.p_first is None or verdict.p_first == 0.5:
        return 0
    return 1 if verdict.p_first > 0.5 else -1


def _people_among_themselves(pairs: Sequence[Pair]) -> dict[str, Any] | None:
    """How often a vote for a side is what the majority of the other votes says, where that is one:
    what a judge that is as good as one person would reach. None where nobody can be compared.
    """
    hits, group = [], []
    for pair in pairs:
        for number, vote in enumerate(pair.votes):
            others = [one or None for place, one in enumerate(pair.votes) if place != number]
            wanted = majority(others) if others else None
            if vote and wanted:
                hits.append(float(vote == wanted))
                group.append(pair.prompt_id)
    if not hits:
        return None
    mean = mean_over_prompts(np.array(hits), np.array(group))
    return {"votes": len(hits), **_within(mean, 0, 1)}


def _order(pairs: Sequence[Pair], said: Mapping[int, Verdict]) -> dict[str, Any] | None:
    """Of judges that are asked in both orders; None for others."""
    both = [
        (pair.prompt_id, *said[pair.task_id].raw["orders"])
        for pair in pairs
        if len(said[pair.task_id].raw.get("orders") or ()) == 2
    ]
    if not both:
        return None
    group = np.array([prompt for prompt, _, _ in both])
    bias = np.array([(logit(forward) + logit(backward)) / 2 for _, forward, backward in both])
    turned = [(forward > 0.5) == (backward > 0.5) for _, forward, backward in both]
    low, high = _over_prompts(group.tolist(), turned)
    first = float(np.mean([(a + b) / 2 for _, a, b in both]))
    return {
        "tasks": len(both),
        "bias": mean_over_prompts(bias, group).to_json(),
        "contradicting": {"value": sum(turned) / len(turned), "low": low, "high": high},
        "first_share": first,
    }


def _length(judge: Judge, pairs: Sequence[Pair], said: Mapping[int, Verdict]) -> dict[str, Any]:
    """The judge's coefficient with people's preference held fixed, and people's own. What its
    config takes out already is taken out here too, so that what is left is told.
    """
    pairs = [pair for pair in pairs if said[pair.task_id].p_first is not None]
    group = [pair.prompt_id for pair in pairs]
    ratio = [pair.log_ratio for pair in pairs]
    p_first = [float(said[pair.task_id].p_first) for pair in pairs]
    told: dict[str, Any] = {
        "taken_out": judge.config.get(COEFFICIENT, 0.0),
        "judge": None,
        "people": None,
        "why_not": None,
    }
    people = [pair.mean for pair in pairs]
    try:
        told["judge"] = _coefficient(length_coefficient(p_first, ratio, group, people))
        told["people"] = _coefficient(
            length_coefficient([(one + 1) / 2 for one in people], ratio, group)
        )
    except NotTold as error:
        told["why_not"] = error.as_dict()
    return told


def _coefficient(found: Coefficient) -> dict[str, float]:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "odds_by_doubling": found.odds_by_doubling,
    }


def _drift(
    earlier: Judge,
    pairs: Sequence[Pair],
    now: Mapping[int, Verdict],
    then: Mapping[int, Verdict],
) -> dict[str, Any]:
    """Against an earlier version, on the tasks that both answered clearly."""
    common = [
        pair
        for pair in pairs
        if pair.task_id in now
        and pair.task_id in then
        and _label(now[pair.task_id])
        and _label(then[pair.task_id])
    ]
    moved = [_label(now[p.task_id]) != _label(then[p.task_id]) for p in common]
    flipped = sum(moved)
    low, high = _over_prompts([pair.prompt_id for pair in common], moved)
    compared = [pair for pair in common if pair.wanted]
    hits = [
        [float(_label(heard[pair.task_id]) == pair.wanted) for pair in compared]
        for heard in (now, then)
    ]
    difference = None
    if compared:
        group = np.array([pair.prompt_id for pair in compared])
        difference = _within(mean_over_prompts(np.subtract(*hits), group), -1, 1)
    return {
        "judge": earlier.pk,
        "version": earlier.version,
        "tasks": len(common),
        "flipped": {"value": flipped / len(common) if common else None, "low": low, "high": high},
        "compared": len(compared),
        "now": float(np.mean(hits[0])) if compared else None,
        "then": float(np.mean(hits[1])) if compared else None,
        "difference": difference,
    }


def _over_prompts(prompts: Sequence[int], hits: Sequence[bool]) -> tuple[float, float]:
    """The interval of the share of hits; tasks of one prompt hang together."""
    cells: dict[int, list[int]] = {}
    for prompt, hit in zip(prompts, hits, strict=True):
        cell = cells.setdefault(prompt, [0, 0])
        cell[0] += hit
        cell[1] += 1
    if len(cells) < 2:  # one prompt is one trial
        return wilson(sum(hits) / max(len(hits), 1) * len(cells), len(cells))
    found = share_interval([(hit, count) for hit, count in cells.values()])
    return found or (0.0, 1.0)


def _within(mean: Mean, low: float, high: float) -> dict[str, float]:
    return {"value": mean.value, "low": max(low, mean.low), "high": min(high, mean.high)}
