"""Labels saved by asking more people only where an item is open, replayed on real votes.

    TANDEM_DATA_DIR=DIR python -m benchmarks.adaptive_overlap [--seeds 20]

Items of three votes or more; what leads alone among all votes of an item is the truth here. Votes
come in a random order. A tie among the votes asked for counts as the chance to draw the truth.
Items that end in a tie have no truth, but their labels are paid for and counted. Adaptive overlaps
are compared with the cheapest mix of fixed ones that agrees as often; intervals by a bootstrap of
prompts or documents.
"""

import argparse
import gzip
import json
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from annotate.assignment.overlap import Overlap, wants_more
from annotate.quality.dawid_skene import dawid_skene
from annotate.quality.majority import majority, most_frequent
from benchmarks.report import print_table, write_json

Floats = NDArray[np.float64]
Votes = list[tuple[int, int]]  # rater, label, in the order in which they come
Posterior = Callable[[list[Votes]], Floats]
# A model of raters wants two labels an item: with one, nothing contradicts that all are perfect.
COUNTS, RATERS = (0.7, 0.75, 0.8, 0.9), (0.8, 0.9, 0.95, 0.99)
HEADERS = ("set", "stops", "labels an item", "agreement (95 %)", "fixed needs", "saved (95 %)")


@dataclass(frozen=True)
class Source:
    """`clusters`: the prompt or document of each item."""

    name: str
    classes: int
    raters: int
    votes: list[Votes]
    clusters: list[int]


def llmfao(root: Path) -> Source:
    """Crowd votes (first, tie, second) by 124 people; items by prompt."""
    with gzip.open(root / "llmfao" / "pairs.jsonl.gz", "rt") as lines:
        prompts = {row["pair_id"]: row["prompt_id"] for row in map(json.loads, lines)}
    votes: dict[int, Votes] = {}
    raters: dict[str, int] = {}
    with (root / "llmfao" / "votes_human.jsonl").open() as lines:
        for row in map(json.loads, lines):
            rater = raters.setdefault(row["annotator"], len(raters))
            label = ("x", "tie", "y").index(row["winner"])
            votes.setdefault(row["pair_id"], []).append((rater, label))
    clusters = [prompts[pair] for pair in votes]
    return Source("LLMFAO", 3, len(raters), list(votes.values()), clusters)


def xsum(root: Path) -> Source:
    """Factuality (yes, no) by three people a summary, who have no names; items by document."""
    votes, clusters = [], []
    with (root / "xsum_hallucination" / "items.jsonl").open() as lines:
        for row in map(json.loads, lines):
            if said := row.get("factual"):
                votes.append([(0, int(label == "yes")) for label in said.values()])
                clusters.append(int(row["bbcid"]))
    return Source("XSum factuality", 2, 1, votes, clusters)


def with_leader(source: Source) -> tuple[Source, list[int | None]]:
    """The items of three or more votes; who leads each alone, None where several do."""
    classes = range(source.classes)
    kept = [place for place, votes in enumerate(source.votes) if len(votes) > 2]
    truth: list[int | None] = []
    for place in kept:
        leaders = majority([label for _, label in source.votes[place]], classes).leaders
        truth.append(int(str(leaders[0])) if len(leaders) == 1 else None)
    votes = [source.votes[place] for place in kept]
    clusters = [source.clusters[place] for place in kept]
    return Source(source.name, source.classes, source.raters, votes, clusters), truth


def posterior_of_everybody(source: Source) -> Posterior:
    """By the counts of each item alone."""

    def posterior(asked: list[Votes]) -> Floats:
        counts = np.zeros((len(asked), source.classes), dtype=int)
        for place, votes in enumerate(asked):
            for _, label in votes:
                counts[place, label] += 1
        return np.array([most_frequent(tuple(map(int, row))) for row in counts])

    return posterior


def posterior_of_raters(source: Source) -> Posterior:
    """By Dawid and Skene with one coin a rater, fitted on what has been asked so far alone."""

    def posterior(asked: list[Votes]) -> Floats:
        flat = [(place, *vote) for place, votes in enumerate(asked) for vote in votes]
        item, rater, label = np.array(flat).T
        return dawid_skene(
            item, rater, label, items=len(asked), raters=source.raters,
            classes=source.classes, full_from=math.inf, iterations=50,
        ).posterior_NK  # fmt: skip

    return posterior


def replay(votes: list[Votes], least: int, threshold: float | None,
           posterior: Posterior | None) -> list[Votes]:  # fmt: skip
    """The votes asked for, round by round; the cap of an item are the votes it has."""
    rules = [Overlap(min(least, len(one)), len(one), threshold) for one in votes]
    asked: list[Votes] = [one[: rule.least] for one, rule in zip(votes, rules, strict=True)]
    while True:
        known = posterior(asked) if posterior else [None] * len(asked)
        more = [
            wants_more(rule, [label for _, label in one], sure)
            for rule, one, sure in zip(rules, asked, known, strict=True)
        ]
        if not any(more):
            return asked
        asked = [
            all_[: len(one) + one_more]
            for all_, one, one_more in zip(votes, asked, more, strict=True)
        ]


