"""Latency of next before, under and after a ranking: `python -m benchmarks.ranked_next`.

One project with an overlap of 2; a new annotator and one who has judged 100,000 tasks take turns,
over HTTP with keep-alive, in four phases: the project's own order; a strategy's places for some
tasks; new places all the time, once a second, by a process beside; and the own order again. The
first next after the places changed is told apart. Each next is followed by a submit, which is not
counted. Medians of the repeats.

With `--strategies` (all, or those named) the places are those that each strategy gives, beside
projects without any, at growing `--sizes`: benchmarks/ranked_strategies.py.
"""

import argparse
import random
import threading
import time

from benchmarks import ranked_strategies
from benchmarks.next_latency import WARM_UP, connect, one, prepare, sample, summary
from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, web

HEADERS = ["phase", "annotator", "next p50 ms", "next p95 ms", "first next ms"]
PHASES = ("own order", "ranked", "ranked anew all the time", "own order again")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    parser.add_argument("--busy", type=int, default=100_000)
    parser.add_argument("--ranked", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--strategies", nargs="*", help="Each beside none; without names all.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    arguments = parser.parse_args()
    if arguments.strategies is not None:
        return ranked_strategies.measure(arguments)
    return by_chance(arguments)


def by_chance(arguments: argparse.Namespace) -> None:
    rows, ranking_seconds = [], []
    with installation():
        cases = prepare(arguments.tasks, arguments.busy)
        with web() as (_, port):
            for case in cases:
                case["port"] = port
                connect(case)
                one(case)
                sample(case, WARM_UP)
            for phase in PHASES:
                ranking_seconds.append(begin(phase, cases[0]["project"], arguments.ranked))
                with Reranking(cases[0]["project"], arguments.ranked, phase == PHASES[2]):
                    rows += measure(phase, cases, arguments)
    print_table(HEADERS, [list(row.values()) for row in rows])
    seconds = {phase: s for phase, s in zip(PHASES, ranking_seconds, strict=True) if s}
    print("seconds of writing the places:", {name: round(s, 2) for name, s in seconds.items()})
    path = write_json(
        "ranked_next",
        tasks=arguments.tasks,
        ranked=arguments.ranked,
        requests=arguments.requests,
        repeats=arguments.repeats,
        writing_seconds=seconds,
        results=rows,
    )
    print(f"wrote {path.relative_to(ROOT)}")


def begin(phase: str, project_id: int, ranked: int) -> float:
    """Put the project in the order of the phase: seconds, 0 where nothing is written."""
    began = time.perf_counter()
    if phase == PHASES[1]:
        rank(project_id, ranked, seed=0)
    elif phase == PHASES[3]:
        rank(project_id, 0, seed=0)
    else:
        return 0.0
    return time.perf_counter() - began


def rank(project_id: int, count: int, *, seed: int) -> None:
    """Places for some tasks drawn by chance, also such as the busy annotator has done."""
    from annotate.models import Project, Task
    from annotate.services.work.places import Place, put_first

    first = Task.objects.filter(project=project_id).order_by("pk").values_list("pk", flat=True)[0]
    total = Task.objects.filter(project=project_id).count()
    drawn = random.Random(seed).sample(range(first, first + total), count)
    put_first(
        project=Project.objects.get(pk=project_id),
        places=[Place(pk, 0.5, ["by chance"]) for pk in drawn],
    )


class Reranking:
    """While it is entered, and if it is wanted, new places once a second."""

    def __init__(self, project_id: int, count: int, wanted: bool) -> None:
        self.project_id, self.count, self.wanted = project_id, count, wanted
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.go_on)
        self.failed: Exception | None = None

    def __enter__(self) -> None:
        if self.wanted:
            self.thread.start()

    def __exit__(self, *exc: object) -> None:
        self.over.set()
        if self.wanted:
            self.thread.join()
        if self.failed is not None:
            raise self.failed

    def go_on(self) -> None:
        from django.db import connection

        seed = 0
        try:
            while not self.over.wait(1.0):
                seed += 1
                rank(self.project_id, self.count, seed=seed)
        except Exception as error:  # noqa: BLE001 - raised where the thread is waited for
            self.failed = error
        finally:
            connection.close()


def measure(phase: str, cases: list[dict], arguments: argparse.Namespace) -> list[dict]:
    for case in cases:
        connect(case)
        case["runs"], case["first"] = [], 1000 * one(case)
    for _ in range(arguments.repeats):  # interleaved, so that both see the same machine
        for case in cases:
            case["runs"].append(sample(case, arguments.requests))
    found = []
    for case in cases:
        told = summary(case)
        found.append(
            {"phase": phase, "annotator": case["kind"]}
            | {name: told[name] for name in ("next_p50", "next_p95", "first_next")}
        )
    return found


if __name__ == "__main__":
    main()
