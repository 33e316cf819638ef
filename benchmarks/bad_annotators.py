"""How surely bad annotators are told from good ones, by the answers alone, without known answers.

    python -m benchmarks.bad_annotators [--seeds 20]

Planted, of rankings: 40 people order responses of 20 models (strengths ~ N(0, 1)) by Plackett and
Luce; of ten people three draw lots and one reverses each order. Of labels: 20 people, of whom
fourteen are right in 85 of 100, three guess among the three classes and three are mostly wrong.

AUC: the chance that a bad person stands below a good one, by what the report on quality shows
(trust by annotator-aware Plackett-Luce; reliability by Dawid and Skene's model), and by agreement:
the share of a person's answers that most of the others gave, which needs no model. The estimate is
of orders Spearman's correlation of estimated and planted strengths, of labels the share of items
whose estimated label is true; in brackets with everybody counted alike.
"""

import argparse
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from annotate.kinds.sayings import Label
from annotate.quality.ballots import Ballot, annotator_plackett_luce, step
from annotate.quality.reliability import by_rater, judge, scores
from annotate.quality.votes import Row, gather
from benchmarks.report import print_table, write_json

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MODELS, RANKERS, CHANCE, REVERSED = 20, 40, 12, 4
LABELLERS, GUESS, WRONG, CLASSES = 20, 3, 3, 3
RANKINGS = [(size, each) for size in (2, 4, 6) for each in (10, 30, 60)]
LABELS = [(votes, each) for votes in (3, 5) for each in (30, 100, 300)]
HEADERS = (
    "answers", "each", "AUC", "worst seed", "AUC by agreement", "worst", "estimate (all alike)",
)  # fmt: skip


def rank(size: int, each: int, seed: int) -> tuple[Floats, list[Ballot], Bools]:
    """Strengths, whole orders of `size` responses by everybody, and who is bad."""
    rng = np.random.default_rng([seed, size, each])
    theta_O = rng.normal(size=MODELS)
    ballots = []
    for rater in range(RANKERS):
        for _ in range(each):
            shown = rng.permutation(MODELS)[:size]
            order = shown[np.argsort(-(theta_O[shown] + rng.gumbel(size=size)))]
            if rater < CHANCE:
                order = rng.permutation(shown)
            elif rater < CHANCE + REVERSED:
                order = order[::-1]
            ballots.append(Ballot(rater, tuple(order.tolist())))
    return theta_O, ballots, np.arange(RANKERS) < CHANCE + REVERSED


def agreement_of_rankers(ballots: Sequence[Ballot]) -> Floats:
    """Of each person's pairs, the share in which most of all others' have the same winner."""
    wins_ROO = np.zeros((RANKERS, MODELS, MODELS))
    for one in ballots:
        for place, winner in enumerate(one.order):
            for loser in one.order[place + 1 :]:
                wins_ROO[one.rater, winner, loser] += 1
    all_OO = wins_ROO.sum(0)
    others_ROO = all_OO - wins_ROO
    lead_ROO = np.sign(others_ROO - others_ROO.transpose(0, 2, 1))
    agreed_R = (wins_ROO * (lead_ROO + 1) / 2).sum((1, 2))
    return np.asarray(agreed_R / wins_ROO.sum((1, 2)))


def of_rankings(size: int, each: int, seed: int) -> dict[str, float]:
    theta_O, ballots, bad_R = rank(size, each, seed)
    found = annotator_plackett_luce(ballots, options=MODELS, raters=RANKERS)
    alike_O, everybody_B = np.zeros(MODELS), np.ones(len(ballots))
    for _ in range(500):
        alike_O = step(found.stages, alike_O, everybody_B)
    return {
        "auc": roc_auc_score(bad_R, -found.trust_R),
        "plain": roc_auc_score(bad_R, -agreement_of_rankers(ballots)),
        "estimate": spearmanr(theta_O, found.theta_O).statistic,
        "alike": spearmanr(theta_O, alike_O).statistic,
    }


