"""A large project in and out, beside two others: `python -m benchmarks.in_and_out --rows 100000`.

For each size: pairs of about 1.2 kB are imported over HTTP as labelled judgements, from JSON lines
and from Parquet into a project each; those of the first are exported over HTTP as JSON lines and as
Parquet (formats `trl` and `raw`); `datasets` reads what was sent and what came out, each file in a
process of its own. With `--label-studio PROGRAM` (see
benchmarks/label_studio.py) the same pairs go into it with an annotation each, and out as JSON, up
to `--label-studio-rows`, as it makes its answer in memory. All on one machine in one run, one after
the other. `idle MB` and `peak MB` are of the process that did the work (of servers the largest
one), before and at most while it did. Each line is printed as its work begins and ends.
"""

import argparse
import http.client
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import label_studio, texts
from benchmarks.folders import scratch_folder
from benchmarks.report import print_table, write_json
from benchmarks.scratch import (
    ROOT,
    forget_peaks,
    installation,
    peak_megabytes,
    python,
    tree_seconds,
    web,
)

HEADERS = ["rows", "who", "work", "seconds", "rows/s", "CPU s", "MB", "idle MB", "peak MB"]
AT_ONCE = 10_000  # tasks a call into Label Studio
PIECE = 1 << 20
ROW_GROUP = 1000
FORMATS = ("trl", "raw")
Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="*", default=[20_000, 100_000])
    parser.add_argument("--label-studio", type=Path, metavar="PROGRAM")
    parser.add_argument("--label-studio-rows", type=int, default=100_000, help="at most so many")
    parser.add_argument("--name", default="in_and_out")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        read_by_datasets(arguments.read)
        return
    results: list[Row] = []
    with scratch_folder("in-and-out") as folder:
        with installation(), web() as (server, port):
            owner, token = make_reader()
            list(measure_ours(port, token, owner, server.pid, folder, 100))  # warm
            for rows in arguments.rows:
                results += measure_ours(port, token, owner, server.pid, folder, rows)
                results += measure_datasets(folder, rows)
        if arguments.label_studio:
            sizes = sorted({min(rows, arguments.label_studio_rows) for rows in arguments.rows})
            with label_studio.server(arguments.label_studio, 0) as (process, port, tokens):
                for rows in sizes:
                    results += measure_label_studio(port, tokens[-1], process, folder, rows)
    print_table(HEADERS, [list(row.values()) for row in results])
    path = write_json(arguments.name, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def make_reader() -> tuple[object, str]:
    """Somebody with a token that may bring in and take out."""
    from annotate.models import User
    from annotate.services.people.tokens import issue_token

    owner = User.objects.create(username="owner")
    return owner, issue_token(user=owner, scopes=["read", "manage"])[1]


def measured(rows: int, who: str, work: str, pid: int, run: Callable[[], int]) -> Row:
    """`run` answers how many bytes went over the wire."""
    begin(rows, who, work)
    forget_peaks(pid)
    idle, cpu, began = peak_megabytes(pid), tree_seconds(pid), time.perf_counter()
    size = run()
    seconds = time.perf_counter() - began
    return figures(
        rows,
        who,
        work,
        {
            "seconds": seconds,
            "cpu": tree_seconds(pid) - cpu,
            "megabytes": size / 1e6,
            "idle": idle,
            "peak": peak_megabytes(pid),
        },
    )


def begin(rows: int, who: str, work: str) -> None:
    print(f"{rows} {who} {work} … ", end="", flush=True)


def figures(rows: int, who: str, work: str, found: dict[str, float]) -> Row:
    """The row of the table; tells its seconds."""
    print(f"{found['seconds']:.1f} s, at most {found['peak']:.0f} MB", flush=True)
    return {
        "rows": rows,
        "who": who,
        "work": work,
        "seconds": found["seconds"],
        "rows_per_second": rows / found["seconds"],
        "cpu_seconds": found["cpu"],
        "megabytes": found["megabytes"],
        "idle_megabytes": found["idle"],
        "peak_megabytes": found["peak"],
    }


def measure_ours(
    port: int, token: str, owner: object, pid: int, folder: Path, rows: int
) -> Iterator[Row]:
    """Into new projects, and out of the first into files of the folder. Raises RuntimeError if
    rows went missing.
    """
    write_pairs(folder / "pairs.jsonl", rows)
    write_as_parquet(folder / "pairs.jsonl", folder / "pairs.parquet")
    projects = []
    for file_type in ("jsonl", "parquet"):
        projects.append(make_project(owner))
        send = partial(send_file, port, token, projects[-1], folder / f"pairs.{file_type}", rows)
        yield measured(rows, "Tandem", f"import {file_type}", pid, send)
    for format in FORMATS:
        for file_type in ("jsonl", "parquet"):
            target = folder / f"{format}.{file_type}"
            path = f"/api/v1/projects/{projects[0]}/export/?format={format}&file_type={file_type}"
            take = partial(fetch_file, port, token, path, target)
            yield measured(rows, "Tandem", f"export {format} {file_type}", pid, take)
            require_rows(target, rows)


def make_project(owner: object) -> int:
    from annotate.models import Membership, Project

    project = Project.objects.create(name="in and out", created_by=owner)
    Membership.objects.create(project=project, user=owner, role=Membership.Role.OWNER)
    return project.pk


def write_pairs(path: Path, rows: int) -> None:
    with path.open("w") as file:
        for n in range(rows):
            prompt, better, worse = texts.pair(n)
            row = {
                "id": f"r{n}",
                "prompt": [{"role": "user", "content": prompt}],
                "chosen": [{"role": "assistant", "content": better}],
                "rejected": [{"role": "assistant", "content": worse}],
            }
            file.write(json.dumps(row) + "\n")


def write_as_parquet(source: Path, target: Path) -> None:
    """In groups of rows as large as `datasets` writes them by default."""
    from pyarrow import Table, parquet

    writer = None
    with source.open() as file:
        while lines := list(itertools.islice(file, ROW_GROUP)):
            table = Table.from_pylist([json.loads(line) for line in lines])
            writer = writer or parquet.ParquetWriter(target, table.schema)
            writer.write_table(table)
    if writer is not None:
        writer.close()


def send_file(port: int, token: str, project: int, source: Path, rows: int) -> int:
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/octet-stream"}
    size = source.stat().st_size
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=7200)
    path = f"/api/v1/projects/{project}/import/?format=trl&labels=judgements"
    with source.open("rb") as file:
        client.request("POST", path, file, headers | {"Content-Length": str(size)})
        answer = client.getresponse()
        body = answer.read()
    client.close()
    if answer.status != 200 or json.loads(body)["counts"].get("judgements") != rows:
        raise RuntimeError(f"{rows} rows sent, answered {answer.status}: {body[:300]!r}")
    return size


