"""How long it takes to reckon reliability, agreement and consensus of very many labels.

    python -m benchmarks.reliability [--labels 200000]

Labels are made: raters are right in 60 to 98 of 100, and of items with ten labels a tenth is
divided. `reliability` is the model of the truth and everybody's errors, with intervals; `agreement`
alpha with its interval, in all and by group, and kappa of the hundred pairs with most in common;
`whole` the report as a worker makes it, without the database. Seconds are those of one core.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np

from annotate.kinds.sayings import Label, Level
from annotate.quality import agreeing
from annotate.quality.grouping import Facts, group_tasks
from annotate.quality.reliability import by_rater, judge, scores
from annotate.quality.summary import Material, summarise
from annotate.quality.votes import Row, gather
from benchmarks.report import print_table, write_json

RATERS = 300
HEADERS = (
    "labels", "an item", "classes", "reliability, s", "agreement, s", "whole, s", "worst error",
)  # fmt: skip


def rows_of(labels: int, votes: int, classes: int, level: Level) -> tuple[list[Row], Any]:
    """Judgements of made people, and how often each is right."""
    rng = np.random.default_rng(votes * classes)
    items = labels // votes
    truth_I = rng.integers(0, classes, items)
    other_I = (truth_I + 1) % classes
    divided_I = (rng.random(items) < 0.1) & (votes >= 10)
    right_R = rng.uniform(0.6, 0.98, RATERS)
    rows = []
    for item in range(items):
        for rater in rng.choice(RATERS, votes, replace=False).tolist():
            label = other_I[item] if divided_I[item] and rng.random() < 0.5 else truth_I[item]
            if rng.random() > right_R[rater]:
                label = (label + rng.integers(1, classes)) % classes
            value = float(label) if level != "nominal" else str(label)
            saying = Label("", "", value, level)
            rows.append(Row(len(rows), item, rater, 20.0, 1e9 + item * 60.0, (), "", [saying]))
    return rows, right_R


def seconds(work: Callable[[], object]) -> float:
    began = process_time()
    work()
    return process_time() - began


def measure(labels: int, votes: int, classes: int, level: Level) -> dict[str, Any]:
    rows, right_R = rows_of(labels, votes, classes, level)
    facts: dict[int, Facts] = defaultdict(lambda: Facts(0, "", ""))
    facts |= {row.task: Facts(row.task // 2, f"s{row.task % 4}", "") for row in rows}
    found = gather(rows).labels[""]
    rated: dict[int, Any] = {}

    def reliability() -> None:
        judged = judge(found, raters=RATERS)
        assert judged is not None
        rated.update(by_rater([scores(found, judged)]))

    groups = group_tasks(rows, facts)
    figures = {
        "labels": len(rows),
        "an item": votes,
        "classes": classes,
        "reliability, s": seconds(reliability),
        "agreement, s": seconds(lambda: agreeing.of_labels(found, facts, groups)),
        "whole, s": seconds(lambda: summarise(Material(rows, facts), lambda: None)),
    }
    error = max(abs(one.right - right_R[rater]) for rater, one in rated.items())
    return {**figures, "worst error": float(error)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=200_000)
    labels = parser.parse_args().labels
    sets: list[tuple[int, int, Level]] = [
        (3, 3, "nominal"), (3, 5, "ordinal"), (10, 3, "nominal"), (10, 5, "ordinal"),
    ]  # fmt: skip
    results = [measure(labels, votes, classes, level) for votes, classes, level in sets]
    print_table(HEADERS, [[one[name] for name in HEADERS] for one in results])
    write_json("reliability", raters=RATERS, sets=results)


if __name__ == "__main__":
    main()
