"""Score the pairs of a frozen set into scores.jsonl, a line [chosen, rejected] for each, in order.

Of a reward model the scores are calibrated; of a policy they are implicit rewards,
beta (log p - log p of the model that its line began with). A second attempt goes on behind the
last whole line.
"""

import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

from training.data.framing import frame_all_for_policy
from training.recipes.errors import StopRequestedError
from training.recipes.head_model import load_scorer, score_and_forget
from training.recipes.models import context_length, load_causal_lm, load_tokenizer, place
from training.recipes.policy_figures import response_logps

BATCH = 32  # pairs between two lines of progress; longer waits would delay a stop
Report = Callable[[dict[str, Any]], None]
ShouldStop = Callable[[], bool]
Pair = dict[str, Any]
ScoreBatch = Callable[[list[Pair]], list[list[float]]]


def perform(
    job: dict[str, Any], folder: Path, report: Report, should_stop: ShouldStop
) -> dict[str, Any]:
    score = _reward_scores(job) if job["model"] == "reward_model" else _rewards(job, should_stop)
    path = folder / "scores.jsonl"
    done = whole_lines(path)
    with Path(job["rows"]).open(encoding="utf-8") as rows, path.open("a", encoding="utf-8") as out:
        left = islice(rows, done, None)
        while batch := [json.loads(line) for line in islice(left, BATCH)]:
            if should_stop():
                return {"status": "stopped"}
            try:
                found = score(batch)
            except StopRequestedError:
                return {"status": "stopped"}
            out.writelines(json.dumps(pair, allow_nan=False) + "\n" for pair in found)
            out.flush()
            done += len(batch)
            report({"event": "evaluated_rows", "rows": done})
    return {"status": "done", "rows": done}


def whole_lines(path: Path) -> int:
    """How many whole lines a file has; one that a kill left torn is cut off."""
    if not path.exists():
        return 0
    lines = end = 0
    with path.open("rb+") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            lines, end = lines + 1, end + len(line)
        file.truncate(end)
    return lines


def _reward_scores(job: dict[str, Any]) -> ScoreBatch:
    scorer = load_scorer(job["model_dir"])

    def score(batch: list[Pair]) -> list[list[float]]:
        sets = [(row["prompt"], [row["chosen"], row["rejected"]]) for row in batch]
        return score_and_forget(scorer, sets)

    return score


def _rewards(job: dict[str, Any], should_stop: ShouldStop) -> ScoreBatch:
    tokenizer = load_tokenizer(job["model_dir"])
    policy, root = (place(load_causal_lm(job[name])).eval() for name in ("model_dir", "root_model"))
    longest = context_length(policy) or job["max_length"]
    options = {"max_length": min(longest, job["max_length"]), "prompt_tokens": job["prompt_tokens"]}

    def score(batch: list[Pair]) -> list[list[float]]:
        said = [(row["prompt"], row[side]) for row in batch for side in ("chosen", "rejected")]
        framed = frame_all_for_policy(tokenizer, said, **options)
        logps = (
            response_logps(
                model,
                framed,
                pad_id=tokenizer.pad_token_id,
                batch_size=job["batch_size"],
                should_stop=should_stop,
            )
            for model in (policy, root)
        )
        mine, start = logps
        rewards = job["beta"] * (mine - start)
        return [[float(a), float(b)] for a, b in rewards.reshape(-1, 2)]

    return score
