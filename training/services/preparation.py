"""What a run trains from: a frozen snapshot, written as files, and the model it starts from."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from annotate.kinds import InvalidValue
from annotate.media.as_text import as_text, text_turns
from annotate.models import Project, Prompt, Response, Snapshot, User
from annotate.services import jobs
from annotate.services.outgoing.signal_votes import write_signals
from annotate.services.outgoing.snapshots import (
    create_snapshot,
    write_origins,
    write_training_files,
)
from training import folders, machine
from training.models import ModelVersion, TrainingRun
from training.models.run import POLICY_GENERATOR
from training.services.configs import RECIPES, RUN_FIELDS, learns_from
from training.services.registry import in_service

SIGNALS = "signals.jsonl"
NOTHING_TO_LEARN = (
    "the selection holds no preference to learn from. Collect or import judgements; those of "
    "held-out prompts and, with tie_rule drop, ties do not count"
)


def prepare_run(run: TrainingRun, check: Callable[[], None]) -> dict[str, Any]:
    """Freeze the snapshot, write its files, and return the job for the child.

    May be repeated: what is frozen or written already stays, so a resumed run trains on the same
    rows from the same base. `check` is called at every row and may raise. Raises InvalidValue
    when there is nothing to train on, LeaseLost.
    """
    if "snapshot_sha256" not in run.environment:
        _freeze(run, check)
    folder = folders.run_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    write_once(folder / "data", lambda data: _write_data(run, data, check))
    weak = _keep_signals_known(run, folder / "data" / SIGNALS)
    if not weak and not (folder / "data" / "train.jsonl").stat().st_size:
        raise InvalidValue("data", NOTHING_TO_LEARN)
    job = _job(run, folder, check)
    base = folders.model_name(job.get("tiny_folder", job["config"]["base_model"]))
    jobs.heartbeat(run, environment={**run.environment, "base_model": base})
    return job


def _freeze(run: TrainingRun, check: Callable[[], None]) -> None:
    """Fix rows, base and code at once. A later attempt finds them in the row."""
    code = machine.code_version(settings.BASE_DIR)
    with transaction.atomic():
        _freeze_rows(run, code, check)


def _freeze_rows(run: TrainingRun, code: str, check: Callable[[], None]) -> None:
    snapshot = run.snapshot or freeze_snapshot(
        project=run.project,
        actor=run.created_by,
        recipe=run.recipe,
        config=run.config,
        on_row=check,
    )
    config = dict(run.config)
    if config.get("start_from") == "in_service":
        kind = ModelVersion.Kind.POLICY
        parent = ModelVersion.objects.in_service(run.project, kind)
        config["parent"] = parent.pk if parent else None
    environment = {"code": code, "snapshot_sha256": snapshot.sha256}
    jobs.heartbeat(run, snapshot=snapshot, config=config, environment=environment)


def freeze_snapshot(
    *,
    project: Project,
    actor: User | None,
    recipe: str,
    config: Mapping[str, Any],
    on_row: Callable[[], object] | None = None,
) -> Snapshot:
    """What a run of this recipe and cleaned configuration would learn from, as of now."""
    return create_snapshot(
        project=project,
        actor=actor,
        query=config["data"]["query"],
        on_row=on_row,
        **snapshot_rules(recipe, config),
    )


def snapshot_rules(recipe: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """How the rows of the run's snapshot are made, as `create_snapshot` takes it."""
    if learns_from(recipe, config) == "preferences":
        return {"tie_rule": config["tie_rule"], "aggregation": config["data"]["aggregation"]}
    return {"holds": Snapshot.Holds.JUDGEMENTS}


def _write_data(run: TrainingRun, folder: Path, check: Callable[[], None]) -> None:
    snapshot = run.snapshot
    write_training_files(snapshot, folder, check)
    if snapshot.holds == Snapshot.Holds.JUDGEMENTS:
        write_origins(snapshot, folder / "origins.jsonl", check)
    if run.config.get("signals"):
        write_signals(snapshot, folder / SIGNALS, check)


