"""Sampling a policy and its base side by side, outside the database, to compare them.

The texts only measure: they are never stored, shown to anybody or trained on.
"""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from annotate.models import Prompt
from training import folders
from training.child import Child
from training.services.preparation import messages


class MeasureFailed(RuntimeError):
    """The child that samples ended without its answers; says how."""


def sample_texts(
    model: str,
    prompts: Sequence[Prompt],
    *,
    samples: int,
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[list[str]]:
    """`samples` texts for each prompt, in order, by the model in a folder (or of a hub id)."""
    with tempfile.TemporaryDirectory(dir=folders.scratch_folder()) as name:
        folder = Path(name)
        rows = [{"id": prompt.pk, "prompt": messages(prompt)} for prompt in prompts]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "prompts.jsonl").write_text(text, encoding="utf-8")
        job = {
            "duty": "sample",
            "model_dir": model,
            "samples": samples,
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_p": 1.0,
            "seed": seed,
        }
        _run(Child(folder, job))
        found = {row["id"]: row["texts"] for row in _answers(folder)}
    return [found[prompt.pk] for prompt in prompts]


def _run(child: Child) -> None:
    try:
        while not child.wait(1.0):
            pass
    finally:
        if child.is_running():
            child.kill()
    result = child.result()
    if result is None:
        raise MeasureFailed(child.how_it_died())
    if result["status"] != "done":
        raise MeasureFailed(result.get("message", result["status"]))


def _answers(folder: Path) -> list[dict]:
    return [
        json.loads(line)
        for path in sorted((folder / "answers").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").split("\n")
        if line
    ]
