"""The judge kind `reward_model`: the reward model in service compares two responses.

Scores come from a child process, so that no worker ever imports torch: in a worker of the queue
`serving` from the one that keeps models warm (training/host.py), elsewhere from a child that
loads the model once for all items of a call.
"""

import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from routing.judges import (
    JudgeError,
    JudgeInterrupted,
    JudgeKind,
    Question,
    Verdict,
    register,
)
from training import folders, hosts, lifeline
from training.child import Child
from training.host import CannotAnswer, RowsFailed
from training.models import ModelVersion

NAME = "reward_model"
POLL = 0.2  # seconds between two looks at the child's output
ASK_EVERY = 2.0  # seconds between two calls of should_stop
AT_ONCE = 32  # items of one request to a warm model
MEMBER_DIGITS = 4  # behind the point: a hundred members take some kilobytes

logger = logging.getLogger(__name__)


class RewardModelJudge:
    """A judge by one model version; the version's calibrated scores give the probability.

    Each response is scored by itself, so the order of a comparison cannot move the verdict.
    """

    def __init__(self, version: ModelVersion) -> None:
        self.version = version
        self.folder = folders.model_folder(version.path)
        if not self.folder.is_dir():
            raise JudgeError(
                "The files of {version} are missing from {folder}.",
                version=str(version),
                folder=str(self.folder),
            )

    def compare(
        self, items: Sequence[Question], should_stop: Callable[[], bool]
    ) -> Iterator[Verdict]:
        """Verdicts as they come. A child of its own is killed when the caller stops or goes away.

        Raises JudgeError, or JudgeInterrupted when this worker is to end.
        """
        if not items:
            return
        if hosts.serves_here():
            yield from _warm_verdicts(self.folder, items, should_stop)
            return
        with tempfile.TemporaryDirectory(dir=folders.scratch_folder()) as name:
            job = {"duty": "score", "model_dir": str(self.folder)}
            yield from child_verdicts(Path(name), job, items, should_stop)


class _Stopped(Exception):
    """The caller wants no more verdicts."""


def _warm_verdicts(
    model: Path, items: Sequence[Question], should_stop: Callable[[], bool]
) -> Iterator[Verdict]:
    asked_at = time.monotonic()

    def check() -> None:
        nonlocal asked_at
        if lifeline.is_cut():
            raise JudgeInterrupted
        if time.monotonic() - asked_at > ASK_EVERY:
            asked_at = time.monotonic()
            if should_stop():
                raise _Stopped

    order = {"do": "score", "model_dir": str(model)}
    for start in range(0, len(items), AT_ONCE):
        rows = [as_row(item) | {"members": True} for item in items[start : start + AT_ONCE]]
        began = time.monotonic()
        try:
            check()
            answers = hosts.host(hosts.SCORES).ask(order, rows, check)
        except _Stopped:
            return
        except (CannotAnswer, RowsFailed) as error:
            if lifeline.is_cut():
                raise JudgeInterrupted from error
            raise JudgeError(str(error)) from error
        seconds = round((time.monotonic() - began) / len(rows), 6)
        for row, answer in zip(rows, answers, strict=True):
            if "error" in answer:
                logger.warning("Task %s: %s", row["id"], answer["error"]["message"])
            else:
                told = {name: answer[name] for name in ("scores", "members") if name in answer}
                yield as_verdict({"id": row["id"], "seconds": seconds, **told})


def child_verdicts(
    folder: Path, job: dict[str, Any], items: Sequence[Question], should_stop: Callable[[], bool]
) -> Iterator[Verdict]:
    """Verdicts from a child whose duty scores items.jsonl into scores.jsonl. Raises as
    `child_rows`.
    """
    write_items(folder / "items.jsonl", items)
    with closing(child_rows(folder, job, should_stop)) as rows:
        yield from map(as_verdict, rows)


def child_rows(
    folder: Path, job: dict[str, Any], should_stop: Callable[[], bool]
) -> Iterator[dict[str, Any]]:
    """The rows that a child's duty writes into scores.jsonl, as they come. They end early once
    `should_stop` says so; the child is killed then, and when the caller goes away.

    Raises JudgeError, or JudgeInterrupted when this worker is to end.
    """
    child = Child(folder, job)
    scores = _Tail(folder / "scores.jsonl")
    asked_at = time.monotonic()
    try:
        while not child.wait(POLL):
            yield from scores.new_rows()
            if lifeline.is_cut():
                raise JudgeInterrupted
            if time.monotonic() - asked_at > ASK_EVERY:
                asked_at = time.monotonic()
                if should_stop():
                    return
        yield from scores.new_rows()
        result = child.result()
        if result is None:
            raise JudgeError(child.how_it_died())
        if result["status"] != "done":
            said = result.get("message")
            raise JudgeError(said) if said else JudgeError("Something outside stopped the scoring.")
    finally:
        if child.is_running():
            child.kill()


def write_items(path: Path, items: Sequence[Question]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(as_row(item)) + "\n")


def as_row(item: Question) -> dict[str, Any]:
    """What a scorer reads of it; the system text is the first turn."""
    system = [{"role": "system", "content": item.system}] if item.system else []
    return {
        "id": item.task_id,
        "prompt": [*system, *item.conversation],
        "responses": list(item.response_texts),
    }


def as_verdict(row: Mapping[str, Any]) -> Verdict:
    """P(first is better) = sigmoid(score of the first - score of the second).

    Of an ensemble each member's scores are kept too, to MEMBER_DIGITS.
    """
    first, second = row["scores"]
    gap = max(-700.0, min(700.0, first - second))
    raw: dict[str, Any] = {"scores": [first, second]}
    if "members" in row:
        raw["members"] = [[round(one, MEMBER_DIGITS) for one in pair] for pair in row["members"]]
    return Verdict(
        task_id=row["id"], p_first=1 / (1 + math.exp(-gap)), raw=raw, seconds=row["seconds"]
    )


class _Tail:
    """Whole lines of a growing file, each once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.read_to = 0

    def new_rows(self) -> list[dict[str, Any]]:
        if not self.path.exists():
            return []
        with self.path.open("rb") as file:
            file.seek(self.read_to)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self.read_to += len(whole)
        return [json.loads(line) for line in whole.splitlines()]


def make(config: Mapping[str, Any]) -> RewardModelJudge:
    version = ModelVersion.objects.filter(
        pk=config.get("model_version"), kind=ModelVersion.Kind.REWARD_MODEL
    ).first()
    if version is None:
        raise JudgeError(
            "There is no reward model version {version}.",
            version=repr(config.get("model_version")),
        )
    return RewardModelJudge(version)


def newest(project_id: int) -> dict[str, Any] | None:
    """The configuration of the reward model in service, or None."""
    version = ModelVersion.objects.in_service(project_id, ModelVersion.Kind.REWARD_MODEL)
    if version is None:
        return None
    return {"model_version": version.pk, "number": version.number, "sha256": version.sha256}


def learned_from(config: Mapping[str, Any]) -> frozenset[int]:
    """Ids of the snapshots that the version, and those it was continued from, were trained on."""
    found: set[int] = set()
    rows = ModelVersion.objects.select_related("run", "parent")
    version = rows.filter(pk=config.get("model_version")).first()
    while version is not None:
        if version.run.snapshot_id is not None:
            found.add(version.run.snapshot_id)
        version = rows.filter(pk=version.parent_id).first() if version.parent_id else None
    return frozenset(found)


def register_kind() -> None:
    register(JudgeKind(name=NAME, make=make, newest=newest, learned_from=learned_from))
