"""Doubly labelled rows with a known truth, known errors of the judge and known errors of people."""

from dataclasses import dataclass

import numpy as np

from routing.policies.contract import DoublyLabelled, Instances, Layout, Signal

LAYOUT = Layout(
    tags=tuple(f"tag {t}" for t in range(8)),
    signals=(Signal("confidence", 0), Signal("noise")),
    judges=("judge",),
)


@dataclass(frozen=True)
class World:
    """judge_error, people_error [N]: P(the label is the opposite of the truth)."""

    rows: DoublyLabelled
    truth: np.ndarray
    judge_error: np.ndarray
    people_error: np.ndarray


def world(
    *,
    count: int,
    seed: int,
    judge_wrong_on: int | None = None,
    people_wrong_on: int | None = None,
    judge_error: float = 0.05,
    people_error: float = 0.1,
    votes: int = 3,
    layout: Layout = LAYOUT,
) -> World:
    """Every tag is on a third of the rows; on one of them the judge (people) err at 60 (45) %."""
    rng = np.random.default_rng(seed)
    tags = rng.random((count, len(layout.tags))) < 1 / 3
    truth = rng.choice([-1, 1], count)
    by_judge = np.full(count, judge_error)
    if judge_wrong_on is not None:
        by_judge[tags[:, judge_wrong_on]] = 0.6
    by_people = np.full(count, people_error)
    if people_wrong_on is not None:
        by_people[tags[:, people_wrong_on]] = 0.45
    labels = np.where(rng.random(count) < by_judge, -truth, truth).astype(np.int8)
    signals = np.stack([rng.random(count), rng.normal(size=count)], axis=1)
    row = np.repeat(np.arange(count), votes)
    said = np.where(rng.random(count * votes) < by_people[row], -truth[row], truth[row])
    instances = Instances(
        np.arange(count), tags, signals, np.tile(labels[:, None], len(layout.judges))
    )
    rows = DoublyLabelled(
        instances, row, rng.integers(0, 20, len(row)), np.zeros(len(row), dtype=np.int64),
        said.astype(np.int8), np.arange(count) // 2,
    )  # fmt: skip
    return World(rows, truth, by_judge, by_people)
