"""A million instances through the default policy, in batches as a service hands them over.

python -m benchmarks.routing_scale [--rows 1000000] [--batch 20000]

With `--stored 10000 100000` the instances are those of a project: a worker computes their features
and keeps them, and decides from what is kept (benchmarks/routing_stored.py); `--embedded 10000` has
an encoder read them, too.
"""

import argparse
import resource
from time import perf_counter

import numpy as np

from benchmarks import routing_stored
from benchmarks.report import print_table, write_json
from routing.policies.budget import Budget
from routing.policies.contract import DoublyLabelled, Instances, Layout, Signal
from routing.policies.decide import decide
from routing.policies.error import ErrorPolicy

LAYOUT = Layout(
    tuple(f"tag {t}" for t in range(90)),
    tuple(Signal(f"signal {s}", 0) for s in range(8)),
    ("judge",),
)
ALONE = 1000  # instances that are decided one at a time
HEADERS = (
    "rows",
    "seconds",
    "rows/s",
    "people's share",
    "peak MB",
    "of these before the first row",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=20_000)
    parser.add_argument("--stored", type=int, nargs="+", help="Tasks of projects, without encoder.")
    parser.add_argument("--decided", type=int, default=100_000, help="The most decided from store.")
    parser.add_argument("--written", type=int, default=10_000, help="The most decided for good.")
    parser.add_argument("--embedded", type=int, nargs="*", default=[], help="With --encoder.")
    parser.add_argument("--encoder", default="tiny", help="tiny: made here; minilm: the default.")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.work is not None:
        return routing_stored.be_worker(wish.work[0], int(wish.work[1]))
    if wish.stored is not None:
        return routing_stored.measure(wish)
    return made_up(wish)


def made_up(wish: argparse.Namespace) -> None:
    policy = ErrorPolicy.fit(_labelled(1200), LAYOUT, seed=0)
    alone = _alone(policy)
    before = _peak()
    rows = []
    for count in (wish.rows // 10, wish.rows):
        budget, asked, seconds = Budget.of_share(0.2, count), 0, 0.0
        for start in range(0, count, wish.batch):
            batch = _batch(np.arange(start, min(count, start + wish.batch)))
            began = perf_counter()
            made = decide(policy, batch, budget=budget, seed=1)
            seconds += perf_counter() - began
            budget = budget.after(cost=made.cost, instances=len(batch))
            asked += int(made.asks_people.sum())
        rows.append([count, seconds, count / seconds, asked / count, _peak(), before])
    print_table(HEADERS, rows)
    print("one alone: {median:.2f} ms, 95 of 100 within {p95:.2f} ms".format(**alone))
    kept = [dict(zip(HEADERS, row, strict=True)) for row in rows]
    write_json("routing_scale", rows=kept, alone_ms=alone)


def _alone(policy: ErrorPolicy) -> dict[str, float]:
    """Milliseconds to decide one instance whose features are at hand."""
    took = []
    for number in range(ALONE):
        one, budget = _batch(np.arange(number, number + 1)), Budget.of_share(0.2, ALONE - number)
        began = perf_counter()
        decide(policy, one, budget=budget, seed=1)
        took.append(1000 * (perf_counter() - began))
    return {"median": float(np.median(took)), "p95": float(np.percentile(took, 95))}


def _batch(ids: np.ndarray) -> Instances:
    rng = np.random.default_rng(ids[0])
    count = len(ids)
    labels = rng.choice(np.array([-1, 0, 1], dtype=np.int8), (count, 1))
    return Instances(ids, rng.random((count, 90)) < 0.2, rng.normal(size=(count, 8)), labels)


def _labelled(count: int) -> DoublyLabelled:
    """The judge errs on tag 3 and where signal 0 is low; a tenth of three votes a row is wrong."""
    batch, rng = _batch(np.arange(count)), np.random.default_rng(1)
    wrong = rng.random(count) < np.where(batch.tags[:, 3] | (batch.signals[:, 0] < -1), 0.6, 0.1)
    truth = np.where(wrong, -batch.judge_labels[:, 0], batch.judge_labels[:, 0])
    row = np.repeat(np.arange(count), 3)
    vote = np.where(rng.random(len(row)) < 0.1, -truth[row], truth[row]).astype(np.int8)
    zeros = np.zeros(len(row), dtype=np.int64)
    return DoublyLabelled(batch, row, zeros, zeros, vote, np.arange(count) // 3)


def _peak() -> float:
    """Peak memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