def right(asked: list[Votes], truth: list[int | None]) -> Floats:
    """[items]: 1 where the votes' only leader is the truth, 1/n where it is one of n leaders."""
    found = np.zeros(len(asked))
    for place, votes in enumerate(asked):
        labels = [label for _, label in votes]
        most = max(map(labels.count, set(labels)))
        leaders = {label for label in labels if labels.count(label) == most}
        found[place] = (truth[place] in leaders) / len(leaders)
    return found


def cheapest_fixed(labels: Sequence[float], agreement: Sequence[float], wanted: float) -> float:
    """Labels an item that the cheapest mix of two fixed overlaps needs to agree so often.

    `labels` and `agreement` are those of overlap 1, 2, …; some items get the one, the others the
    other. NaN where even the most labels agree less.
    """
    best = min((one for one, hit in zip(labels, agreement, strict=True) if hit >= wanted),
               default=math.nan)  # fmt: skip
    for low, less in zip(labels, agreement, strict=True):
        for high, more in zip(labels, agreement, strict=True):
            if less < wanted < more:
                best = min(best, low + (high - low) * (wanted - less) / (more - less))
    return best


def measure(source: Source, seeds: int) -> list[list[object]]:
    """The rows of one data set."""
    source, truth = with_leader(source)
    most = max(map(len, source.votes))
    everybody, raters = posterior_of_everybody(source), posterior_of_raters(source)
    ways: dict[str, tuple[int, float | None, Posterior | None]] = {"decided": (1, None, None)}
    for threshold in COUNTS:
        ways[f"counts, {threshold}"] = (1, threshold, everybody)
    for threshold in RATERS:
        ways[f"raters, {threshold}"] = (2, threshold, raters)
    size = len(truth)
    cost = {way: np.zeros(size) for way in [*map(str, range(1, most + 1)), *ways]}
    hits = {way: np.zeros(size) for way in cost}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        votes = [[one[i] for i in rng.permutation(len(one))] for one in source.votes]
        made = {str(n): [one[:n] for one in votes] for n in range(1, most + 1)}
        made |= {way: replay(votes, *rule) for way, rule in ways.items()}
        for way, asked in made.items():
            cost[way] += np.array([len(one) for one in asked]) / seeds
            hits[way] += right(asked, truth) / seeds
    paid = _draws(source.clusters, np.ones(size))
    led = _draws(source.clusters, np.array([one is not None for one in truth], dtype=float))
    print(f"{source.name}: {size} items, {int((led[0] > 0).sum())} with a leader", flush=True)
    rows: list[list[object]] = []
    for way in cost:
        labels, agreement = paid @ cost[way], led @ hits[way]
        needs, saved = [], []
        if way in ways:
            fixed = [str(n) for n in range(1, most + 1)]
            labels_DF = np.stack([paid @ cost[one] for one in fixed], axis=1)
            hits_DF = np.stack([led @ hits[one] for one in fixed], axis=1)
            needs = [cheapest_fixed(list(labels_DF[d]), list(hits_DF[d]), agreement[d] - 1e-9)
                     for d in range(len(paid))]  # fmt: skip
            saved = list(1 - labels / np.array(needs))
        name = way if way in ways else f"fixed {way}"
        rows.append([
            source.name, name, f"{labels[0]:.2f}", f"{agreement[0]:.3f} ({_ends(agreement, 3)})",
            f"{needs[0]:.2f}" if needs else "",
            f"{100 * saved[0]:.0f} % ({_ends(100 * np.array(saved), 0)})" if saved else "",
        ])  # fmt: skip
    return rows


def _draws(clusters: list[int], counts_N: Floats, draws: int = 1000) -> Floats:
    """[1 + draws, items]: weights that make means of the items that count.

    The first of all items, the others of clusters drawn with replacement.
    """
    number = {cluster: place for place, cluster in enumerate(dict.fromkeys(clusters))}
    place_N = np.array([number[cluster] for cluster in clusters])
    times = np.random.default_rng(0).multinomial(
        len(number), np.full(len(number), 1 / len(number)), size=draws
    )
    weights = np.vstack([np.ones(len(clusters)), times[:, place_N]]) * counts_N
    return np.asarray(weights / weights.sum(1, keepdims=True))


def _ends(values: Floats, digits: int) -> str:
    low, high = np.nanquantile(values[1:], [0.025, 0.975])
    return f"{low:.{digits}f} – {high:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TANDEM_DATA_DIR"))
    parser.add_argument("--seeds", type=int, default=20)
    wish = parser.parse_args()
    if wish.data is None:
        parser.error("set TANDEM_DATA_DIR or --data to the folder of the data sets")
    rows = [row for read in (llmfao, xsum) for row in measure(read(Path(wish.data)), wish.seeds)]
    print_table(HEADERS, rows)
    write_json("adaptive_overlap", seeds=wish.seeds,
               rows=[dict(zip(HEADERS, row, strict=True)) for row in rows])  # fmt: skip


if __name__ == "__main__":
    main()
