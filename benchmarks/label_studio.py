"""The same work for Label Studio on the same machine: `python -m benchmarks.label_studio`.

    python -m venv /tmp/ls && /tmp/ls/bin/pip install label-studio==1.23.0
    python -m benchmarks.label_studio --program /tmp/ls/bin/label-studio

Its own server as `label-studio start` runs it, with its default database, every call on a new
connection (its development server loses 45 ms an answer with keep-alive). Imports the pairs of
`import_rows`, lets annotators work as in `next_submit`, exports annotated tasks as `export_rows`
does. Run ours right before or after: only then can the figures be compared.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil

from benchmarks.folders import scratch_folder
from benchmarks.import_rows import ANSWER, QUESTION
from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, tree_seconds

CONFIG = """<View>
  <Text name="prompt" value="$prompt"/><Text name="a" value="$a"/><Text name="b" value="$b"/>
  <Choices name="better" toName="prompt" choice="single" required="true">
    <Choice value="a"/><Choice value="b"/>
  </Choices>
</View>"""
ANNOTATION = {
    "result": [
        {
            "from_name": "better",
            "to_name": "prompt",
            "type": "choices",
            "value": {"choices": ["a"]},
        }
    ],
    "lead_time": 1.5,
}
# Run inside `label-studio shell`: people with tokens, which its API cannot make.
PEOPLE = """
from django.contrib.auth import get_user_model
from organizations.models import Organization
from rest_framework.authtoken.models import Token
from jwt_auth.models import JWTSettings
owner = get_user_model().objects.get(email="bench@example.com")
JWTSettings.objects.update(legacy_api_tokens_enabled=True)
organization = owner.active_organization
for n in range({count}):
    email = f"person{{n}}@example.com"
    user = get_user_model().objects.create_user(email=email, password=email)
    organization.add_user(user)
    user.active_organization = organization
    user.save()
    print("TOKEN", Token.objects.get_or_create(user=user)[0].key)
