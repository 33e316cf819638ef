"""Whether promises hold that policies make: `python -m benchmarks.routing_guarantee`.

Planted worlds, in which each judge's chance of being wrong is known, and the very policies that
projects use. Of a cascade: how often what its judges keep is wrong more often than was promised,
over so many fits (--fits), with its promise at 95 % confidence. Of every kind that decides: how
often the 95 % interval for the judge's errors, from the propensities that `decide` recorded and
the labels of those it sent to people, holds the truth (--draws).
"""

import argparse
import time

import numpy as np

from annotate.quality.intervals import wilson
from benchmarks.report import print_table, write_json
from routing.estimates.aipw import estimate_mean
from routing.policies.budget import Budget
from routing.policies.cascade import CascadePolicy
from routing.policies.contract import DoublyLabelled, Instances, Layout, Policy, Signal
from routing.policies.decide import Design, decide
from routing.policies.error import ErrorPolicy
from routing.policies.plain import RandomPolicy

LAYOUT = Layout(
    tuple(f"tag {t}" for t in range(8)),
    (Signal("cheap's sureness", 0), Signal("strong's sureness", 1)),
    ("cheap", "strong"),
)
RISK, DELTA = 0.15, 0.05
FITTED_ON, FRESH = 1000, 4000
DECIDED = 1000
PEOPLE_ERR = 0.1
MOST_ERR = PEOPLE_ERR**2 * (3 - 2 * PEOPLE_ERR)  # of three votes, two or three are wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fits", type=int, default=500)
    parser.add_argument("--draws", type=int, default=1000)
    arguments = parser.parse_args()
    promises = promised(arguments.fits)
    print_table(list(promises), [list(promises.values())])
    rows = [covered(*case, draws=arguments.draws) for case in cases()]
    print_table(list(rows[0]), [list(row.values()) for row in rows])
    write_json("routing_guarantee", promises=promises, intervals=rows)


def planted(seed: int, count: int) -> tuple[DoublyLabelled, np.ndarray]:
    """Rows of three votes each, and P(each judge is wrong) [N, 2].

    How sure a judge is tells how often it is right, the strong one more so; two rows a prompt.
    """
    rng = np.random.default_rng(seed)
    truth = rng.choice([-1, 1], count)
    sure = rng.random((count, 2))
    error = 0.5 * (1 - sure) ** np.array([1.0, 2.0])
    labels = np.where(rng.random((count, 2)) < error, -truth[:, None], truth[:, None])
    row = np.repeat(np.arange(count), 3)
    said = np.where(rng.random(3 * count) < PEOPLE_ERR, -truth[row], truth[row])
    instances = Instances(
        np.arange(count), rng.random((count, 8)) < 1 / 3, sure, labels.astype(np.int8)
    )
    rows = DoublyLabelled(
        instances, row, rng.integers(0, 20, len(row)), np.zeros(len(row), dtype=np.int64),
        said.astype(np.int8), np.arange(count) // 2,
    )  # fmt: skip
    return rows, error


def promised(fits: int) -> dict[str, object]:
    """A cascade's label is held against the label that most of three people give."""
    began = time.perf_counter()
    broken, kept = 0, []
    for seed in range(fits):
        policy = CascadePolicy.fit(
            planted(seed, FITTED_ON)[0], LAYOUT, risk=RISK, delta=DELTA, seed=seed
        )
        rows, error = planted(1_000_000 + seed, FRESH)
        scored = policy.score(rows.instances, share=0.3, seed=seed)
        mine = np.asarray(scored.certified)
        differs = apart(error[np.arange(FRESH), scored.judge], MOST_ERR)
        broken += bool(mine.any() and differs[mine].mean() > RISK)
        kept.append(mine.mean())
    low, high = wilson(broken, fits)
    return {
        "fits": fits,
        "promise": f"{100 * RISK:g} % at {100 * (1 - DELTA):g} %",
        "broken": broken,
        "share": broken / fits,
        "low": low,
        "high": high,
        "kept by judges": float(np.mean(kept)),
        "seconds": time.perf_counter() - began,
    }


def apart(judge: np.ndarray, people: float) -> np.ndarray:
    """P(their two labels differ), each wrong with such a probability."""
    return judge * (1 - people) + (1 - judge) * people


def cases() -> list[tuple[str, Policy, Design]]:
    fitted = ErrorPolicy.fit(planted(7, 1000)[0], LAYOUT, seed=0)
    random = RandomPolicy(LAYOUT)
    cascade = CascadePolicy.fit(planted(7, 1000)[0], LAYOUT, risk=RISK, delta=DELTA, seed=0)
    return [
        ("random", random, "gain"),
        ("error", fitted, "gain"),
        ("error, root", fitted, "root"),
        ("cascade", cascade, "gain"),
    ]


def covered(name: str, policy: Policy, design: Design, *, draws: int) -> dict[str, object]:
    """How often the judge whose label stands differs from one vote, as upkeep measures it."""
    truth = differs_in(policy)
    holds, widths, saved = 0, [], []
    for seed in range(draws):
        rows, _ = planted(2_000_000 + seed, DECIDED)
        batch = rows.instances
        budget = Budget.of_share(0.3, DECIDED)
        made = decide(policy, batch, budget=budget, seed=seed, explore=0.1, design=design)
        judge = batch.judge_labels[np.arange(DECIDED), made.scored.judge]
        wrong = (judge != rows.vote_label[::3]).astype(float)
        found = estimate_mean(
            made.scored.p_err, wrong, made.asks_people, made.propensity, group=rows.group
        )
        holds += found.low <= truth <= found.high
        widths.append(found.high - found.low)
        saved.append(found.saved)
    low, high = wilson(holds, draws)
    return {
        "policy": name,
        "draws": draws,
        "truth": truth,
        "held": holds / draws,
        "low": low,
        "high": high,
        "width": float(np.mean(widths)),
        "labels saved": float(np.mean(saved)),
    }


def differs_in(policy: Policy) -> float:
    """The mean over the population, from many rows of it."""
    rows, error = planted(3_000_000, 200_000)
    judge = policy.score(rows.instances, share=0.3, seed=0).judge
    return float(apart(error[np.arange(len(error)), judge], PEOPLE_ERR).mean())


if __name__ == "__main__":
    main()
