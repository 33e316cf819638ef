"""Score items.jsonl ({id, prompt, responses}) by how much likelier a strong policy finds each
response than a weak one, into scores.jsonl ({id, scores, seconds}).

    score(y | x) = scale (log p_strong(y | criteria, x) - log p_weak(y | criteria, x))

in nats, summed over the response and the end of its turn. `criteria`, if any, is told to both as
the first system message. Xu et al. 2024, arXiv:2411.02481 (the density ratio of strong over weak,
with customised instructions). Each model reads with its own tokenizer, and truncates alike.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

import numpy as np

from training.data.framing import frame_for_policy
from training.recipes.errors import StopRequestedError
from training.recipes.models import context_length, load_causal_lm, load_tokenizer, place
from training.recipes.policy_figures import response_logps

BATCH = 8  # items between two lines of output; longer waits would delay a stop
Item = dict[str, Any]
ShouldStop = Callable[[], bool]


class Likelihood:
    """One policy: log-probabilities of responses."""

    def __init__(self, model_dir: str, *, max_length: int, batch_size: int) -> None:
        self.tokenizer = load_tokenizer(model_dir)
        self.model = place(load_causal_lm(model_dir)).eval()
        self.max_length = min(context_length(self.model) or max_length, max_length)
        self.batch_size = batch_size

    def __call__(self, items: Sequence[Item], should_stop: ShouldStop) -> np.ndarray:
        """[N * responses] nats, in order; half of the room is kept for the response."""
        framed = [
            frame_for_policy(
                self.tokenizer,
                item["prompt"],
                response,
                max_length=self.max_length,
                prompt_tokens=self.max_length // 2,
            )
            for item in items
            for response in item["responses"]
        ]
        return response_logps(
            self.model,
            framed,
            pad_id=self.tokenizer.pad_token_id,
            batch_size=self.batch_size,
            should_stop=should_stop,
        )


def perform(
    job: dict[str, Any],
    folder: Path,
    report: Callable[[dict[str, Any]], None],
    should_stop: ShouldStop,
) -> dict[str, Any]:
    sizes = {"max_length": job["max_length"], "batch_size": job["batch_size"]}
    strong, weak = (Likelihood(job[name], **sizes) for name in ("strong_model", "weak_model"))
    lines = (folder / "items.jsonl").read_text(encoding="utf-8").split("\n")
    items = [with_criteria(json.loads(line), job["criteria"]) for line in lines if line]
    with (folder / "scores.jsonl").open("w", encoding="utf-8") as out:
        for start in range(0, len(items), BATCH):
            batch, began = items[start : start + BATCH], perf_counter()
            try:
                ratios = strong(batch, should_stop) - weak(batch, should_stop)
            except StopRequestedError:
                return {"status": "stopped"}
            seconds = round((perf_counter() - began) / len(batch), 6)
            for row in rows_of(batch, job["scale"] * ratios, seconds):
                out.write(json.dumps(row, allow_nan=False) + "\n")
            out.flush()
    return {"status": "done", "items": len(items)}


def with_criteria(item: Item, criteria: str) -> Item:
    """The item whose first system message begins with the criteria."""
    if not criteria:
        return item
    first, *rest = item["prompt"]
    if first["role"] != "system":
        return {**item, "prompt": [{"role": "system", "content": criteria}, first, *rest]}
    both = f"{criteria}\n\n{first['content']}"
    return {**item, "prompt": [{"role": "system", "content": both}, *rest]}


def rows_of(items: Sequence[Item], scores: np.ndarray, seconds: float) -> list[Mapping[str, Any]]:
    """A row for each item, its scores in the order of its responses."""
    left = iter(scores.tolist())
    return [
        {"id": item["id"], "scores": [next(left) for _ in item["responses"]], "seconds": seconds}
        for item in items
    ]
