"""Routing on real labels: what policies make of a human budget, against chance.

    TANDEM_DATA_DIR=DIR python -m benchmarks.routing_proof [--cache DIR] [--seeds 20] [--set NAME]
        [--kinds cascade …]

Folds are disjoint by prompt. A policy is fitted on four fifths and decides the fifth, each as a
batch of its own with the exact budget. One person is one vote, compared with the majority of the
others; the mean over whose vote it is stands for the draw. Intervals are by prompts. With --kinds
the rows of other kinds that are on file stay as they are.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import print_table, stamp, write_json
from benchmarks.routing_data import CONFIDENCE, llmfao, mt_bench, read_likeness
from benchmarks.routing_kept import Apart, check_seeds, kept, merge
from benchmarks.routing_rows import (
    Data,
    consensus,
    fit_rows,
    mean_right,
    prepare,
    train_head,
)
from routing.policies.budget import Budget
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import Instances, Layout, Policy, people_label
from routing.policies.decide import Decisions, decide
from routing.policies.error import ErrorPolicy
from routing.policies.plain import MarginPolicy
from routing.policies.ppm import PpmPolicy
from routing.policies.references import losses, majority_of_others
from routing.predictor.logistic import folds_of
from routing.predictor.performance import candidate_masks

SHARES = (0.1, 0.25, 0.5, 0.75)
KINDS = ("random", "margin", "ppm", "error", "cascade")
RISK = {"half": 0.3, "free": 0.2}
MIXES = 200
HEADERS = ("set", "ties", "policy", "10 %", "25 %", "50 %", "75 %", "area", "share used at 50 %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TANDEM_DATA_DIR"))
    parser.add_argument("--cache", type=Path, default=Path("var/routing"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--set", choices=("mtbench", "llmfao"))
    parser.add_argument("--kinds", nargs="+", choices=KINDS[1:], default=KINDS[1:])
    wish = parser.parse_args()
    if wish.data is None:
        parser.error("set TANDEM_DATA_DIR or --data to the folder of the data sets")
    file = "routing_proof" + (f"_{wish.set}" if wish.set else "")
    old = kept(file) if set(wish.kinds) != set(KINDS[1:]) else {}
    try:
        check_seeds(old, wish.seeds)
    except Apart as why:
        parser.error(str(why))
    results = {}
    for name, read in (("mtbench", mt_bench), ("llmfao", llmfao)):
        if wish.set in (None, name):
            source = read(Path(wish.data))
            data = prepare(source, read_likeness(source, wish.cache))
            results[name] = prove(data, wish.seeds, wish.kinds)
    for title, part in (("label error", "error"), ("reward model's accuracy", "reward")):
        print(f"\n{title}, in percent; in brackets less random, 95 % by prompts")
        print_table(HEADERS[: 9 if part == "error" else 7],
                    [row for one in results.values() for row in one[part]])  # fmt: skip
    for name, one in results.items():
        print(name, one["baselines"], one["ppm"])
    keep(file, old, results, wish)


def keep(file: str, old: dict[str, Any], results: dict[str, Any], wish: argparse.Namespace) -> None:
    """Write the file; where the rows on file are of other data, a file of its own beside it."""
    parts = old.get("parts") or [{name: old[name] for name in ("measured_at", "machine") if old}]
    try:
        merged = {name: merge(old[name], one, wish.kinds) for name, one in results.items() if old}
    except Apart as why:
        file, merged = "_".join([file, *wish.kinds]), {}
        print(f"the rows on file stay as they are: {why}")
    if merged:
        parts = [*parts, {"kinds": list(wish.kinds)} | stamp()]
        write_json(file, seeds=wish.seeds, parts=parts, **merged)
    else:
        write_json(file, seeds=wish.seeds, **results)


def prove(data: Data, seeds: int, kinds: Sequence[str]) -> dict[str, Any]:
    """The rows of both tables for these kinds and chance, and what stands beside them."""
    truth = {ties: Truth(data, ties) for ties in RISK}
    errors: dict[Any, list[np.ndarray]] = defaultdict(list)
    used: dict[Any, list[float]] = defaultdict(list)
    reward: dict[Any, list[tuple[np.ndarray, np.ndarray]]] = defaultdict(list)
    rhos = []
    for seed in range(seeds):
        fold_N = folds_of(data.prompt_N, 5, seed)
        mixes: dict[int, PpmPolicy] = {}  # the same for either rule of ties
        for ties, one in truth.items():
            spent = {(k, s): np.zeros(len(fold_N)) for k in kinds for s in SHARES}
            asked: dict[Any, float] = defaultdict(float)
            for fold in range(5):
                inside = np.flatnonzero((fold_N == fold) & one.usable_N)
                fitted = Fitted(data, fold_N != fold, ties, seed, kinds, mixes.get(fold))
                if fitted.ppm is not None:
                    mixes[fold] = fitted.ppm
                    rhos.append((fitted.ppm.performance.rho, fitted.ppm.performance.rho_budget))
                for (kind, share), made in fitted.decide(inside):
                    spent[kind, share][inside] = one.error_of(made, inside, fitted, kind)
                    asked[kind, share] += float(made.asks_people.sum()) / one.usable_N.sum()
            for key, error_N in spent.items():
                errors[(ties, *key)].append(error_N)
                used[(ties, *key)].append(asked[key])
        for key, found in reward_accuracy(data, fold_N, seed, kinds).items():
            reward[key].append(found)
        print(f"{data.source.name}: seed {seed} done", flush=True)
    return {
        "error": [
            row for one in truth.values() for row in error_rows(one, errors, used, kinds)
        ],
        "reward": reward_rows(data, reward, kinds),
        "baselines": {ties: one.baselines() for ties, one in truth.items()},
        "ppm": dict(zip(("rho", "rho by budget alone"), np.mean(rhos, axis=0).round(3).tolist(),
                        strict=True)) if rhos else {},
    }  # fmt: skip


class Truth:
    """The loss of labels against the majority of the other votes, which `ties` says how to take."""

    def __init__(self, data: Data, ties: Any) -> None:
        self.data, self.ties = data, ties
        rows, _ = fit_rows(data, np.ones(len(data.prompt_N), dtype=bool), seed=0)
        majority_VK = majority_of_others(rows)
        votes_N = np.bincount(data.vote_row)
        several_V = votes_N[data.vote_row] > 1
        decided_V = several_V & (majority_VK.max(1) == 1)
        # With free ties only clear sides count; else an even split of the others counts as such.
        counts_V = several_V if ties == "half" else decided_V & (majority_VK[:, 1] == 0)
        self.loss_VL = (
            (majority_VK @ losses(ties)) * counts_V[:, None] / votes_N[data.vote_row][:, None]
        )
        self.mass_N = np.bincount(data.vote_row, weights=counts_V / votes_N[data.vote_row])
        self.usable_N = self.mass_N > 0
        self.person_N = self.of_votes(data.vote_label)
        self.judges_NJ = np.stack([self.of_votes(one[data.vote_row]) for one in data.judge_NJ.T], 1)

    def of_votes(self, label_V: np.ndarray) -> np.ndarray:
        """[N]: the loss of a label for each vote, mean over votes."""
        loss_V = self.loss_VL[np.arange(len(label_V)), label_V.astype(int) + 1]
        return np.bincount(self.data.vote_row, weights=loss_V, minlength=len(self.mass_N))

    def error_of(
        self, made: Decisions, rows: np.ndarray, fitted: "Fitted", kind: str
    ) -> np.ndarray:
        judged = self.judges_NJ[rows, made.scored.judge]
        return np.where(made.label_by_people, self.of_votes(fitted.votes(kind))[rows], judged)

    def mean(self, error_N: np.ndarray) -> float:
        return float(error_N.sum() / self.mass_N.sum())

    def baselines(self) -> dict[str, float]:
        judges = zip(self.data.source.judges, self.judges_NJ.T, strict=True)
        found = {name: self.mean(one) for name, one in judges}
        return {"rows": int(self.usable_N.sum()), "one person": self.mean(self.person_N), **found}


class Fitted:
    """Policies of these kinds, fitted on the rows of a mask; `ppm` may be there already."""

    def __init__(
        self,
        data: Data,
        fit_N: np.ndarray,
        ties: Any,
        seed: int,
        kinds: Sequence[str],
        ppm: PpmPolicy | None = None,
    ) -> None:
        self.data, self.seed = data, seed
        self.rows, layout = fit_rows(data, fit_N, seed=seed)
        known = self.rows.take(fit_N)
        self.ppm = ppm
        self.policies: dict[str, Policy] = {}
        for kind in kinds:
            if kind == "margin":
                fitted: Policy = MarginPolicy.fit(
                    known.instances, layout, signal=CONFIDENCE, seed=seed
                )
            elif kind == "ppm":
                fitted = self.ppm = ppm or fit_ppm(data, self.rows.instances, layout, fit_N, seed)
            elif kind == "error":
                fitted = ErrorPolicy.fit(known, layout, ties=ties, seed=seed)
            else:
                fitted = CascadePolicy.fit(known, layout, ties=ties, risk=RISK[ties], seed=seed)
            self.policies[kind] = fitted

    def votes(self, kind: str) -> np.ndarray:
        """[V]: what each vote becomes by the policy."""
        batch = self.rows.instances.take(self.data.vote_row)
        return people_label(self.policies[kind], batch, self.data.vote_tier, self.data.vote_label)

    def decide(self, rows: np.ndarray) -> Iterator[tuple[tuple[str, float], Decisions]]:
        """Each policy at each share, the rows as one batch; `error` and `cascade` may use less."""
        batch = self.rows.instances.take(rows)
        for kind, policy in self.policies.items():
            for share in SHARES:
                budget = Budget.of_share(share, len(rows), tiers=len(policy.layout.tiers))
                spend_all = kind in ("margin", "ppm")
                yield (
                    (kind, share),
                    decide(policy, batch, budget=budget, seed=self.seed, spend_all=spend_all),
                )


def fit_ppm(
    data: Data, batch: Instances, layout: Layout, fit_N: np.ndarray, seed: int
) -> PpmPolicy:
    """200 mixes of one vote or the judge on two thirds of the prompts, scored on the rest."""
    inner_N = fit_N & (folds_of(data.prompt_N, 3, seed + 500) > 0)
    held_N = fit_N & ~inner_N & (consensus(data) != 0)
    rows = np.flatnonzero(inner_N)
    masks = candidate_masks(batch.tags[rows], count=MIXES, seed=seed)
    vote_N, judge_N = one_vote(data, seed), data.judge_NJ[:, -1]
    gap, side = data.gap_ND[held_N], consensus(data)[held_N]
    scores = [
        mean_right(gap, side, train_head(data.gap_ND[rows], np.where(mask, vote_N, judge_N)[rows]))
        for mask in (_on(mask, rows, len(fit_N)) for mask in masks)
    ]
    return PpmPolicy.fit(
        batch.take(rows), layout, masks_MN=masks, score_M=np.array(scores), seed=seed
    )


def _on(mask: np.ndarray, rows: np.ndarray, size: int) -> np.ndarray:
    whole = np.zeros(size, dtype=bool)
    whole[rows[mask]] = True
    return whole


def one_vote(data: Data, seed: int) -> np.ndarray:
    """[N]: the number of one vote of each row, drawn; its label is what one person says."""
    return data.vote_label[one_vote_number(data, seed)]


def one_vote_number(data: Data, seed: int) -> np.ndarray:
    order = np.random.default_rng(seed).permutation(len(data.vote_row))
    _, first = np.unique(data.vote_row[order], return_index=True)
    return order[first]


def reward_accuracy(
    data: Data, fold_N: np.ndarray, seed: int, kinds: Sequence[str]
) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
    """(rows, right) on the test prompts of a fold, of reward models trained on each mix.

    Of the other prompts one half's policies route the other half. Test: the consensus of all votes.
    """
    test = np.flatnonzero((fold_N == seed % 5) & (consensus(data) != 0))
    pool_N = fold_N != seed % 5
    half_N = folds_of(data.prompt_N, 2, seed + 900)
    number_N = one_vote_number(data, seed)
    labels: dict[Any, np.ndarray] = defaultdict(lambda: np.zeros(len(fold_N)))
    for half in (0, 1):
        fitted = Fitted(data, pool_N & (half_N == half), "free", seed, kinds)
        rows = np.flatnonzero(pool_N & (half_N != half))
        for (kind, share), made in fitted.decide(rows):
            judged = data.judge_NJ[rows, made.scored.judge]
            said = fitted.votes(kind)[number_N[rows]]
            labels[kind, share][rows] = np.where(made.label_by_people, said, judged)
        for share in SHARES:
            chance = np.random.default_rng([seed, half, int(100 * share)]).random(len(rows))
            by_people = np.argsort(np.argsort(chance)) < share * len(rows)
            labels["random", share][rows] = np.where(
                by_people, data.vote_label[number_N[rows]], data.judge_NJ[rows, -1]
            )
    side = consensus(data)[test]
    return {
        key: (test, side * (data.gap_ND[test] @ train_head(data.gap_ND[pool_N], label[pool_N])) > 0)
        for key, label in labels.items()
    }


def error_rows(truth: Truth, errors: Any, used: Any, kinds: Sequence[str]) -> list[list[Any]]:
    """A row for each policy: label error in percent with its difference from random's."""
    made = []
    prompts = truth.data.prompt_N
    judge, people = truth.judges_NJ[:, -1], truth.person_N
    for kind in ("random", *kinds):
        cells, curve = [], [truth.mean(judge)]
        for share in SHARES:
            random_N = share * people + (1 - share) * judge  # its expectation
            mean_N = (
                np.mean(errors[truth.ties, kind, share], axis=0) if kind != "random" else random_N
            )
            curve.append(truth.mean(mean_N))
            low, high = ratio_interval(mean_N - random_N, truth.mass_N, prompts)
            apart = truth.mean(mean_N - random_N)
            cells.append(f"{100 * curve[-1]:.1f}" + shown(apart, low, high, kind))
        whole = truth.mean(people) if kind != "error" else curve[-1]
        area = np.trapezoid([*curve, whole], [0, *SHARES, 1])
        spent = "50" if kind == "random" else f"{100 * np.mean(used[truth.ties, kind, 0.5]):.0f}"
        made.append([truth.data.source.name, truth.ties, kind, *cells, f"{100 * area:.1f}", spent])
    return made


