"""The hand-out under each strategy beside one without ranks: what `ranked_next --strategies` does.

For each number of tasks a project for every strategy, and two that are not ranked: the second tells
how far two measurements of the same thing lie apart. In each a new annotator and one who has judged
half of the tasks. A worker's code ranks, in a process of its own, by answers of judges that are on
record. Requests go to all projects by turns, a few at a time, so that each sees the same machine;
the ratios are of medians in the same round.
"""

import json
import multiprocessing
import os
import random
import statistics
import time
from argparse import Namespace
from collections.abc import Iterable

from benchmarks.next_latency import WARM_UP, connect, one
from benchmarks.report import print_table, write_json
from benchmarks.scratch import forget_peaks, installation, peak_megabytes, tree_seconds, web

NONE, AGAIN = "none", "none, again"
LABELLED = 400  # tasks with three labels each, which the policy of `expected_gain` is fitted to
MOST, POOL = 5_000, 10_000  # that are ranked, out of how many open ones
JUDGES = {  # characters that make one logit, of each judge whose answers are on record
    **{"uncertainty": [100.0], "regret": [100.0], "expected_gain": [100.0]},
    "disagreement": [100.0, 400.0],
}
HANDED = [
    *("tasks", "strategy", "annotator", "first ms", "p50 ms", "p95 ms"),
    *("beside none", "middle half of the rounds"),
]
RANKED = [
    *("tasks", "strategy", "ranked", "pool", "seconds", "rows/s", "CPU s"),
    *("grew by MB", "writing s"),
]


def measure(wish: Namespace) -> None:
    from routing.settings.selection import IN_ORDER, NAMES

    names = wish.strategies or [name for name in NAMES if name != IN_ORDER]
    handed, ranked = [], []
    with installation():
        for size in wish.sizes:
            cases = []
            for name in [NONE, *names, AGAIN]:
                case, told = prepare(size, name)
                cases += case
                ranked += told
            handed += hand_out(size, cases, wish)
            write_json(
                "ranked_strategies",
                requests=wish.requests,
                repeats=wish.repeats,
                ranking=ranked,
                results=handed,
            )
    print_table(RANKED, [list(row.values()) for row in ranked])
    print_table(HANDED, [list(row.values()) for row in handed])


