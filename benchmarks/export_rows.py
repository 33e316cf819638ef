"""Rows a second and peak memory of an export by size: `python -m benchmarks.export_rows`.

Judgements are made inside a private PostgreSQL; every export runs in a fresh process of its own,
so that its peak memory is its own. `idle MB` is what such a process takes before it exports.
Medians of the repeats.
"""

import argparse
import json
import statistics
import subprocess
import time
from pathlib import Path

from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, python

HEADERS = ["judgements", "format", "seconds", "rows/s", "MB", "idle MB", "peak MB"]
JUDGE = """
INSERT INTO annotate_judgement (project_id, task_id, kind, schema_version, value, rationale, flag,
    source, simulated, imported_author, shown_order, late, submitted_at, idempotency_key)
SELECT task.project_id, task.id, 'pairwise', 1, jsonb_build_object('verdict', 'prefer',
        'preferred', place.response_id, 'strength', 1 + task.id %% 3),
    '', '', 'imported', false, 'w' || task.id %% 100, '{}', false, now(), ''
FROM annotate_task task JOIN annotate_taskresponse place
    ON place.task_id = task.id AND place.position = task.id %% 2
WHERE task.project_id = %s ORDER BY task.id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judgements", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--formats", nargs="*", default=["trl", "trl_conversational", "raw"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--name", default="export_rows")
    parser.add_argument("--child", nargs=2, metavar=("PROJECT", "FORMAT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        export(int(arguments.child[0]), arguments.child[1])
        return
    results = []
    with installation():
        for count in arguments.judgements:
            project = make_judged(count)
            for name in arguments.formats:
                repeats = [measure(project, name) for _ in range(arguments.repeats)]
                results.append(summary(count, name, repeats))
    print_table(HEADERS, [list(row.values()) for row in results])
    path = write_json(arguments.name, repeats=arguments.repeats, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def make_judged(count: int) -> int:
    from django.db import connection

    from benchmarks.filling import make_project

    project = make_project(tasks=count, overlap=1)
    with connection.cursor() as cursor:
        cursor.execute(JUDGE, [project.pk])
        cursor.execute("VACUUM ANALYZE annotate_judgement")
    return project.pk


def export(project: int, name: str) -> None:
    """The child: export to nowhere and print the figures as JSON."""
    import django

    django.setup()
    from annotate.models import Project
    from annotate.services.exports import stream_export

    found = Project.objects.get(pk=project)
    idle = peak_megabytes()
    began = time.perf_counter()
    rows = size = 0
    for chunk in stream_export(project=found, format=name):
        rows += chunk.count(b"\n")
        size += len(chunk)
    seconds = time.perf_counter() - began
    figures = {"seconds": seconds, "rows": rows, "megabytes": size / 1e6}
    print(json.dumps({**figures, "idle": idle, "peak": peak_megabytes()}))


def peak_megabytes() -> float:
    """The most memory that this process held so far.

    From /proc, as the kernel hands getrusage's figure on from the parent through exec.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


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
        "seconds": median["seconds"],
        "rows_per_second": count / median["seconds"],
        "megabytes": median["megabytes"],
        "idle_megabytes": median["idle"],
        "peak_megabytes": median["peak"],
    }


if __name__ == "__main__":
    main()
