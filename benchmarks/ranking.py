"""How many ballots a rating needs: K-Sort's own test, and the same under noise.

    python -m benchmarks.ranking [--seeds 20] [--models 50] [--groups 2 4 6]

Free of noise: 50 models, each ballot the true order of its group; counted is the ballot from which
on the whole order is right and stays right (Y. Li et al. 2024, K-Sort Arena, arXiv:2408.14468: its
figures are 11,692 for Elo and 716 for its own method). With noise: strengths N(0, 1), ballots by
Plackett and Luce (utility + Gumbel); counted is the first ballot with Kendall's tau of .90 and
Spearman's rho of .95 to the truth. Elo and openskill see random groups, Elo's step is the best of
five for each mark; medians over seeds.
"""

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from time import process_time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau, spearmanr

from annotate.ranking.ballots import Ballot
from annotate.ranking.matchmaking import choose_group
from annotate.ranking.online import OnlineRating
from benchmarks.ranking_rivals import Elo, KSort, OpenSkill
from benchmarks.report import print_table, write_json

Floats = NDArray[np.float64]
TAU, RHO = 0.90, 0.95
LOOK_EVERY = 0.02  # of the ballots so far: the marks are found to two percent


class Method(Protocol):
    def choose(self, size: int) -> list[int]: ...
    def learn(self, order: list[int]) -> None: ...
    def scores(self) -> Floats: ...


Make = Callable[[int, np.random.Generator], Method]


class Tandem:
    """The rating and the matchmaker as they stand in annotate/ranking."""

    def __init__(self, models: int, rng: np.random.Generator) -> None:
        self.rating, self.rng = OnlineRating(models), rng

    def choose(self, size: int) -> list[int]:
        covariance = self.rating.covariance_NN
        spread = self.rating.variance_N if covariance is None else covariance
        return choose_group(self.rating.mean_N, spread, self.rating.beta, size, rng=self.rng)

    def learn(self, order: list[int]) -> None:
        self.rating.update(Ballot.ranking(*order))

    def scores(self) -> Floats:
        return self.rating.mean_N


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--groups", type=int, nargs="+", default=[2, 4, 6])
    wish = parser.parse_args()
    rivals: list[tuple[str, Make, int, int]] = [("K-Sort, 1/2", KSort, 5000, 4000)]
    if find_spec("openskill"):
        rivals.append(("openskill", OpenSkill, 30_000, 15_000))
    else:
        print("openskill is left out: pip install '.[benchmarks]' brings it")
    exact, noisy = [], []
    for size in wish.groups:
        exact.append(settle("Elo, 32", elo(32), wish.models, size, 30_000, wish.seeds))
        noisy.append(noise("Elo, tuned", None, wish.models, size, 15_000, wish.seeds))
        for name, make, end, end_with_noise in rivals:
            exact.append(settle(name, make, wish.models, size, end, wish.seeds))
            noisy.append(noise(name, make, wish.models, size, end_with_noise, wish.seeds))
        exact.append(settle("Tandem", Tandem, wish.models, size, 2000, wish.seeds))
        noisy.append(noise("K-Sort, 1", noisier, wish.models, size, 4000, wish.seeds))
        noisy.append(noise("Tandem", Tandem, wish.models, size, 10_000, wish.seeds))
    head = ("noise free", "K", "ballots", "least", "most", "CPU ms a ballot")
    print_table(head, exact)
    heads = ("with noise", "K", f"ballots to rho {RHO}", f"to tau {TAU}", "CPU ms a ballot")
    print_table(heads, noisy)
    write_json(
        "ranking", seeds=wish.seeds, models=wish.models,
        noise_free=[dict(zip(head, row, strict=True)) for row in exact],
        with_noise=[dict(zip(heads, row, strict=True)) for row in noisy],
    )  # fmt: skip


def noisier(models: int, rng: np.random.Generator) -> Method:
    return KSort(models, rng, beta=1.0)


def elo(step: float) -> Make:
    return lambda models, rng: Elo(models, rng, step)


def settle(
    name: str,
    make: Make,
    models: int,
    size: int,
    end: int,
    seeds: int,
) -> list[object]:
    """One row: the ballot from which on the order is the true one to the end, `end` at most."""
    counts, spent, total = [], 0.0, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        truth_N = rng.standard_normal(models)
        order_N = np.argsort(-truth_N)
        method, since, began = make(models, rng), 1, process_time()
        at = 0
        # Right for as long again as it took, and at least a hundred ballots: then it stays.
        while at < end and at < max(2 * since, since + 100):
            at += 1
            group = method.choose(size)
            method.learn(sorted(group, key=lambda one: -truth_N[one]))
            if (np.argsort(-method.scores()) != order_N).any():
                since = at + 1
        spent, total = spent + process_time() - began, total + at
        counts.append(since)
    middle = float(np.median(counts))
    shown = f"over {end}" if middle > end else middle
    return [name, size, shown, float(min(counts)), float(max(counts)), 1000 * spent / total]


def noise(
    name: str,
    make: Make | None,
    models: int,
    size: int,
    end: int,
    seeds: int,
) -> list[object]:
    """One row; without `make` Elo with the step that gets there first, for each mark."""
    if make is None:
        tried = [noise(name, elo(step), models, size, end, seeds) for step in (3, 4, 6, 8, 16)]
        best = [min((row[at] for row in tried), key=_middle) for at in (2, 3)]
        return [name, size, *best, tried[0][4]]
    marks: dict[str, list[float]] = {"rho": [], "tau": []}
    spent, total = 0.0, 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        truth_N = rng.standard_normal(models)
        method, began = make(models, rng), process_time()
        reached = {"rho": float("inf"), "tau": float("inf")}
        at, look = 0, 50
        while at < end and max(reached.values()) == float("inf"):
            at += 1
            group = method.choose(size)
            played = dict(zip(group, truth_N[group] + rng.gumbel(size=size), strict=True))
            method.learn(sorted(group, key=lambda one: -played[one]))
            if at >= look:
                look = at + max(1, int(LOOK_EVERY * at))
                scores = method.scores()
                if spearmanr(scores, truth_N).statistic >= RHO:
                    reached["rho"] = min(reached["rho"], at)
                if kendalltau(scores, truth_N).statistic >= TAU:
                    reached["tau"] = min(reached["tau"], at)
        spent, total = spent + process_time() - began, total + at
        for mark, values in marks.items():
            values.append(reached[mark])
    return [name, size, *(_told(marks[mark], end) for mark in ("rho", "tau")), 1000 * spent / total]


def _told(counts: list[float], end: int) -> str:
    """The median with the least and the most."""
    middle, least, most = np.median(counts), min(counts), max(counts)
    low, middle_shown, high = (
        f"over {end}" if np.isinf(one) else f"{one:.0f}" for one in (least, middle, most)
    )
    return f"{middle_shown} ({low} – {high})"


def _middle(told: object) -> float:
    first = str(told).split(" (")[0]
    return float("inf") if first.startswith("over") else float(first)


if __name__ == "__main__":
    main()
