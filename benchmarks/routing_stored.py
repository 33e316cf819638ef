"""Features of many instances, then decisions from what is stored: `routing_scale --stored`.

Everything is done by the code of the workers, in a worker process of its own (`--work`), whose
memory the kernel counts; the database is a throw-away one on the same machine.
"""

import json
import os
import statistics
import subprocess
import time
from argparse import Namespace
from pathlib import Path

from benchmarks.report import print_table, write_json
from benchmarks.scratch import (
    ROOT,
    forget_peaks,
    installation,
    peak_megabytes,
    python,
    tree_seconds,
)
from config.postgres import private_cluster

LABELLED = 600  # tasks that people labelled, which the policy is fitted to
WATCHED = 0.5  # seconds between two looks at a worker's memory
CPU = ["worker CPU s", "PostgreSQL CPU s"]
MEMORY = ["before MB", "peak MB"]
FEATURES = ["rows", "encoder", "seconds", "rows/s", *CPU, *MEMORY, "encoder MB", "again s"]
DECIDED = ["rows", "written down", "people's share", "seconds", "rows/s", *CPU, *MEMORY, "one, ms"]
ALONE = 100  # tasks that are decided one at a time


def measure(wish: Namespace) -> None:
    """Prints and keeps what is there after each project, the largest being last."""
    features, decided = [], []
    with installation():
        for count in wish.embedded:
            features.append(featurised(prepare(count), count, encoder(wish.encoder)))
            tell(features, decided)
        for count in sorted(wish.stored):
            project_id = prepare(count)
            features.append(featurised(project_id, count, ""))
            tell(features, decided)
            if count <= wish.decided:
                decided.append(from_store(with_policy(project_id), count))
                tell(features, decided)
            if count <= min(wish.written, wish.decided):
                decided.append(written_down(project_id, count))
                tell(features, decided)
    print_table(FEATURES, [list(row.values()) for row in features])
    print_table(DECIDED, [list(row.values()) for row in decided])


def tell(features: list[dict], decided: list[dict]) -> None:
    print(f"{len(features)} of features, {len(decided)} of decisions", flush=True)
    write_json("routing_stored", features=features, decided=decided)


def prepare(count: int) -> int:
    """A project of so many varied pairs, some labelled; its id."""
    from benchmarks.filling import label_some, make_project

    began = time.perf_counter()
    project = make_project(tasks=count, overlap=1, varied=True)
    label_some(project, min(LABELLED, count // 2))
    print(f"{count} tasks made in {time.perf_counter() - began:.0f} s", flush=True)
    return project.pk


def encoder(name: str) -> str:
    """The encoder of that name; `tiny` is made here from its configuration, with random weights:
    two layers of 32 numbers, and the words of the texts.
    """
    if name != "tiny":
        return name
    from django.conf import settings
    from transformers import BertConfig, BertModel, BertTokenizerFast

    from benchmarks.filling import PASSAGES

    folder = settings.BASE_MODELS_DIR / "tiny"
    if not folder.exists():
        marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        words = sorted({word.strip(".,:;?[]()<>").lower() for word in PASSAGES.split()})
        vocabulary = {token: number for number, token in enumerate([*marks, *words])}
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=256,
        )  # fmt: skip
        BertModel(config).save_pretrained(folder)
        BertTokenizerFast(vocab=vocabulary, do_lower_case=True).save_pretrained(folder)
    return str(folder)


def featurised(project_id: int, count: int, name: str) -> dict:
    """The edges frozen here, a worker's run over all tasks, and one that finds nothing to do."""
    from annotate.models import Project
    from routing.models import InstanceFeatures
    from routing.services.features import start_features
    from routing.services.featurising import freeze_specification

    project = Project.objects.get(pk=project_id)
    spec = freeze_specification(project=project, encoder=name)
    run = start_features(project=project, actor=None)
    there = InstanceFeatures.objects.filter(spec=spec).count()
    worked = work("features", run.pk)
    _require_done(run)
    if InstanceFeatures.objects.filter(spec=spec).count() != count:
        raise RuntimeError(f"not all of {count} tasks have features")
    again = work("features", start_features(project=project, actor=None).pk)
    return {
        "rows": count,
        "encoder": Path(name).name or "none",
        **_costs(worked, count - there),
        "encoder_peak": worked["children"] or "",
        "again": again["seconds"],
    }


def with_policy(project_id: int) -> int:
    """A judge whose answers are all on record, and a policy fitted to what people labelled, in
    force; its id.
    """
    from annotate.models import Project
    from annotate.services import jobs
    from benchmarks.filling import record_answers
    from routing.models import PolicyFit
    from routing.services.fitting import run_fit
    from routing.services.judges import save_judge
    from routing.services.ledger import fingerprint_of
    from routing.services.policies import promote_policy, start_fit

    project = Project.objects.get(pk=project_id)
    rules = {"rules": [{"rule": "length", "weight": 1}]}
    judge = save_judge(project=project, actor=None, name="Length", kind="rules", config=rules)
    record_answers(project, judge.pk, fingerprint_of(judge))
    asked = {"share": 0.2, "boosting": False}
    fit = start_fit(project=project, actor=None, kind="error", judges=[judge.pk], settings=asked)
    run_fit(run=jobs.claim(PolicyFit, fit.pk, owner="benchmark"))
    _require_done(fit)
    return promote_policy(policy=fit.policy, actor=None).pk


def from_store(policy_id: int, count: int) -> dict:
    """All undecided tasks read and decided, a pass's batch at a time; nothing is written down."""
    worked = work("decide", policy_id)
    return _decided(worked, count, "no")


def written_down(project_id: int, count: int) -> dict:
    """A whole pass: each decision, the label and the seats in a transaction of their own."""
    from annotate.models import Project
    from routing.models import Decision
    from routing.services.passes import start_routing

    run = start_routing(project=Project.objects.get(pk=project_id), actor=None)
    worked = work("pass", run.pk)
    _require_done(run)
    made = Decision.objects.filter(policy=run.policy)
    people = made.exclude(wanted=Decision.Route.AI).count()
    return _decided({**worked, "rows": made.count(), "asked": people}, count, "yes")


def _decided(worked: dict, count: int, written: str) -> dict:
    rows = worked["rows"]
    if rows < count - 2 * LABELLED:
        raise RuntimeError(f"only {rows} of {count} tasks were decided")
    return {
        "rows": rows,
        "written": written,
        "asked": worked["asked"] / rows,
        **_costs(worked, rows),
        "one_ms": worked.get("one_ms", ""),
    }


def _costs(worked: dict, rows: int) -> dict:
    told = ("cpu", "postgres_cpu", "before", "peak")
    rate = {"seconds": worked["seconds"], "rows_per_second": rows / worked["seconds"]}
    return rate | {name: worked[name] for name in told}


def _require_done(run) -> None:
    run.refresh_from_db()
    if run.state != "done":
        raise RuntimeError(f"{run} ended as {run.state}: {run.message}")


def work(kind: str, pk: int) -> dict:
    """What the worker process tells, with the most memory that a child of its held."""
    command = python("-m", "benchmarks.routing_scale", "--work", kind, str(pk))
    database = _postgres()
    before = tree_seconds(database)
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    most = 0.0
    while process.poll() is None:
        most = max(most, _children(process.pid))
        time.sleep(WATCHED)
    assert process.stdout is not None
    said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the worker ended with {process.returncode}")
    told = {"children": most, "postgres_cpu": tree_seconds(database) - before}
    return {**json.loads(said.splitlines()[-1]), **told}


def _postgres() -> int:
    pid = private_cluster(Path(os.environ["TANDEM_VAR"])).running_pid()
    if pid is None:
        raise RuntimeError("PostgreSQL does not run")
    return pid


def _children(pid: int) -> float:
    """The most memory, in MB, that a living child of the process has held; 0 without one."""
    import psutil

    try:
        return max((peak_megabytes(one.pid) for one in psutil.Process(pid).children()), default=0.0)
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError, IndexError):
        return 0.0  # it ended meanwhile


