"""How far raters agree on one question: in all, by group, and two by two. Pure numpy.

Figures are plain JSON: {"value", "low", "high"} with a 95 % interval, whose ends are null where it
cannot be had; the whole is null where the figure is undefined.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from annotate.kinds.sayings import Order
from annotate.quality.agreement import Labels, krippendorff_alpha
from annotate.quality.alpha_interval import alpha_interval
from annotate.quality.concordance import kendall_tau_b, kendall_w
from annotate.quality.consensus import ReadText
from annotate.quality.grouping import Facts, Group
from annotate.quality.intervals import share_interval
from annotate.quality.resampling import Interval, agreement_figures, pair_figures
from annotate.quality.spans import (
    Mark,
    character_units,
    exact_matches,
    partial_matches,
    shared_characters,
)
from annotate.quality.votes import Floats, Ints, Row, Votes, ranks_of

MOST_PAIRS = 100  # of raters, those with the most items in common
MOST_TAUS = 200_000
GROUP_DRAWS = 200

JSON = dict[str, Any]


def figure(value: float | None, interval: Interval) -> JSON | None:
    if value is None:
        return None
    low, high = interval or (None, None)
    return {"value": _round(value), "low": _round(low), "high": _round(high)}


def of_labels(votes: Votes, facts: Mapping[int, Facts], groups: Mapping[str, list[Group]]) -> JSON:
    """Of labels; `items` and `labels` count those that two or more labelled."""
    task_V = votes.task_V
    places_K = _places(votes)
    known = np.unique(task_V)
    prompt_T = np.array([facts[int(task)].prompt for task in known], dtype=np.int64)
    prompt_V = prompt_T[np.searchsorted(known, task_V)]

    def among(kept: Any, draws: int) -> JSON:
        found = agreement_figures(
            votes.item_V[kept], votes.label_V[kept], prompt_V[kept], places_K, votes.level,
            draws=draws,
        )  # fmt: skip
        return {
            "items": found.items,
            "labels": found.labels,
            "percent": figure(found.percent, found.percent_interval),
            "alpha": figure(found.alpha, found.alpha_interval),
        }

    return {
        "question": votes.question,
        "sort": "labels",
        "level": votes.level,
        "overall": among(slice(None), 1000),
        **{
            name: [
                {**_group(one), **among(np.isin(task_V, one.tasks), GROUP_DRAWS)} for one in listed
            ]
            for name, listed in groups.items()
        },
        "pairs": _pairs(votes, prompt_V, places_K),
    }


def _places(votes: Votes) -> Floats:
    if votes.level == "nominal":
        return np.arange(len(votes.classes), dtype=np.float64)
    return np.array(votes.classes, dtype=np.float64)


def _pairs(votes: Votes, prompt_V: Ints, places_K: Floats) -> list[JSON]:
    """Two by two, the labels of the rater with the smaller number first."""
    order = np.lexsort((votes.rater_V, votes.item_V))
    item_V, rater_V = votes.item_V[order], votes.rater_V[order]
    label_V, prompt_V = votes.label_V[order], prompt_V[order]
    firsts, seconds = [], []
    for step in range(1, len(order)):
        same = np.flatnonzero(item_V[:-step] == item_V[step:])
        if not len(same):
            break
        firsts.append(same)
        seconds.append(same + step)
    if not firsts:
        return []
    first_P, second_P = np.concatenate(firsts), np.concatenate(seconds)
    apart_P = rater_V[first_P] != rater_V[second_P]
    first_P, second_P = first_P[apart_P], second_P[apart_P]
    key_P = rater_V[first_P] * (int(rater_V.max()) + 1) + rater_V[second_P]
    counts = np.unique(key_P, return_counts=True)[1]
    by_key = np.argsort(key_P, kind="stable")
    starts = np.cumsum(counts) - counts
    found = []
    for place in np.argsort(-counts, kind="stable")[:MOST_PAIRS].tolist():
        mine = by_key[starts[place] : starts[place] + counts[place]]
        a, b = first_P[mine], second_P[mine]
        said = pair_figures(label_V[a], label_V[b], prompt_V[a], places_K, votes.level)
        found.append(
            {
                "first": int(rater_V[a[0]]),
                "second": int(rater_V[b[0]]),
                "items": said.items,
                "percent": figure(said.percent, said.percent_interval),
                "kappa": figure(said.kappa, said.kappa_interval),
            }
        )
    return found


def of_orders(
    question: str,
    orders: Sequence[tuple[int, Order]],
    rows: Sequence[Row],
    pairwise: JSON,
    groups: Mapping[str, list[Group]],
) -> JSON:
    """Of orders. `pairwise` is `of_labels` of every two responses, which alpha is taken of;
    Kendall's W is the mean over tasks where all order the same responses, tau-b over two raters'.
    """
    by_task: dict[int, list[tuple[int, dict[int, int]]]] = defaultdict(list)
    for place, order in orders:
        by_task[rows[place].task].append((rows[place].rater, ranks_of(order)))
    w_of = {task: w for task, said in by_task.items() if (w := _w(said)) is not None}

    def concordance(tasks: Sequence[float]) -> JSON | None:
        interval = share_interval([(min(w, 1.0), 1) for w in tasks])
        return figure(sum(tasks) / len(tasks) if tasks else None, interval)

    found: JSON = {**pairwise, "question": question, "sort": "orders"}
    found["overall"] = {**pairwise["overall"], "w": concordance(list(w_of.values()))}
    for name, listed in groups.items():
        found[name] = [
            {**said, "w": concordance([w_of[task] for task in one.tasks.tolist() if task in w_of])}
            for said, one in zip(pairwise[name], listed, strict=True)
        ]
    taus = _taus(by_task)
    found["pairs"] = [
        {**pair, "tau": taus.get((pair["first"], pair["second"]))} for pair in pairwise["pairs"]
    ]
    return found


def _w(said: Sequence[tuple[int, dict[int, int]]]) -> float | None:
    ids = sorted(said[0][1])
    if any(sorted(ranks) != ids for _, ranks in said):
        return None
    return kendall_w([[ranks[pk] for pk in ids] for _, ranks in said])


def _taus(by_task: Mapping[int, Sequence[tuple[int, dict[int, int]]]]) -> dict[Any, JSON | None]:
    """The mean tau-b of each two raters over their tasks, up to MOST_TAUS of the newest ones."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    left = MOST_TAUS
    for task in sorted(by_task, reverse=True):
        said = sorted(by_task[task], key=lambda one: one[0])
        for (a, ours), (b, theirs) in combinations(said, 2):
            ids = sorted(ours.keys() & theirs.keys())
            tau = kendall_tau_b([ours[pk] for pk in ids], [theirs[pk] for pk in ids])
            if tau is not None and a != b:
                found[a, b].append(tau)
        left -= len(said) * (len(said) - 1) // 2
        if left <= 0:
            break
    return {pair: _mean_tau(values) for pair, values in found.items()}


