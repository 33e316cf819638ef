"""Working through an evaluation run: what its child is given, and what becomes of its scores.

evaluations/<id>/scores.npz keeps the scores row by row, so that versions can be compared later.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from annotate.kinds import InvalidValue
from annotate.models import JobState
from annotate.services import jobs
from annotate.wording import Told
from training import folders
from training.evaluation.best_of_n import best_of_n_figures
from training.evaluation.calibration import expected_calibration_error, preference_log_loss
from training.evaluation.pair_sets import clustered_share, pair_set_figures, points
from training.models import EvaluationRun, EvaluationSet, ModelVersion
from training.services.evaluation_sets import frozen_rows, read_columns, trained_prompts
from training.services.preparation import root_model

NAME = "scores.npz"
PAIRS = EvaluationSet.Kind.PAIRS


def prepare_evaluation(run: EvaluationRun, check: Callable[[], None]) -> dict[str, Any]:
    """The job for the child. Raises InvalidValue when files are missing or were changed."""
    folder = folders.evaluation_folder(run.pk)
    folder.mkdir(parents=True, exist_ok=True)
    rows = frozen_rows(run.evaluation_set)
    check()
    version = run.model_version
    jobs.heartbeat(run, environment={"rows_sha256": run.evaluation_set.sha256})
    job: dict[str, Any] = {"rows": str(rows), "model_dir": _files(version)}
    if run.evaluation_set.kind != PAIRS:
        wanted = run.config["prompts"] or run.evaluation_set.rows
        return {
            **job,
            **run.config,
            "duty": "best_of_n",
            "prompts": min(wanted, run.evaluation_set.rows),
            "proxy_model": _files(run.proxy),
            "gold_model": _files(run.gold) if run.gold else "",
        }
    job |= {"duty": "evaluate_pairs", "model": version.kind}
    if version.kind == ModelVersion.Kind.REWARD_MODEL:
        return job
    root = root_model(version)
    if root is None:
        raise InvalidValue(
            "model_version",
            "the model with which the line of {version} began is gone, so there is nothing to "
            "count its implicit rewards from; train one anew",
            version=version,
        )
    config = version.run.config
    names = ("beta", "max_length", "prompt_tokens", "batch_size")
    return {**job, "root_model": root, **{name: config[name] for name in names}}


def _files(version: ModelVersion | None) -> str:
    folder = folders.model_folder(version.path) if version is not None else None
    if folder is None or not folder.is_dir():
        raise InvalidValue("model_version", "the files of {version} are missing", version=version)
    return str(folder)


def record_evaluation(
    *, run: EvaluationRun, events: list[dict[str, Any]], device_seconds: float
) -> bool:
    """Renew the lease and write how far the child is; True if it should stop."""
    fields: dict[str, Any] = {"device_seconds": device_seconds}
    for event in events:
        kind = event.get("event")
        if kind == "evaluated_rows":
            fields["progress"] = event["rows"]
        elif kind == "sampling":
            fields["message"] = Told(
                "Sampling: batch {done} of {total}.", done=event["batch"], total=event["batches"]
            )
        elif kind == "scored_by":
            fields["message"] = Told("Scoring by {who}.", who=event["who"])
    return jobs.heartbeat(run, **fields)


def complete_evaluation(*, run: EvaluationRun, result: dict[str, Any]) -> None:
    """Compute the figures of the child's scores and end the run. May be repeated.

    Raises InvalidValue when scores and rows do not fit each other, LeaseLost.
    """
    folder = folders.evaluation_folder(run.pk)
    metrics = _pairs(run, folder) if run.evaluation_set.kind == PAIRS else _best_of_n(run, folder)
    jobs.finish(run, JobState.DONE, metrics=metrics, message="", progress=run.total)


def _pairs(run: EvaluationRun, folder: Path) -> dict[str, Any]:
    columns = read_columns(run.evaluation_set)
    scores_N2 = _read(folder / "scores.jsonl", folder / NAME, "pairs")
    if scores_N2.shape != (run.evaluation_set.rows, 2):
        raise InvalidValue(
            "evaluation_set",
            "has {rows} rows and {scores} scores; evaluate it anew",
            rows=run.evaluation_set.rows,
            scores=len(scores_N2),
        )
    gap_N = scores_N2[:, 0] - scores_N2[:, 1]
    figures = pair_set_figures(
        gap=gap_N,
        length_gap=columns.length_gap_N,
        subset=columns.names_N,
        cluster=columns.prompt_N,
    )
    if run.model_version.kind == ModelVersion.Kind.REWARD_MODEL:
        figures["log_loss"] = preference_log_loss(gap_N)
        figures["ece"] = expected_calibration_error(gap_N)
    known = trained_prompts(run, columns.hashes)
    places = [place for place, hashed in enumerate(columns.hashes) if hashed in known]
    inside_N = np.isin(columns.prompt_N, places)
    figures["trained_on"] = {"prompts": len(places), "rows": int(inside_N.sum())}
    if 0 < inside_N.sum() < inside_N.size:
        apart_N = ~inside_N
        share = clustered_share(points(gap_N[apart_N]), columns.prompt_N[apart_N])
        figures["accuracy_apart"] = share.as_dict()
    return figures


def _best_of_n(run: EvaluationRun, folder: Path) -> dict[str, Any]:
    kept = folder / NAME
    if not kept.is_file():
        proxy_PN, gold_PN = (_lines(folder / name) for name in ("proxy", "gold"))
        _keep(kept, proxy=proxy_PN, gold=gold_PN)
    with np.load(kept) as stored:
        figures = best_of_n_figures(stored["proxy"], stored["gold"], seed=run.config["seed"])
    return {**figures, "gold_is": "reward_model" if run.gold_id else "hidden"}


def _lines(folder: Path) -> np.ndarray:
    return np.array(
        [
            json.loads(line)
            for path in sorted(folder.glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ],
        dtype=np.float64,
    )


def _read(lines: Path, kept: Path, name: str) -> np.ndarray:
    """The scores that the child wrote, from now on in one array."""
    if not kept.is_file():
        with lines.open(encoding="utf-8") as rows:
            flat = np.fromiter((x for line in rows for x in json.loads(line)), dtype=np.float64)
        _keep(kept, **{name: flat.reshape(-1, 2)})
    with np.load(kept) as stored:
        return np.asarray(stored[name])


def _keep(path: Path, **arrays: np.ndarray) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as out:
        np.savez(out, **arrays)
    partial.replace(path)


def gaps_of(run: EvaluationRun) -> np.ndarray | None:
    """[N] chosen - rejected of a finished run on pairs; None when its folder is gone."""
    path = folders.evaluation_folder(run.pk) / NAME
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return np.asarray(stored["pairs"][:, 0] - stored["pairs"][:, 1])