def be_worker(kind: str, pk: int) -> None:
    """In the worker process: the work, and what it took, as JSON on the last line."""
    import django

    django.setup()
    from routing import tasks
    from routing.services import deciding, featurising  # noqa: F401  (what a warm worker holds)

    forget_peaks(os.getpid())
    before = peak_megabytes(os.getpid())
    began, used = time.perf_counter(), _cpu()
    told: dict[str, float] = {}
    if kind == "features":
        tasks.run_features(pk)
    elif kind == "pass":
        tasks.run_routing(pk)
    else:
        told = _decide(pk)
    seconds = time.perf_counter() - began
    told |= {"seconds": seconds, "cpu": _cpu() - used, "before": before, "peak": _own_peak()}
    if kind == "decide":
        told["one_ms"] = _alone(pk)
    print(json.dumps(told))


def _cpu() -> float:
    """Seconds of this process and the children that it has buried."""
    return tree_seconds(os.getpid())


def _own_peak() -> float:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


def _decide(policy_id: int) -> dict[str, float]:
    from routing.models import RoutingPolicy
    from routing.services import deciding, passes
    from routing.services.ids import ids_of

    policy = RoutingPolicy.objects.get(pk=policy_id)
    todo = ids_of(passes.undecided(policy))
    asked = rows = 0
    for start in range(0, len(todo), passes.BATCH):
        ids = todo[start : start + passes.BATCH].tolist()
        made = deciding.decide_tasks(
            policy, ids, to_come=len(todo) - start, should_stop=lambda: False
        )
        rows += len(made.rows) + made.waiting
        asked += sum(row.route != "ai" for row in made.rows)
    return {"rows": rows, "asked": asked}


def _alone(policy_id: int) -> float:
    """Median milliseconds to read and decide one task by itself, from what is kept."""
    from routing.models import RoutingPolicy
    from routing.services import deciding, passes
    from routing.services.ids import ids_of

    policy = RoutingPolicy.objects.get(pk=policy_id)
    took = []
    for task_id in ids_of(passes.undecided(policy)[:ALONE]):
        began = time.perf_counter()
        deciding.decide_tasks(policy, [task_id], to_come=ALONE, should_stop=lambda: False)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)
