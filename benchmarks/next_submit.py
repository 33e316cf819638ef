"""Throughput and latency of next + submit: `python -m benchmarks.next_submit`.

The real web server on a private PostgreSQL; 1, 8 and 32 annotators in a process of their own on
the same machine, keep-alive and with a new connection for every request. Medians of the repeats.
"""

import argparse
import json
import statistics
import subprocess

from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, python, tree_seconds, web

WARM_UP = 200
HEADERS = [
    "annotators",
    "connection",
    "annotations/s",
    "next p50 ms",
    "next p95 ms",
    "submit p50 ms",
    "submit p95 ms",
    "web CPU ms",
    "PostgreSQL CPU ms",
    "server CPU ms",
    "doubles",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotators", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--annotations", type=int, default=1500)
    parser.add_argument("--tasks", type=int, default=30_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--name", default="next_submit")
    arguments = parser.parse_args()
    with installation() as postgres:
        from benchmarks.filling import make_project

        project = make_project(tasks=arguments.tasks, overlap=1)
        tokens = make_tokens(project, max(arguments.annotators))
        with web() as (server, port):
            results = []
            for count in arguments.annotators:
                for keep_alive in (True, False):
                    order = {
                        "port": port,
                        "project": project.pk,
                        "tokens": tokens[:count],
                        "keep_alive": keep_alive,
                    }
                    send(order | {"annotations": WARM_UP})
                    repeats = [
                        measure(
                            order | {"annotations": arguments.annotations}, server.pid, postgres
                        )
                        for _ in range(arguments.repeats)
                    ]
                    results.append(summary(count, keep_alive, repeats))
            doubles = count_doubles(project)
    rows = [[*row.values(), doubles] for row in results]
    print_table(HEADERS, rows)
    path = write_json(
        arguments.name,
        tasks=arguments.tasks,
        annotations=arguments.annotations,
        repeats=arguments.repeats,
        doubles=doubles,
        results=results,
    )
    print(f"wrote {path.relative_to(ROOT)}")


def make_tokens(project, count: int) -> list[str]:
    from annotate.services.people.tokens import issue_token
    from benchmarks.filling import add_annotator

    people = [add_annotator(project, f"annotator{number}") for number in range(count)]
    return [issue_token(user=user, scopes=["read", "annotate"])[1] for user in people]


def send(order: dict) -> dict:
    """Let the annotators work; their measurements."""
    done = subprocess.run(
        python("-m", "benchmarks.annotators"),
        input=json.dumps(order),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    if done.stderr:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def measure(order: dict, web_pid: int, postgres_pid: int) -> dict[str, float]:
    """One repeat: rate, percentiles (ms), CPU of either server (ms an annotation)."""
    before = tree_seconds(web_pid), tree_seconds(postgres_pid)
    found = send(order)
    after = tree_seconds(web_pid), tree_seconds(postgres_pid)
    done = found["annotations"]
    nexts = sorted(1000 * row[0] for row in done)
    submits = sorted(1000 * row[1] for row in done)
    web_ms, postgres_ms = (1000 * (b - a) / len(done) for a, b in zip(before, after, strict=True))
    return {
        "rate": len(done) / found["seconds"],
        "next_p50": percentile(nexts, 50),
        "next_p95": percentile(nexts, 95),
        "submit_p50": percentile(submits, 50),
        "submit_p95": percentile(submits, 95),
        "web_cpu": web_ms,
        "postgres_cpu": postgres_ms,
        "server_cpu": web_ms + postgres_ms,
    }


def percentile(ordered: list[float], share: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def summary(count: int, keep_alive: bool, repeats: list[dict[str, float]]) -> dict:
    medians = {key: statistics.median(run[key] for run in repeats) for key in repeats[0]}
    mode = "keep-alive" if keep_alive else "new"
    return {"annotators": count, "connection": mode, **medians}


def count_doubles(project) -> int:
    """Seats beyond the overlap, and judgements beyond the seats: both must be none."""
    from annotate.models import Judgement, Seat

    judgements = Judgement.objects.filter(project=project)
    done = Seat.objects.filter(project=project, state="done")
    extra = judgements.count() - judgements.values("task_id").distinct().count()
    return extra + abs(judgements.count() - done.count())


if __name__ == "__main__":
    main()