def label(votes: int, each: int, seed: int) -> tuple[list[Row], list[str], Bools]:
    """Labels, what is true of each item, and who is bad."""
    rng = np.random.default_rng([seed, votes, each])
    right_R = np.full(LABELLERS, 0.85)
    right_R[:GUESS], right_R[GUESS : GUESS + WRONG] = 1 / CLASSES, 0.1
    truth = rng.integers(0, CLASSES, LABELLERS * each // votes)
    rows: list[Row] = []
    for item, true in enumerate(truth.tolist()):
        for rater in rng.permutation(LABELLERS)[:votes].tolist():
            said = true
            if rng.random() > right_R[rater]:
                said = (true + int(rng.integers(1, CLASSES))) % CLASSES
            saying = Label("", "", str(said), "nominal")
            rows.append(Row(len(rows), item, rater, 20.0, 1e9 + item, (), "", [saying]))
    return rows, [str(one) for one in truth.tolist()], right_R < 0.5


def of_labels(votes: int, each: int, seed: int) -> dict[str, float]:
    rows, truth, bad_R = label(votes, each, seed)
    found = gather(rows).labels[""]
    judged = judge(found, raters=LABELLERS)
    assert judged is not None
    rated = by_rater([scores(found, judged)])
    right_R = np.array([rated[rater].right for rater in range(LABELLERS)])
    counts_IK = np.zeros((len(found.items), len(found.classes)))
    np.add.at(counts_IK, (found.item_V, found.label_V), 1)
    others_VK = counts_IK[found.item_V]
    others_VK[np.arange(len(others_VK)), found.label_V] -= 1
    most_V = others_VK.max(1, keepdims=True)
    leads_VK = (others_VK == most_V) / (others_VK == most_V).sum(1, keepdims=True)
    agreed_V = leads_VK[np.arange(len(leads_VK)), found.label_V]
    agreed_R = np.bincount(found.rater_V, agreed_V) / np.bincount(found.rater_V)
    true_N = np.array([found.classes.index(truth[task]) for task, _ in found.items])
    leads_NK = counts_IK == counts_IK.max(1, keepdims=True)
    places = np.arange(len(true_N))
    majority_N = leads_NK[places, true_N] / leads_NK.sum(1)  # a tie is broken by lot
    return {
        "auc": roc_auc_score(bad_R, -right_R),
        "plain": roc_auc_score(bad_R, -agreed_R),
        "estimate": float((judged.model.labels_N() == true_N).mean()),
        "alike": float(majority_N.mean()),
    }


def summed(answers: str, each: int, runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    of = {name: [run[name] for run in runs] for name in runs[0]}
    return {
        "answers": answers,
        "each": each,
        "auc": fmean(of["auc"]),
        "auc_worst": min(of["auc"]),
        "agreement_auc": fmean(of["plain"]),
        "agreement_auc_worst": min(of["plain"]),
        "estimate": fmean(of["estimate"]),
        "estimate_alike": fmean(of["alike"]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    results = [
        summed(f"orders of {size}", each, [of_rankings(size, each, seed) for seed in seeds])
        for size, each in RANKINGS
    ]
    results += [
        summed(f"labels, {votes} an item", each, [of_labels(votes, each, seed) for seed in seeds])
        for votes, each in LABELS
    ]
    rows = [
        [
            *(one["answers"], one["each"]),
            *(f"{one[name]:.3f}" for name in ("auc", "auc_worst")),
            *(f"{one[name]:.3f}" for name in ("agreement_auc", "agreement_auc_worst")),
            f"{one['estimate']:.3f} ({one['estimate_alike']:.3f})",
        ]
        for one in results
    ]
    print_table(HEADERS, rows)
    write_json("bad_annotators", seeds=len(seeds), sets=results)


if __name__ == "__main__":
    main()
