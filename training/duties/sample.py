"""Answer prompts.jsonl ({id, prompt}) into answers/N.jsonl ({id, texts}), some prompts a file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from training.recipes.generate import generate_responses

CHUNK = 256  # prompts answered between two files; fixed, so that a resumed run draws the same


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> dict[str, Any]:
    lines = (folder / "prompts.jsonl").read_text(encoding="utf-8").split("\n")
    prompts = [json.loads(line) for line in lines if line]
    answers = folder / "answers"
    answers.mkdir(exist_ok=True)
    for start in range(0, len(prompts), CHUNK):
        chunk = prompts[start : start + CHUNK]
        target = answers / f"{start:08d}.jsonl"
        if not target.exists():
            rows = _answer(job, chunk, start, report, should_stop)
            partial = answers / ".partial"
            text = "".join(json.dumps(row) + "\n" for row in rows)
            partial.write_text(text, encoding="utf-8")
            partial.replace(target)
        report({"event": "answered", "prompts": start + len(chunk)})
    return {"status": "done", "prompts": len(prompts)}


def _answer(
    job: dict[str, Any],
    prompts: list[dict[str, Any]],
    start: int,
    report: Callable[[dict[str, Any]], None],
    should_stop: Callable[[], bool],
) -> list[dict[str, Any]]:
    """`samples` texts for each prompt; every chunk and every sample has a seed of its own."""
    draws = [
        generate_responses(
            job["model_dir"],
            [row["prompt"] for row in prompts],
            max_new_tokens=job["max_new_tokens"],
            temperature=job["temperature"],
            top_p=job["top_p"],
            seed=(job["seed"] + start + number) % 2**32,
            report=report,
            should_stop=should_stop,
        )
        for number in range(job["samples"])
    ]
    return [
        {"id": row["id"], "texts": list(texts)}
        for row, texts in zip(prompts, zip(*draws, strict=True), strict=True)
    ]
