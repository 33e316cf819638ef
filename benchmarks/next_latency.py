"""Latency of next at growing size: `python -m benchmarks.next_latency`.

Projects of 10 k, 100 k and 1 M tasks with an overlap of 2; one annotator at a time, over HTTP with
keep-alive: a new one, and one who has judged 100,000 tasks (all of a smaller project's but its
last thousand), so that all the sibling seats lie open in front of the queue.
Each next is followed by a submit, which is not counted. Medians of the repeats.
"""

import argparse
import json
import statistics
import time

from benchmarks.annotators import Client
from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, web

WARM_UP = 30
SETTLE = 5
HEADERS = ["tasks", "annotator", "done before", "next p50 ms", "next p95 ms", "first next ms"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--busy", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--name", default="next_latency")
    arguments = parser.parse_args()
    with installation():
        cases = [case for size in arguments.sizes for case in prepare(size, arguments.busy)]
        with web() as (_, port):
            for case in cases:
                case["port"] = port
                connect(case)
                case["first"] = 1000 * one(case)
            for case in cases:
                sample(case, WARM_UP)
            for _ in range(arguments.repeats):  # interleaved, so that all see the same machine
                for case in cases:
                    case.setdefault("runs", []).append(sample(case, arguments.requests))
    results = [summary(case) for case in cases]
    print_table(HEADERS, [list(row.values()) for row in results])
    ratio = results[-2]["next_p50"] / results[0]["next_p50"]
    print(f"new annotator, largest against smallest: {ratio:.2f}")
    path = write_json(
        arguments.name,
        requests=arguments.requests,
        repeats=arguments.repeats,
        ratio=ratio,
        results=results,
    )
    print(f"wrote {path.relative_to(ROOT)}")


def prepare(size: int, busy: int) -> list[dict]:
    """A project of that size, with a new and a busy annotator."""
    from annotate.services.people.tokens import issue_token
    from benchmarks.filling import add_annotator, make_project, mark_done

    project = make_project(tasks=size, overlap=2)
    cases = []
    for kind, done in (("new", 0), ("busy", min(busy, size - 1000))):
        user = add_annotator(project, f"{kind}{size}")
        if done:
            mark_done(project, user, done)
        _, token = issue_token(user=user, scopes=["annotate"])
        cases.append(
            {"tasks": size, "kind": kind, "done": done, "project": project.pk, "token": token}
        )
    return cases


def one(case: dict) -> float:
    """Lease and answer one seat: seconds of the lease."""
    began = time.perf_counter()
    status, answer = case["client"].request("GET", f"/api/v1/projects/{case['project']}/next/")
    took = time.perf_counter() - began
    if status != 200:
        raise RuntimeError(f"next answered {status}: {answer[:300]!r}")
    seat = json.loads(answer)["seat"]
    body = {"value": {"verdict": "tie"}, "idempotency_key": f"s{seat}"}
    status, answer = case["client"].request("POST", f"/api/v1/seats/{seat}/judgement/", body)
    if status != 201:
        raise RuntimeError(f"submit answered {status}: {answer[:300]!r}")
    return took


def connect(case: dict) -> None:
    """A fresh connection: the server closes those that idle."""
    case["client"] = Client(case["port"], case["token"], keep_alive=True)


def sample(case: dict, count: int) -> list[float]:
    """Milliseconds of so many requests, after some that are not counted."""
    connect(case)
    for _ in range(SETTLE):
        one(case)
    return [1000 * one(case) for _ in range(count)]


def summary(case: dict) -> dict:
    def percentile(share: int) -> float:
        found = [sorted(run)[len(run) * share // 100] for run in case["runs"]]
        return statistics.median(found)

    return {
        "tasks": case["tasks"],
        "annotator": case["kind"],
        "done": case["done"],
        "next_p50": percentile(50),
        "next_p95": percentile(95),
        "first_next": case["first"],
    }


if __name__ == "__main__":
    main()