def reward_rows(data: Data, reward: Any, kinds: Sequence[str]) -> list[list[Any]]:
    made = []
    for kind in ("random", *kinds):
        cells = []
        for share in SHARES:
            right_N, apart_N, count_N = np.zeros((3, len(data.prompt_N)))
            for (rows, right), (_, chance) in zip(
                reward[kind, share], reward["random", share], strict=True
            ):
                right_N[rows] += right
                apart_N[rows] += right.astype(float) - chance
                count_N[rows] += 1
            low, high = ratio_interval(apart_N, count_N, data.prompt_N)
            value = right_N.sum() / count_N.sum()
            cells.append(
                f"{100 * value:.1f}" + shown(apart_N.sum() / count_N.sum(), low, high, kind)
            )
        made.append([data.source.name, "free", kind, *cells])
    return made


def shown(apart: float, low: float, high: float, kind: str) -> str:
    if kind == "random":
        return ""
    return f" ({100 * apart:+.1f}; {100 * low:+.1f} to {100 * high:+.1f})"


def ratio_interval(
    value_N: np.ndarray, mass_N: np.ndarray, group_N: np.ndarray
) -> tuple[float, float]:
    """95 % interval of sum(value) / sum(mass) by 2,000 draws of prompts with replacement."""
    _, which = np.unique(group_N[mass_N > 0], return_inverse=True)
    value_G = np.bincount(which, weights=value_N[mass_N > 0])
    mass_G = np.bincount(which, weights=mass_N[mass_N > 0])
    draws = np.random.default_rng(0).integers(0, len(mass_G), (2000, len(mass_G)))
    ratio = value_G[draws].sum(1) / mass_G[draws].sum(1)
    low, high = np.quantile(ratio, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    main()
