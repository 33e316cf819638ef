"""The figures of a round: read from what its phases made, frozen when it ends."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

from django.db.models import Count

from annotate import kinds
from annotate.media.as_text import as_text
from annotate.models import Judgement, Project, Response, Snapshot, SnapshotJudgement
from annotate.quality.intervals import mean_interval, wilson
from annotate.reports.agreement import agreement
from routing.reports.decisions import audit_agreement
from training.loop.diversity import distinct_bigrams, mean_distance
from training.loop.guards import Bounds, Finding, gap_finding
from training.models import LoopRound, MatchedPair, ModelVersion, SamplingRun

HUMAN = (Judgement.Source.PERSON, Judgement.Source.IMPORTED)


def round_figures(row: LoopRound) -> dict[str, Any]:
    """Everything a round is judged by, as JSON has it; what is not there yet is None."""
    project = row.loop.project
    given = labels_since(project, row.until_judgement)
    pairs = judged_pairs(row)
    return {
        "people": given[0],
        "judges": given[1],
        "learned_from": _sources(row.policy_snapshot or row.reward_snapshot),
        "agreement": _people_agree(project),
        "judge_agreement": _judge_agrees(project),
        "reward_accuracy": _of_test(row.reward_version, "accuracy"),
        "policy_accuracy": _of_test(row.policy_version, "reward_accuracy"),
        "proxy": _proxy(row),
        "gold": _gold(pairs),
        "gap": gap_of(pairs, Bounds(**row.loop.guards)).as_dict(),
        "kl": _drift(row.policy_version, "kl"),
        "mean_tokens": _drift(row.policy_version, "mean_tokens"),
        **response_figures(row.sampling_run),
        "tasks": MatchedPair.objects.filter(matchmaking=row.matchmaking_id, task__isnull=False)
        .values("task")
        .distinct()
        .count()
        if row.matchmaking_id
        else 0,
    }


def labels_since(project: Project, after: int | None) -> tuple[int, int]:
    """People's labels (imported ones too) and judges' that are newer, changes of them left out: an
    answer that was changed or amended counts as when it was given.

    One query.
    """
    rows = Judgement.objects.filter(project=project, pk__gt=after or 0, supersedes=None)
    rows = rows.ordinary().standing()
    by_source = dict(rows.values_list("source").annotate(n=Count("pk")))
    return _people_and_judges(by_source)


def new_in_snapshot(snapshot: Snapshot, after: int) -> tuple[int, int]:
    """Of the judgements in a snapshot, people's and judges' newer than `after`. One query."""
    rows = SnapshotJudgement.objects.filter(snapshot=snapshot, judgement__gt=after)
    return _people_and_judges(dict(rows.values_list("judgement__source").annotate(n=Count("pk"))))


def _people_and_judges(by_source: dict[str, int]) -> tuple[int, int]:
    judges = by_source.get(Judgement.Source.JUDGE, 0)
    return sum(by_source.values()) - judges, judges


def _sources(snapshot: Snapshot | None) -> dict[str, int] | None:
    if snapshot is None:
        return None
    people, judges = new_in_snapshot(snapshot, 0)
    return {"people": people, "judges": judges}


def _people_agree(project: Project) -> dict[str, Any] | None:
    found = agreement(project)
    if found.percent is None:
        return None
    low, high = (None if end is None else end / 100 for end in (found.low, found.high))
    return {"value": found.percent / 100, "low": low, "high": high, "rows": found.tasks}


def _judge_agrees(project: Project) -> dict[str, Any] | None:
    found = audit_agreement(project)
    if found.rate is None:
        return None
    return {"value": found.rate, "low": found.low, "high": found.high, "rows": found.tasks}


def _of_test(version: ModelVersion | None, name: str) -> dict[str, Any] | None:
    return (version.metrics.get("test") or {}).get(name) if version else None


def _drift(version: ModelVersion | None, name: str) -> float | None:
    test = (version.metrics.get("test") or {}) if version else {}
    return (test.get("drift") or {}).get(name)


def response_figures(run: SamplingRun | None) -> dict[str, Any]:
    """How many new responses a sampling made, how long they are, how much they repeat."""
    texts = new_texts(run) if run else []
    return {
        "responses": len(texts),
        "mean_characters": fmean(map(len, texts)) if texts else None,
        "distinct_bigrams": distinct_bigrams(texts),
        "mean_distance": mean_distance(texts),
    }


def new_texts(run: SamplingRun) -> list[str]:
    """The responses that this sampling made, by prompt. One query."""
    generator, version = run.author
    rows = (
        Response.objects.filter(
            prompt__in=run.config["prompt_ids"], generator=generator, generator_version=version
        )
        .order_by("prompt", "pk")
        .values_list("metadata", "content")
    )
    return [as_text(said) for metadata, said in rows if metadata.get("sampling_run") == run.pk]


def judged_pairs(row: LoopRound) -> list[tuple[MatchedPair, list[float]]]:
    """New responses against older ones, with what each person said: 1 the new one, 0.5 a tie.

    Only labels newer than the round's snapshot, so no model of the round has seen them. Pairs
    that nobody has judged since are left out. Two queries.
    """
    if row.matchmaking_id is None:
        return []
    pairs = list(
        MatchedPair.objects.filter(
            matchmaking=row.matchmaking_id, is_new=False, task__isnull=False
        ).order_by("pk")
    )
    by_task: dict[int, list[Judgement]] = defaultdict(list)
    for said in Judgement.objects.labels().filter(
        task__in=[pair.task_id for pair in pairs],
        source__in=HUMAN,
        pk__gt=row.until_judgement or 0,
    ):
        by_task[said.task_id].append(said)
    voted = [(pair, list(_votes(pair, by_task[pair.task_id]))) for pair in pairs]
    return [(pair, votes) for pair, votes in voted if votes]


def _votes(pair: MatchedPair, judgements: Sequence[Judgement]) -> Iterable[float]:
    ids = sorted([pair.new_id, pair.other_id])
    for said in judgements:
        for found in kinds.get(said.kind).pairs(said.value, ids):
            yield 0.5 if found.tie else float(found.chosen == pair.new_id)


def _proxy(row: LoopRound) -> dict[str, Any] | None:
    """The reward model's mean probability that the new response is preferred, over all pairs.

    The interval is the normal one, pairs taken for independent; None for a single pair.
    """
    if row.matchmaking_id is None:
        return None
    gaps = MatchedPair.objects.filter(
        matchmaking=row.matchmaking_id, is_new=False, gap__isnull=False
    ).values_list("gap", flat=True)
    expected = [probability(gap) for gap in gaps]
    if not expected:
        return None
    low, high = mean_interval([(one, 1) for one in expected]) or (None, None)
    return {"value": fmean(expected), "low": low, "high": high, "rows": len(expected)}


def _gold(pairs: Sequence[tuple[MatchedPair, list[float]]]) -> dict[str, Any] | None:
    """The share of people who prefer the new response, a tie counting half: mean over the pairs.

    Wilson's interval over pairs, which is wide rather than narrow where people split.
    """
    if not pairs:
        return None
    shares = [fmean(votes) for _, votes in pairs]
    low, high = wilson(sum(shares), len(shares))
    return {"value": fmean(shares), "low": low, "high": high, "rows": len(shares)}


def gap_of(pairs: Sequence[tuple[MatchedPair, list[float]]], bounds: Bounds) -> Finding:
    """The reward model's win rate less people's, on the pairs that both have judged."""
    both = [(probability(pair.gap), fmean(votes)) for pair, votes in pairs if pair.gap is not None]
    return gap_finding(both, bounds)


def probability(gap: float) -> float:
    """sigmoid, without an overflow."""
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, gap))))
