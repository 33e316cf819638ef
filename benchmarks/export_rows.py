"""Rows a second and peak memory of an export by size: `python -m benchmarks.export_rows`.

Judgements are made inside a private PostgreSQL; every export runs in a fresh process of its own,
so that its peak memory is its own. `idle MB` is what such a process takes before it exports.
CPU seconds are the exporting process's and those of its PostgreSQL backend. Medians of the repeats.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

import psutil

from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, peak_megabytes, python

HEADERS = [
    *("judgements", "format", "repeats", "seconds", "rows/s", "CPU s", "PostgreSQL CPU s"),
    *("MB", "idle MB", "peak MB"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judgements", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--formats", nargs="*", default=["trl", "trl_conversational", "raw"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--once-from", type=int, default=1_000_000, help="no repeats at this size")
    parser.add_argument("--name", default="export_rows")
    parser.add_argument("--child", nargs=2, metavar=("PROJECT", "FORMAT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        export(int(arguments.child[0]), arguments.child[1])
        return
    results = []
    with installation():
        for count in arguments.judgements:
            began = time.perf_counter()
            project = make_judged(count)
            print(f"{count} judgements made in {time.perf_counter() - began:.1f} s", flush=True)
            times = 1 if count >= arguments.once_from else arguments.repeats
            for name in arguments.formats:
                repeats = [measure(project, name) for _ in range(times)]
                results.append(summary(count, name, repeats))
    print_table(HEADERS, [list(row.values()) for row in results])
    path = write_json(arguments.name, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def make_judged(count: int) -> int:
    from benchmarks.filling import judge_all, make_project

    project = make_project(tasks=count, overlap=1)
    judge_all(project)
    return project.pk


def export(project: int, name: str) -> None:
    """The child: export to nowhere and print the figures as JSON."""
    import django

    django.setup()
    from django.db import connection

    from annotate.models import Project
    from annotate.services.outgoing.exports import stream_export

    found = Project.objects.get(pk=project)
    backend = psutil.Process(connection.connection.info.backend_pid)
    idle = peak_megabytes(os.getpid())
    began, cpu_began, backend_began = time.perf_counter(), time.process_time(), seconds_of(backend)
    rows = size = 0
    for chunk in stream_export(project=found, format=name):
        rows += chunk.count(b"\n")
        size += len(chunk)
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu_began,
        "server_cpu": seconds_of(backend) - backend_began,
        "rows": rows,
        "megabytes": size / 1e6,
        "idle": idle,
        "peak": peak_megabytes(os.getpid()),
    }
    print(json.dumps(figures))


def seconds_of(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def measure(project: int, name: str) -> dict[str, float]:
    command = python("-m", "benchmarks.export_rows", "--child", str(project), name)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def summary(count: int, name: str, repeats: list[dict[str, float]]) -> dict[str, object]:
    median = {key: statistics.median(one[key] for one in repeats) for key in repeats[0]}
    if median["rows"] != count:
        raise RuntimeError(f"{count} judgements gave {median['rows']} rows")
    return {
        "judgements": count,
        "format": name,
        "repeats": len(repeats),
        "seconds": median["seconds"],
        "rows_per_second": count / median["seconds"],
        "cpu_seconds": median["cpu"],
        "postgres_cpu_seconds": median["server_cpu"],
        "megabytes": median["megabytes"],
        "idle_megabytes": median["idle"],
        "peak_megabytes": median["peak"],
    }


if __name__ == "__main__":
    main()
