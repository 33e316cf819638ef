"""What a judge's calls cost beside the model: `python -m benchmarks.judge_calls`.

With `--kill` the worker is a process of its own that is killed (SIGKILL) once so many tasks are
read; another one goes on, and is killed at the next number. The last one comes to the spending
limit, which lies at LIMITED of what all calls cost: nothing may be spent beyond it. Under a higher
one the rest is read. Then the books are compared with what the model's server saw: every call that
it answered is charged to the millionth of a dollar, and none was asked twice.

A model on the loopback answers at once, so the time is that of the books: reserving, sending,
writing down, pooling, labelling. `first` and `last` are the calls a second in the first and the
last tenth of the tasks, which tell whether a call grows dearer the more there are.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import time
from decimal import Decimal

from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, peak_megabytes

HEADERS = ["calls", "at a time", "seconds", "calls/s", "first", "last", "peak MB"]
KILLED = [
    *("calls", "at a time", "killed after", "seconds", "calls/s"),
    *("failed", "asked twice"),
    *("limit, $", "spent at it, $", "spent in the end, $", "by hand, $"),
]
TOKENS = (100, 1)  # of each call, as the scripted server says
PRICES = {"input_price": "0.15", "output_price": "0.60"}
EACH = Decimal("0.000016")  # what such a call costs, rounded up: 100 × .15 + 1 × .60 millionths
LIMITED = Decimal("0.8")
RESPONSE = re.compile(r"\b([ab]) \d+: The moon")  # of filling.py; a is preferred in both orders


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--name", default="judge_calls")
    parser.add_argument("--kill", type=int, nargs="+", help="Kill a worker after so many tasks.")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work is not None:
        return work(arguments.work)
    with installation():
        import django

        django.setup()
        if arguments.kill is not None:
            results = [killed(n, arguments.concurrency, arguments.kill) for n in arguments.tasks]
        else:
            results = [measure(tasks, arguments.concurrency) for tasks in arguments.tasks]
    print_table(KILLED if arguments.kill else HEADERS, [list(row.values()) for row in results])
    path = write_json(arguments.name, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def measure(tasks: int, concurrency: int) -> dict[str, object]:
    from annotate.services import jobs
    from benchmarks.filling import make_project
    from routing.models import JudgeCall, JudgeRun
    from routing.services import judge_runs, judge_watch
    from routing.services.judges import save_judge
    from tests.chat_server import serve_chat

    def answer(handler, body: dict) -> None:
        handler.server.requests.clear()
        _say(handler, body)

    project = make_project(tasks=tasks, overlap=1)
    judge_watch.SLICE = math.inf
    with serve_chat() as server:
        server.scripts["bench"] = answer
        judge = save_judge(
            project=project,
            actor=None,
            name="Judge",
            kind="openai",
            config={"base_url": server.base_url, "model": "bench"},
            limits={
                "input_price": 1,
                "output_price": 1,
                "spending_limit": 1000,
                "concurrency": concurrency,
            },
        )
        queued = judge_runs.start_judging(judge=judge, actor=None)
        run = jobs.claim(JudgeRun, queued.pk, owner="benchmark")
        began = time.perf_counter()
        judge_runs.run_judge(run=run)
        seconds = time.perf_counter() - began
    run.refresh_from_db()
    if run.labelled != tasks:
        raise RuntimeError(f"{run.labelled} of {tasks} tasks were labelled")
    calls = JudgeCall.objects.filter(judge=judge).order_by("created_at")
    times = list(calls.values_list("created_at", flat=True))
    if (run.state, len(times)) != ("done", 2 * tasks):
        raise RuntimeError(f"the run ended as {run.state} with {len(times)} calls: {run.message}")
    tenth = len(times) // 10
    return {
        "calls": len(times),
        "concurrency": concurrency,
        "seconds": seconds,
        "calls_per_second": len(times) / seconds,
        "first": tenth / (times[tenth] - times[0]).total_seconds(),
        "last": tenth / (times[-1] - times[-1 - tenth]).total_seconds(),
        "peak_megabytes": peak_megabytes(os.getpid()),
    }


def killed(tasks: int, concurrency: int, after: list[int]) -> dict[str, object]:
    """Workers killed in turn, then the spending limit, then the rest under a higher one."""
    from django.db.models import Count, Max, Sum

    from benchmarks.filling import make_project
    from routing.models import JudgeAccount, JudgeCall
    from routing.services import judge_runs
    from routing.services.judges import save_judge, set_limits
    from tests.chat_server import serve_chat

    seen: list[int] = []

    def answer(handler, body: dict) -> None:
        seen.append(hash(body["messages"][1]["content"]))
        handler.server.requests.clear()
        _say(handler, body)

    limit = max(Decimal("0.01"), (2 * tasks * LIMITED * EACH).quantize(Decimal("0.01")))
    project = make_project(tasks=tasks, overlap=1)
    with serve_chat() as server:
        server.scripts["bench"] = answer
        judge = save_judge(
            project=project,
            actor=None,
            name="Judge",
            kind="openai",
            config={"base_url": server.base_url, "model": "bench"},
            limits={**PRICES, "spending_limit": limit, "concurrency": concurrency},
        )
        calls = JudgeCall.objects.filter(judge=judge)
        account = JudgeAccount.objects.filter(project=project)
        began = time.perf_counter()
        queued = judge_runs.start_judging(judge=judge, actor=None)
        for count in after:
            worker = _worker(queued.pk)
            while calls.filter(state="answered").count() < 2 * count and worker.poll() is None:
                time.sleep(0.2)
            worker.kill()
            worker.wait()
            queued.refresh_from_db()
            if queued.is_over:
                raise RuntimeError("the worker was through before it could be killed")
        if _worker(queued.pk).wait():
            raise RuntimeError("the worker after those that were killed failed")
        queued.refresh_from_db()
        stopped = account.get()
        most = calls.aggregate(n=Max("reserved"))["n"]
        if queued.state != "failed" or not limit - concurrency * most < stopped.spent <= limit:
            raise RuntimeError(f"{queued.state}: {stopped.spent} of {limit} spent, {most} a call")
        set_limits(judge=judge, actor=None, limits={"spending_limit": 1000})
        rest = judge_runs.start_judging(judge=judge, actor=None)
        if _worker(rest.pk).wait():
            raise RuntimeError("the worker under the higher limit failed")
        seconds = time.perf_counter() - began
    rest.refresh_from_db()
    states = dict(calls.values_list("state").annotate(n=Count("*")))
    failures = calls.filter(state="failed").values_list("failure")
    failed = dict(failures.annotate(n=Count("*")).order_by("failure"))
    lost = calls.filter(state="failed").aggregate(n=Sum("reserved"))["n"] or 0
    by_hand = states.get("answered", 0) * EACH + lost
    last = account.get()
    if rest.state != "done" or last.reserved or last.spent != by_hand:
        raise RuntimeError(f"{rest.state}, {last.reserved} reserved, {last.spent} spent")
    return {
        "calls": calls.count(),
        "concurrency": concurrency,
        "killed_after": ", ".join(map(str, after)),
        "seconds": seconds,
        "calls_per_second": calls.count() / seconds,
        "failed": ", ".join(f"{n} {failure}" for failure, n in failed.items()) or "none",
        "asked_twice": len(seen) - len(set(seen)),
        "limit": float(limit),
        "spent_at_the_limit": float(stopped.spent),
        "spent": float(last.spent),
        "by_hand": float(by_hand),
    }


def _worker(run_id: int) -> subprocess.Popen:
    command = [sys.executable, "-m", "benchmarks.judge_calls", "--work", str(run_id)]
    return subprocess.Popen(command, cwd=ROOT)


def work(run_id: int) -> None:
    """One worker's part, in a process of its own. A lease of a killed one ends at once: what that
    one's last statement may still be writing is waited for.
    """
    import django

    django.setup()
    from django.utils import timezone

    from annotate.services import jobs
    from routing.models import JudgeRun
    from routing.services import judge_runs, judge_watch

    judge_watch.SLICE = math.inf
    while (run := jobs.claim(JudgeRun, run_id, owner=f"benchmark {os.getpid()}")) is None:
        time.sleep(0.5)
        JudgeRun.objects.filter(pk=run_id).update(lease_until=timezone.now())
    judge_runs.run_judge(run=run)


def _say(handler, body: dict) -> None:
    from tests.routing.judges.scripts import say

    content = body["messages"][1]["content"]
    found = RESPONSE.search(content)
    x = (1.5 + math.sin(len(content))) * (1 if found and found[1] == "a" else -1)
    top = [("A", -math.log1p(math.exp(-x))), ("B", -math.log1p(math.exp(x)))]
    say(handler, "A" if x > 0 else "B", top=top, tokens=TOKENS)


if __name__ == "__main__":
    main()
