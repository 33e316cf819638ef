"""What a judge's calls cost beside the model: `python -m benchmarks.judge_calls`.

A model on the loopback answers at once, so the time is that of the books: reserving, sending,
writing down, pooling, labelling. `first` and `last` are the calls a second in the first and the
last tenth of the tasks, which tell whether a call grows dearer the more there are.
"""

import argparse
import math
import os
import time

from benchmarks.report import print_table, write_json
from benchmarks.scratch import ROOT, installation, peak_megabytes

HEADERS = ["calls", "at a time", "seconds", "calls/s", "first", "last", "peak MB"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, nargs="*", default=[1_000, 10_000])
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--name", default="judge_calls")
    arguments = parser.parse_args()
    with installation():
        import django

        django.setup()
        results = [measure(tasks, arguments.concurrency) for tasks in arguments.tasks]
    print_table(HEADERS, [list(row.values()) for row in results])
    path = write_json(arguments.name, results=results)
    print(f"wrote {path.relative_to(ROOT)}")


def measure(tasks: int, concurrency: int) -> dict[str, object]:
    from annotate.services import jobs
    from benchmarks.filling import make_project
    from routing.models import JudgeCall, JudgeRun
    from routing.services import judge_runs
    from routing.services.judges import save_judge
    from tests.chat_server import serve_chat
    from tests.routing.judges.scripts import say

    def answer(handler, body: dict) -> None:
        x = math.sin(len(body["messages"][1]["content"]))
        top = [("A", -math.log1p(math.exp(-x))), ("B", -math.log1p(math.exp(x)))]
        handler.server.requests.clear()
        say(handler, "A" if x > 0 else "B", top=top)

    project = make_project(tasks=tasks, overlap=1)
    judge_runs.SLICE = math.inf
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


if __name__ == "__main__":
    main()
