"""What people would say on average, from the judge and a share of people: intervals on real votes.

    TANDEM_DATA_DIR=DIR python -m benchmarks.routing_estimates [--cache DIR] [--seeds 20]

The figure is the mean label (1 first, -1 second) of one vote a row. A policy of design `root` asks
for a share; what is estimated from it is compared with the mean of all rows' votes.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from benchmarks.report import print_table, write_json
from benchmarks.routing_data import llmfao, mt_bench, read_likeness
from benchmarks.routing_proof import one_vote
from benchmarks.routing_rows import Data, fit_rows, prepare
from routing.estimates.aipw import Z95, estimate_mean
from routing.policies.budget import Budget
from routing.policies.decide import decide
from routing.policies.error import ErrorPolicy
from routing.predictor.logistic import folds_of

HEADERS = (
    "set",
    "asked",
    "covered",
    "width",
    "people alone",
    "labels saved",
    "plain mean is off by",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("TANDEM_DATA_DIR"))
    parser.add_argument("--cache", type=Path, default=Path("var/routing"))
    parser.add_argument("--seeds", type=int, default=20)
    wish = parser.parse_args()
    if wish.data is None:
        parser.error("set TANDEM_DATA_DIR or --data to the folder of the data sets")
    rows = []
    for read in (mt_bench, llmfao):
        source = read(Path(wish.data))
        data = prepare(source, read_likeness(source, wish.cache))
        rows += [measure(data, share, wish.seeds) for share in (0.2, 0.4)]
    print_table(HEADERS, rows)
    write_json("routing_estimates", seeds=wish.seeds,
               rows=[dict(zip(HEADERS, row, strict=True)) for row in rows])  # fmt: skip


def measure(data: Data, share: float, seeds: int) -> list[object]:
    """One row of the table; the rows themselves are given, so only the draw of people varies."""
    covered, width, alone, saved, off = [], [], [], [], []
    for seed in range(seeds):
        fold_N = folds_of(data.prompt_N, 5, seed)
        said_N = one_vote(data, seed).astype(float)
        propensity_N, asked_N = np.zeros(len(fold_N)), np.zeros(len(fold_N), dtype=bool)
        for fold in range(5):
            rows, layout = fit_rows(data, fold_N != fold, seed=seed)
            policy = ErrorPolicy.fit(rows.take(fold_N != fold), layout, seed=seed)
            inside = np.flatnonzero(fold_N == fold)
            budget = Budget.of_share(share, len(inside), tiers=len(layout.tiers))
            made = decide(
                policy, rows.instances.take(inside), budget=budget, seed=seed, design="root"
            )
            propensity_N[inside], asked_N[inside] = made.propensity, made.asks_people
        judge_N = data.judge_NJ[:, -1].astype(float)
        found = estimate_mean(judge_N, said_N, asked_N, propensity_N)
        truth = float(said_N.mean())
        covered.append(found.low <= truth <= found.high)
        width.append(found.high - found.low)
        alone.append(2 * Z95 * said_N.std() / np.sqrt(asked_N.sum()))
        saved.append(found.saved)
        off.append(abs(said_N[asked_N].mean() - truth))
    return [
        data.source.name, f"{share:.0%}", f"{sum(covered)} of {seeds}",
        float(np.mean(width)), float(np.mean(alone)), f"{100 * np.mean(saved):.0f} %",
        float(np.mean(off)),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