def fetch_file(port: int, token: str, path: str, target: Path) -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=7200)
    client.request("GET", path, headers={"Authorization": f"Token {token}"})
    answer = client.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"GET {path} answered {answer.status}: {answer.read()[:300]!r}")
    with target.open("wb") as file:
        while piece := answer.read(PIECE):
            file.write(piece)
    client.close()
    return target.stat().st_size


def require_rows(path: Path, rows: int) -> None:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        found = parquet.ParquetFile(path).metadata.num_rows
    else:
        with path.open("rb") as file:
            found = sum(1 for _ in file)
    if found != rows:
        raise RuntimeError(f"{path.name} holds {found} rows of {rows}")


def measure_datasets(folder: Path, rows: int) -> Iterator[Row]:
    """`datasets` reads what was sent and what was exported, each in a process of its own."""
    for name in (f"{f}.{type}" for f in ("pairs", *FORMATS) for type in ("jsonl", "parquet")):
        begin(rows, "datasets", f"read {name}")
        command = python("-m", "benchmarks.in_and_out", "--read", str(folder / name))
        environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"datasets did not read {name}: {done.stderr[-1000:]}")
        found = json.loads(done.stdout.splitlines()[-1])
        if found.pop("rows") != rows:
            raise RuntimeError(f"datasets read other than {rows} rows of {name}")
        yield figures(rows, "datasets", f"read {name}", found)


def read_by_datasets(path: Path) -> None:
    """The child: read the file into an empty cache, and print the figures as JSON."""
    import datasets

    builder = "parquet" if path.suffix == ".parquet" else "json"
    with tempfile.TemporaryDirectory(dir=path.parent) as cache:
        idle, cpu, began = peak_megabytes(os.getpid()), time.process_time(), time.perf_counter()
        found = datasets.load_dataset(builder, data_files=str(path), split="train", cache_dir=cache)
        told = {
            "rows": found.num_rows,
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "megabytes": path.stat().st_size / 1e6,
            "idle": idle,
            "peak": peak_megabytes(os.getpid()),
        }
    print(json.dumps(told))


def measure_label_studio(port: int, token: str, pid: int, folder: Path, rows: int) -> Iterator[Row]:
    """The same pairs with an annotation each in, and out as JSON into a file of the folder."""
    project = label_studio.make_project(port, token)
    target = folder / "label_studio.json"
    calls = list(annotated(rows))
    sent = sum(len(json.dumps(tasks)) for tasks in calls)

    def bring() -> int:
        for tasks in calls:
            label_studio.import_into(port, token, project, tasks)
        return sent

    def take() -> int:
        path = f"/api/projects/{project}/export?exportType=JSON"
        return fetch_file(port, token, path, target)

    yield measured(rows, "Label Studio", "import JSON", pid, bring)
    yield measured(rows, "Label Studio", "export JSON", pid, take)
    found = len(json.loads(target.read_bytes()))
    if found != rows:
        raise RuntimeError(f"Label Studio exported {found} tasks of {rows}")


def annotated(rows: int) -> Iterator[list[dict[str, object]]]:
    """Tasks with an annotation each, as many a time as one call takes."""
    for first in range(0, rows, AT_ONCE):
        yield [annotated_task(n) for n in range(first, min(rows, first + AT_ONCE))]


def annotated_task(n: int) -> dict[str, object]:
    prompt, better, worse = texts.pair(n)
    data = {"prompt": prompt, "a": better, "b": worse}
    return {"data": data, "annotations": [label_studio.ANNOTATION]}


if __name__ == "__main__":
    main()