def _keep_signals_known(run: TrainingRun, path: Path) -> int:
    """How many rows of signals the run learns from. They are forgotten in time, so their hash
    stands in the run's row: an attempt that would read others is refused with a RuntimeError.
    """
    if not run.config.get("signals"):
        return 0
    content = path.read_bytes()
    rows, digest = content.count(b"\n"), hashlib.sha256(content).hexdigest()
    known = run.environment.get("signals_sha256")
    if known is None:
        told = {"signals_rows": rows, "signals_sha256": digest}
        jobs.heartbeat(run, environment={**run.environment, **told})
    elif known != digest:
        raise RuntimeError(
            f"Run {run.pk} began with other signals than there are now, and its files are gone. "
            "Start another run."
        )
    return rows


def _job(run: TrainingRun, folder: Path, check: Callable[[], None]) -> dict[str, Any]:
    own = {*RUN_FIELDS[run.recipe], "parent"}
    config = {name: value for name, value in run.config.items() if name not in own}
    job: dict[str, Any] = {"duty": run.recipe, "config": config}
    if run.recipe == TrainingRun.Recipe.REWARD_MODEL:
        config["embedding_cache"] = str(folders.embedding_cache(run.project_id))
    else:
        job |= _judge(run)
    if run.config.get("parent"):
        parent = ModelVersion.objects.get(pk=run.config["parent"])
        config["base_model"] = str(folders.model_folder(parent.path))
        job["root_model"] = root_model(parent)
    elif config.get("base_model") == "tiny":
        job |= _tiny(run, folder, check)
    if RECIPES[run.recipe].from_dict(config).shares_work:
        job["processes"] = settings.TRAINING_PROCESSES
    return job


def _judge(run: TrainingRun) -> dict[str, Any]:
    """The reward model in service, which compares what the policy and its base write."""
    judge = in_service(project=run.project, kind=ModelVersion.Kind.REWARD_MODEL)
    if judge is None or not folders.model_folder(judge.path).is_dir():
        return {}
    return {"judge": {"folder": str(folders.model_folder(judge.path)), "name": str(judge)}}


def root_model(policy: ModelVersion) -> str | None:
    """What the first policy of this one's line started from, as a folder or a hub id.

    None if its folder is gone: small bases that no run starts from are removed. A query for each
    step back.
    """
    first = policy
    while first.parent is not None:
        first = first.parent
    name = str(first.run.environment.get("base_model", ""))
    folder = folders.model_folder(name)
    if name and folder.is_dir():
        return str(folder)
    base = str(first.run.config.get("base_model", ""))
    gone = base in ("", "tiny") or (Path(base).is_absolute() and not Path(base).is_dir())
    return None if gone else base


def _tiny(run: TrainingRun, folder: Path, check: Callable[[], None]) -> dict[str, Any]:
    """The texts of a small base model, and its place in the cache, named by what makes it."""
    path = folder / "texts.jsonl"
    write_once(path, lambda target: _write_texts(run, target, check))
    recipe = json.dumps(run.config["tiny"], sort_keys=True)
    digest = hashlib.sha256(path.read_bytes() + recipe.encode()).hexdigest()
    return {"tiny": run.config["tiny"], "tiny_folder": str(folders.base_folder() / digest[:32])}


def _write_texts(run: TrainingRun, path: Path, check: Callable[[], None]) -> None:
    """Every response of the project but those that its own policies wrote."""
    rows = (
        Response.objects.filter(prompt__project=run.project)
        .exclude(generator=POLICY_GENERATOR)
        .select_related("prompt")
        .order_by("pk")
    )
    with path.open("w", encoding="utf-8", errors="replace") as file:
        for response in rows.iterator(chunk_size=1000):
            row = {"prompt": messages(response.prompt), "response": as_text(response.content)}
            file.write(json.dumps(row, sort_keys=True) + "\n")
            check()


def messages(prompt: Prompt) -> list[dict[str, str]]:
    """The conversation in texts alone, with the system text as its first message."""
    system = [{"role": "system", "content": prompt.system}] if prompt.system else []
    return [*system, *text_turns(prompt.conversation)]


def write_once(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a neighbour, then rename it: what is there is there whole."""
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.partial")
    if partial.is_dir():
        shutil.rmtree(partial)
    write(partial)
    partial.rename(target)
