"""Rows a second of an import over HTTP: `python -m benchmarks.import_rows`.

The real web server on a private PostgreSQL. Each repeat sends a new file of pairs of about 1.2 kB
to a new project and waits for the answer: as tasks with two seats each, and as labelled
judgements; then the same file again, which must add nothing. Medians of the repeats. `idle MB` and
`peak MB` are what the larger web process held before the import and at most while it ran.
"""

import argparse
import http.client
import json
import statistics
import time

from benchmarks.report import print_table, write_json
from benchmarks.scratch import (
    ROOT,
    forget_peaks,
    installation,
    peak_megabytes,
    tree_seconds,
    web,
)

QUESTION = "How do the tides work, and why are there two of them a day in most places? "
ANSWER = "The moon pulls the near side of the sea more strongly than the far side. "
HEADERS = [
    *("rows", "as", "seconds", "rows/s", "web CPU s", "PostgreSQL CPU s", "again s"),
    *("idle MB", "peak MB"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000, 10_000, 50_000])
    parser.add_argument("--overlap", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--labels", nargs="*", default=["tasks", "judgements"])
    parser.add_argument("--name", default="import_rows")
    arguments = parser.parse_args()
    results = []
    with installation() as postgres:
        owner, token = make_owner()
        with web() as (server, port):
            measure(port, token, owner, 100, "tasks", arguments.overlap, server.pid, postgres)
            for rows in arguments.rows:
                for labels in arguments.labels:
                    repeats = [
                        measure(
                            port,
                            token,
                            owner,
                            rows,
                            labels,
                            arguments.overlap,
                            server.pid,
                            postgres,
                        )
                        for _ in range(arguments.repeats)
                    ]
                    results.append(summary(rows, labels, repeats))
    print_table(HEADERS, [list(row.values()) for row in results])
    path = write_json(
        arguments.name, overlap=arguments.overlap, repeats=arguments.repeats, results=results
    )
    print(f"wrote {path.relative_to(ROOT)}")


def make_owner():
    from annotate.models import User
    from annotate.services.people.tokens import issue_token

    owner = User.objects.create(username="owner")
    return owner, issue_token(user=owner, scopes=["manage"])[1]


def make_file(rows: int) -> bytes:
    lines = (
        json.dumps(
            {
                "id": f"r{n}",
                "prompt": [{"role": "user", "content": f"{n}: {QUESTION * 3}"}],
                "chosen": [{"role": "assistant", "content": f"{n} {ANSWER * 6}"}],
                "rejected": [{"role": "assistant", "content": f"{n} {ANSWER * 4}"}],
            }
        )
        for n in range(rows)
    )
    return "\n".join(lines).encode()


def measure(
    port: int, token: str, owner, rows: int, labels: str, overlap: int, web_pid: int, postgres: int
) -> dict[str, float]:
    """One file into a new project, and once more. Raises RuntimeError if rows went missing."""
    from annotate.models import Membership, Project

    project = Project.objects.create(name="import", created_by=owner, overlap=overlap)
    Membership.objects.create(project=project, user=owner, role=Membership.Role.OWNER)
    data = make_file(rows)
    forget_peaks(web_pid)
    idle = peak_megabytes(web_pid)
    before = tree_seconds(web_pid), tree_seconds(postgres)
    seconds, report = send(port, token, project.pk, labels, data)
    after = tree_seconds(web_pid), tree_seconds(postgres)
    peak = peak_megabytes(web_pid)
    if report["created"] != rows:
        raise RuntimeError(f"sent {rows} rows, the server answered {report}")
    again, report = send(port, token, project.pk, labels, data)
    if report["skipped"] != rows or any(report["counts"].values()):
        raise RuntimeError(f"the same file again was answered with {report}")
    return {
        "seconds": seconds,
        "web": after[0] - before[0],
        "postgres": after[1] - before[1],
        "again": again,
        "idle": idle,
        "peak": peak,
    }


def send(port: int, token: str, project: int, labels: str, data: bytes) -> tuple[float, dict]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/x-ndjson"}
    began = time.perf_counter()
    client.request(
        "POST", f"/api/v1/projects/{project}/import/?format=trl&labels={labels}", data, headers
    )
    answer = client.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - began
    client.close()
    if answer.status != 200:
        raise RuntimeError(f"the import answered {answer.status}: {body[:300]!r}")
    return seconds, json.loads(body)


def summary(rows: int, labels: str, repeats: list[dict[str, float]]) -> dict[str, object]:
    median = {key: statistics.median(one[key] for one in repeats) for key in repeats[0]}
    return {
        "rows": rows,
        "as": labels,
        "seconds": median["seconds"],
        "rows_per_second": rows / median["seconds"],
        "web_cpu_seconds": median["web"],
        "postgres_cpu_seconds": median["postgres"],
        "again_seconds": median["again"],
        "idle_megabytes": median["idle"],
        "peak_megabytes": median["peak"],
    }


if __name__ == "__main__":
    main()
