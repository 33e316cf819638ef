"""How long a leaderboard takes to be fitted anew, with its intervals.

    python -m benchmarks.board_refit [--votes 1000000] [--models 100] [--people 5000] [--runs 3]

Pairs by Davidson's model with strengths N(0, 0.5²), one vote in five tied, given by people with
unequal shares (Zipf); and the best and worst of four, a quarter as many. Told are the medians of
runs: pairs alone, with five terms of style and the position, and both forms together.
"""

import argparse
from collections.abc import Sequence
from statistics import median
from time import perf_counter, process_time

import numpy as np
from scipy.stats import spearmanr

from annotate.ranking.boards import Board, fit
from annotate.ranking.table import Block
from benchmarks.report import print_table, write_json

STYLES = 6
EFFECT = np.array([0.25, 0.05, 0.1, 0.05, 0.0, 0.1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--votes", type=int, default=1_000_000)
    parser.add_argument("--models", type=int, default=100)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    wish = parser.parse_args()
    rng = np.random.default_rng(0)
    truth_N = 0.5 * rng.standard_normal(wish.models)
    styled = pairs(rng, truth_N, wish.votes, wish.people)
    plain = [one.without_style() for one in styled]
    lists = [best_worst(rng, truth_N, wish.votes // 4, wish.people)]
    rows = [
        timed("pairs", plain, truth_N, wish.runs),
        timed("pairs, ties as halves", plain, truth_N, wish.runs, ties="halves"),
        timed("pairs, style taken out", styled, truth_N, wish.runs),
        timed("pairs, and best and worst of four", plain + lists, truth_N, wish.runs),
    ]
    heads = ("ballots", "count", "seconds", "CPU seconds", "rank correlation", "half an interval")
    print_table(heads, rows)
    write_json(
        "board_refit", votes=wish.votes, models=wish.models, people=wish.people, runs=wish.runs,
        fits=[dict(zip(heads, row, strict=True)) for row in rows],
    )  # fmt: skip


def pairs(rng: np.random.Generator, truth_N: np.ndarray, votes: int, people: int) -> list[Block]:
    """Winners first, and tied ones; styles relative and of unit variance."""
    first = rng.integers(0, len(truth_N), votes)
    second = (first + rng.integers(1, len(truth_N), votes)) % len(truth_N)
    shown = np.stack([first, second], 1)
    style = rng.normal(size=(votes, STYLES)) / 2
    style = np.stack([style, -style], 1)
    utility = truth_N[shown] + style @ EFFECT
    half = (utility[:, 0] - utility[:, 1]) / 2
    odds = np.exp(np.stack([half, -half, np.full(votes, -0.7)], 1))
    said = (rng.random(votes)[:, None] > np.cumsum(odds / odds.sum(1, keepdims=True), 1)).sum(1)
    author = authors(rng, votes, people)
    order = np.where(said[:, None] == 1, [[1, 0]], [[0, 1]])
    shown, style = (
        np.take_along_axis(shown, order, 1),
        np.take_along_axis(style, order[:, :, None], 1),
    )
    return [
        Block(sizes, None, shown[mine], author[mine], np.ones(int(mine.sum())), style[mine])
        for sizes, mine in (((1, 1), said != 2), ((2,), said == 2))
    ]


def best_worst(rng: np.random.Generator, truth_N: np.ndarray, votes: int, people: int) -> Block:
    """The best and the worst of four, by utilities with Gumbel noise."""
    shown = np.stack([rng.permutation(len(truth_N))[:4] for _ in range(votes)])
    played = truth_N[shown] + rng.gumbel(size=shown.shape)
    shown = np.take_along_axis(shown, np.argsort(-played, 1), 1)
    no_style = np.zeros((*shown.shape, 0))
    return Block((1, 2, 1), 1, shown, authors(rng, votes, people), np.ones(votes), no_style)


def authors(rng: np.random.Generator, votes: int, people: int) -> np.ndarray:
    return np.minimum(rng.zipf(1.3, votes) - 1, people - 1)


def timed(
    name: str, blocks: Sequence[Block], truth_N: np.ndarray, runs: int, **how: str
) -> list[object]:
    """One row: the median of the seconds, and how right the board is."""
    seconds: list[float] = []
    busy: list[float] = []
    board: Board | None = None
    for _ in range(runs):
        began, began_busy = perf_counter(), process_time()
        board = fit(blocks, models=len(truth_N), **how)
        seconds.append(perf_counter() - began)
        busy.append(process_time() - began_busy)
    assert board is not None
    right = float(spearmanr(board.strength_N, truth_N).statistic)
    half = float(np.median(board.high_N - board.strength_N))
    return [name, sum(map(len, blocks)), median(seconds), median(busy), right, half]


if __name__ == "__main__":
    main()
