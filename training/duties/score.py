"""Score items.jsonl ({id, prompt, responses}) into scores.jsonl ({id, scores, seconds, and of an
ensemble members: for each member a score a response}).

Scores are calibrated: sigmoid(a - b) is the probability that a is preferred to b.
"""

import json
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from training.recipes.head_model import load_scorer
from training.recipes.members import scores_with_members
from training.recipes.score import Scorer

BATCH = 16  # items between two lines of output; longer waits would delay a stop


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    model = load_scorer(job["model_dir"])
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").split("\n")
    items = [json.loads(line) for line in lines if line]
    with (folder / "scores.jsonl").open("w", encoding="utf-8") as out:
        for start in range(0, len(items), BATCH):
            if should_stop():
                return {"status": "stopped"}
            for row in score_batch(model, items[start : start + BATCH]):
                out.write(json.dumps(row, allow_nan=False) + "\n")
            out.flush()
    return {"status": "done", "items": len(items)}


def score_batch(model: Scorer, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A row for each item; `seconds` is its share of the batch's time."""
    began = perf_counter()
    sets = [(item["prompt"], item["responses"]) for item in items]
    scores, members = scores_with_members(model, sets)
    seconds = round((perf_counter() - began) / len(items), 6)
    rows = [
        {"id": item["id"], "scores": values, "seconds": seconds}
        for item, values in zip(items, scores, strict=True)
    ]
    if members is not None:
        for row, rewards in zip(rows, members, strict=True):
            row["members"] = rewards
    return rows