print("TOKEN", Token.objects.get_or_create(user=owner)[0].key)
"""


class RefusedError(RuntimeError):
    """The server answered with an error, such as "database is locked"."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", type=Path, required=True, help="the label-studio to run")
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--annotators", type=int, nargs="*", default=[1, 8, 32])
    parser.add_argument("--annotations", type=int, default=100)
    parser.add_argument("--without-export", action="store_true", help="leave the export out")
    arguments = parser.parse_args()
    rows = arguments.rows
    results: list[dict[str, object]] = []
    with server(arguments.program, max(arguments.annotators)) as (process, port, tokens):
        owner = tokens.pop()

        def measure(work: str, run: Callable[[], tuple[float, int]]) -> None:
            """Medians of `run`, which answers its seconds and how many calls failed."""
            repeats = []
            for _ in range(arguments.repeats):
                before = tree_seconds(process)
                repeats.append((*run(), tree_seconds(process) - before))
            seconds, failed, cpu = map(statistics.median, zip(*repeats, strict=True))
            results.append({"work": work, "seconds": seconds, "cpu": cpu, "failed": failed})
            print(f"{work}: {seconds:.2f} s, {cpu:.2f} s of CPU, {failed:g} failed", flush=True)

        call(port, owner, "GET", "/api/projects/")
        tasks = [pair(n) for n in range(rows)]
        measure(
            f"import {rows}", lambda: import_into(port, owner, make_project(port, owner), tasks)
        )
        if not arguments.without_export:
            done = [{"data": task, "annotations": [ANNOTATION]} for task in tasks]
            full = make_project(port, owner)
            import_into(port, owner, full, done)
            measure(f"export {rows}", lambda: export(port, owner, full, rows))
        for count in arguments.annotators:
            project = make_project(port, owner)
            import_into(port, owner, project, tasks)
            measure(
                f"{arguments.annotations} annotations by {count}",
                partial(annotate, port, tokens[:count], project, arguments.annotations),
            )
    print_table(["work", "seconds", "server CPU s", "failed"], [list(r.values()) for r in results])
    path = write_json("label_studio", rows=rows, repeats=arguments.repeats, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


@contextmanager
def server(program: Path, people: int) -> Iterator[tuple[int, int, list[str]]]:
    """Label Studio in a folder of its own: pid, port, tokens of people and of the owner (last)."""
    with scratch_folder("label-studio") as folder:
        yield from _served(program, people, str(folder))


def _served(program: Path, people: int, folder: str) -> Iterator[tuple[int, int, list[str]]]:
    environment = os.environ | {
        "COLLECT_ANALYTICS": "false",
        "LATEST_VERSION_CHECK": "false",
        "SENTRY_DSN": "",
        "FRONTEND_SENTRY_DSN": "",
        "LABEL_STUDIO_BASE_DATA_DIR": folder,
        "DATA_UPLOAD_MAX_MEMORY_SIZE": str(1 << 30),
    }
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(program), "start", "--no-browser", "--port", str(port), "--data-dir", folder]
    command += ["--username", "bench@example.com", "--password", "bench-password-1"]
    log = Path(folder, "log.txt")
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        wait_for(port, process, log)
        shell = subprocess.run(
            [str(program), "shell", "--data-dir", folder],
            input=f"exec({PEOPLE.format(count=people)!r})\n",
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        tokens = [line.split("TOKEN ")[1] for line in shell.stdout.splitlines() if "TOKEN " in line]
        if len(tokens) != people + 1:
            raise RuntimeError(f"{len(tokens)} tokens made: {shell.stdout}{shell.stderr}")
        yield process.pid, port, tokens
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.terminate()
            process.terminate()
            process.wait(20)


def wait_for(port: int, process: subprocess.Popen, log: Path, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"Label Studio did not serve: {log.read_text()[-2000:]}")


def call(port: int, token: str, method: str, path: str, body: object = None) -> object:
    """One call on a connection of its own. Raises RefusedError unless it succeeds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    payload = None if body is None else json.dumps(body).encode()
    connection.request(method, path, payload, headers | {"Connection": "close"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status == 404 and path.endswith("/next"):
        return None
    if answer.status >= 300:
        raise RefusedError(f"{method} {path} answered {answer.status}: {text[:300]!r}")
    return json.loads(text)


def pair(n: int) -> dict[str, str]:
    return {
        "prompt": f"{n}: {QUESTION * 3}",
        "a": f"{n} {ANSWER * 6}",
        "b": f"{n} {ANSWER * 4}",
    }


def make_project(port: int, token: str) -> int:
    body = {"title": "bench", "label_config": CONFIG, "sampling": "Sequential sampling"}
    return call(port, token, "POST", "/api/projects/", body)["id"]


def import_into(port: int, token: str, project: int, tasks: list[dict]) -> tuple[float, int]:
    began = time.perf_counter()
    report = call(port, token, "POST", f"/api/projects/{project}/import", tasks)
    seconds = time.perf_counter() - began
    if report["task_count"] != len(tasks):
        raise RuntimeError(f"sent {len(tasks)}, the server answered {report}")
    return seconds, 0


def export(port: int, token: str, project: int, rows: int) -> tuple[float, int]:
    began = time.perf_counter()
    found = call(port, token, "GET", f"/api/projects/{project}/export?exportType=JSON")
    if len(found) != rows:
        raise RuntimeError(f"{len(found)} of {rows} exported")
    return time.perf_counter() - began, 0


def annotate(port: int, tokens: list[str], project: int, annotations: int) -> tuple[float, int]:
    """The people lease and answer until so many annotations are done; failed calls are repeated."""
    left, failed, done, lock = [annotations], [0], [0], threading.Lock()

    def work(token: str) -> None:
        while True:
            with lock:
                if left[0] <= 0:
                    return
                left[0] -= 1
            try:
                task = call(port, token, "GET", f"/api/projects/{project}/next")
                if task is None:
                    return
                call(port, token, "POST", f"/api/tasks/{task['id']}/annotations/", ANNOTATION)
                with lock:
                    done[0] += 1
            except RefusedError:
                with lock:
                    failed[0] += 1
                    left[0] += 1

    threads = [threading.Thread(target=work, args=(token,)) for token in tokens]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if done[0] != annotations:
        raise RuntimeError(f"{done[0]} of {annotations} annotations were made")
    return seconds, failed[0]


if __name__ == "__main__":
    main()