def prepare(size: int, strategy: str) -> tuple[list[dict], list[dict]]:
    """A project under that strategy: its two annotators, and how long the ranking took."""
    from annotate.services.people.tokens import issue_token
    from benchmarks.filling import add_annotator, label_some, make_project, mark_done
    from routing.services.featurising import freeze_specification

    project = make_project(tasks=size, overlap=2, varied=True)
    label_some(project, min(LABELLED, size // 2))
    judges = [with_answers(project, f"Length {scale}", scale) for scale in JUDGES.get(strategy, [])]
    if strategy in ("diversity", "expected_gain"):
        freeze_specification(project=project, encoder="")
    if strategy == "expected_gain":
        fit(project, judges[0].pk)
    cases = []
    for kind, done in (("new", 0), ("busy", size // 2)):
        user = add_annotator(project, f"{kind} {project.pk}")
        if done:
            mark_done(project, user, done)
        _, token = issue_token(user=user, scopes=["annotate"])
        cases.append(
            {"strategy": strategy, "kind": kind, "project": project.pk, "token": token, "runs": []}
        )
    told = []
    if strategy not in (NONE, AGAIN):
        told.append(rank(project, strategy, judges, size))
        print(told[-1], flush=True)
    return cases, told


def with_answers(project, name: str, scale: float):
    """A judge whose answers to all tasks are on record."""
    from benchmarks.filling import record_answers
    from routing.services.judges import save_judge
    from routing.services.ledger import fingerprint_of

    config = {"rules": [{"rule": "length", "weight": 100 / scale}]}
    judge = save_judge(project=project, actor=None, name=name, kind="rules", config=config)
    record_answers(project, judge.pk, fingerprint_of(judge), scale)
    return judge


def fit(project, judge: int) -> None:
    from annotate.services import jobs
    from routing.models import PolicyFit
    from routing.services.fitting import run_fit
    from routing.services.policies import start_fit

    settings = {"boosting": False}
    run = start_fit(project=project, actor=None, kind="error", judges=[judge], settings=settings)
    run_fit(run=jobs.claim(PolicyFit, run.pk, owner="benchmark"))
    _require_done(run)


def rank(project, strategy: str, judges: list, size: int) -> dict:
    """By the worker's entry point; rows a second are of the tasks that it chose from."""
    from routing.models import SelectionRun
    from routing.services.selections import choose_strategy

    settings: dict[str, object] = {"pool": min(POOL, size), "most": min(MOST, size // 2)}
    if strategy in ("uncertainty", "regret"):
        settings["judge"] = judges[0].pk
    choose_strategy(project=project, actor=None, strategy=strategy, settings=settings)
    first = apart(SelectionRun.objects.latest("pk"))
    report = first["report"]
    return {
        "tasks": size,
        "strategy": strategy,
        "ranked": report["ranked"],
        "pool": report["pool"],
        "seconds": first["seconds"],
        "rows_per_second": report["pool"] / first["seconds"],
        "cpu": first["cpu"],
        "grew": first["grew"],
        "writing": first["writing"],
    }


def apart(run) -> dict:
    """The ranking in a process of its own, forked: its seconds, and by how much its memory grew."""
    from django.db import connections

    connections.close_all()
    ways = multiprocessing.get_context("fork")
    told, said = ways.Pipe(duplex=False)
    worker = ways.Process(target=_work, args=(run.pk, said))
    worker.start()
    said.close()
    try:
        found = json.loads(told.recv())
    except EOFError as error:
        raise RuntimeError(f"the worker of {run} ended before it told anything") from error
    worker.join()
    _require_done(run)
    return {**found, "report": run.report}


def _work(run_id: int, said) -> None:
    from routing import tasks
    from routing.services import ranking

    spent = 0.0

    def put_first(**given):
        nonlocal spent
        began = time.perf_counter()
        try:
            return written(**given)
        finally:
            spent += time.perf_counter() - began

    written, ranking.put_first = ranking.put_first, put_first
    forget_peaks(os.getpid())
    before, used, began = (
        peak_megabytes(os.getpid()),
        tree_seconds(os.getpid()),
        time.perf_counter(),
    )
    tasks.rank_tasks(run_id)
    found = {
        "seconds": time.perf_counter() - began,
        "cpu": tree_seconds(os.getpid()) - used,
        "grew": peak_megabytes(os.getpid()) - before,
        "writing": spent,
    }
    said.send(json.dumps(found))


def _require_done(run) -> None:
    run.refresh_from_db()
    if run.state != "done":
        raise RuntimeError(f"{run} ended as {run.state}: {run.message}")


def hand_out(size: int, cases: list[dict], wish: Namespace) -> list[dict]:
    """`repeats` rounds of `requests` for each annotator of each project, in a new order each."""
    order = random.Random(size)
    with web() as (_, port):
        for case in cases:
            case["port"] = port
            connect(case)
            case["first"] = 1000 * one(case)
        for case in cases:
            _sample(case, WARM_UP)
        for _ in range(wish.repeats):
            for case in order.sample(cases, len(cases)):
                case["runs"].append(_sample(case, wish.requests))
    none = {case["kind"]: case for case in cases if case["strategy"] == NONE}
    return [_summary(size, case, none[case["kind"]]) for case in cases]


def _sample(case: dict, count: int) -> list[float]:
    """Milliseconds, after one that is not counted."""
    connect(case)
    one(case)
    return [1000 * one(case) for _ in range(count)]


def _summary(size: int, case: dict, none: dict) -> dict:
    """The ratio is the median of the rounds' ratios of medians, and their middle half."""
    every = sorted(took for run in case["runs"] for took in run)
    pairs: Iterable[tuple[list[float], list[float]]] = zip(case["runs"], none["runs"], strict=True)
    ratios = [statistics.median(own) / statistics.median(other) for own, other in pairs]
    low, _, high = statistics.quantiles(ratios, n=4)
    return {
        "tasks": size,
        "strategy": case["strategy"],
        "annotator": case["kind"],
        "first": case["first"],
        "p50": statistics.median(every),
        "p95": every[len(every) * 95 // 100],
        "ratio": statistics.median(ratios),
        "rounds": f"{low:.2f}–{high:.2f}",
    }