def _mean_tau(values: Sequence[float]) -> JSON | None:
    halves = share_interval([((tau + 1) / 2, 1) for tau in values])
    interval = None if halves is None else (2 * halves[0] - 1, 2 * halves[1] - 1)
    return figure(sum(values) / len(values), interval)


def of_marks(
    question: str,
    texts: Sequence[ReadText],
    facts: Mapping[int, Facts],
    groups: Mapping[str, list[Group]],
) -> JSON:
    """Of spans: alpha over characters, of their types, and F1 of equal and of overlapping spans and
    of characters: see spans.py. `items` are texts.
    """
    double = [one for one in texts if len(one.raters) > 1]
    matches = {place: _matches(one) for place, one in enumerate(double)}

    def among(kept: Sequence[int], draws: int) -> JSON:
        clusters: dict[int, Counter[Labels]] = defaultdict(Counter)
        for place in kept:
            one = double[place]
            clusters[facts[one.task].prompt] += character_units([one.text], _types)
        whole: Counter[Labels] = sum(clusters.values(), Counter())
        interval = alpha_interval(clusters.values(), draws=draws)
        return {
            "items": len(kept),
            "labels": sum(len(double[place].raters) for place in kept),
            "alpha": figure(krippendorff_alpha(whole), interval),
            **_f1([found for place in kept for found in matches[place].values()]),
        }

    task_I = np.array([one.task for one in double], dtype=np.int64)
    by_pair: dict[tuple[int, int], list[tuple[Ints, Ints]]] = defaultdict(list)
    for found in matches.values():
        for pair, counts in found.items():
            by_pair[pair].append(counts)
    most = sorted(by_pair, key=lambda pair: -len(by_pair[pair]))[:MOST_PAIRS]
    return {
        "question": question,
        "sort": "marks",
        "level": "nominal",
        "overall": among(range(len(double)), 1000),
        **{
            name: [
                {
                    **_group(one),
                    **among(np.flatnonzero(np.isin(task_I, one.tasks)).tolist(), GROUP_DRAWS),
                }
                for one in listed
            ]
            for name, listed in groups.items()
        },
        "pairs": [
            {"first": a, "second": b, "items": len(by_pair[a, b]), **_f1(by_pair[a, b])}
            for a, b in most
        ],
    }


def _matches(one: ReadText) -> dict[tuple[int, int], tuple[Ints, Ints]]:
    """By two raters: matches (equal, partial, characters), and the sizes they are out of."""
    found = {}
    sides = sorted(zip(one.raters, one.text.annotators, strict=True), key=lambda side: side[0])
    for (a, ours), (b, theirs) in combinations(sides, 2):
        counts = [match(ours, theirs) for match in (exact_matches, partial_matches)]
        counts.append(shared_characters(ours, theirs))
        spans = len(ours) + len(theirs)
        found[a, b] = (
            np.array(counts),
            np.array([spans, spans, _characters(ours) + _characters(theirs)]),
        )
    return found


def _characters(marks: Sequence[Mark]) -> int:
    return shared_characters(marks, marks)


def _f1(pairs: Sequence[tuple[Ints, Ints]]) -> JSON:
    found: JSON = {}
    for place, name in enumerate(("exact", "partial", "characters")):
        clusters = [(2.0 * float(m[place]), float(size[place])) for m, size in pairs if size[place]]
        total = sum(size for _, size in clusters)
        value = sum(hits for hits, _ in clusters) / total if total else None
        found[name] = figure(value, share_interval(clusters))
    return found


def _types(types: frozenset[str]) -> str:
    return "\n".join(sorted(types))


def _group(one: Group) -> JSON:
    return {"name": one.name, "first": one.first, "last": one.last}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
