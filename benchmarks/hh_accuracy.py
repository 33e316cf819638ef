"""Held-out accuracy on HH-RLHF's people, what a stop in the middle costs, and a nightly retrain.

    python -m benchmarks.hh_accuracy --data DIR/hh_rlhf [--epochs 2] [--learning-rate 2e-4]

All 7,580 training pairs (those with two texts after one prompt) and the 972 held out, by prompt:
length alone, a head on frozen MiniLM embeddings, and MiniLM fine-tuned, over all and by the part of
the set that a pair is of. Then the head again from cached embeddings with 10,000 pairs, and the
fine-tuning stopped half-way and gone on with.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

from benchmarks.folders import scratch_folder
from benchmarks.report import print_table, write_json
from benchmarks.trainers import write_pairs
from training.evaluation.preference import pairwise_accuracy
from training.recipes.config import RewardModelConfig
from training.recipes.reward_model import train_reward_model
from training.recipes.scored import NAME as TEST_SCORES

EVERYTHING = 10**9
CACHED_PAIRS = 10_000
MODELS = ("frozen", "fine-tuned")
HEADERS = ("model", "accuracy (95 %)", "log-loss", "ECE", "seconds", "CPU-s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of hh_rlhf")
    parser.add_argument(
        "--pairs", type=int, default=EVERYTHING, help="at most so many of each split"
    )
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=256)
    parser.add_argument("--prompt-tokens", type=int, default=96)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--resume", action="store_true", help="also stop half-way and go on")
    wish = parser.parse_args()
    with scratch_folder() as folder:
        parts = write_pairs(wish.data, folder / "pairs", train=wish.pairs, test=wish.pairs)
        found = measure(wish, folder, parts)
    print_table(HEADERS, [_row(model, figures) for model, figures in found.items()])
    print_table(("model", "part", "accuracy (95 %)", "pairs"), list(_rows_by_part(found)))
    write_json("hh_accuracy", wish=_plain(wish), found=found)


def measure(wish: argparse.Namespace, folder: Path, parts: dict[int, str]) -> dict[str, Any]:
    cache = {"embedding_cache": str(folder / "embeddings.safetensors")}
    found: dict[str, Any] = {}
    if "frozen" in wish.models:
        found["frozen"] = timed(folder, "frozen", wish, method="frozen", **cache)
        found["frozen"]["by_part"] = by_part(folder / "frozen", parts)
        _cached_pairs(folder)
        again = timed(folder, "again", wish, data="cached", method="frozen", **cache)
        found[f"frozen, {CACHED_PAIRS:,} cached pairs"] = again
    if "fine-tuned" in wish.models:
        found["fine-tuned"] = timed(folder, "tuned", wish)
        found["fine-tuned"]["by_part"] = by_part(folder / "tuned", parts)
    if wish.resume:
        first = timed(folder, "halves", wish, stop_at=found["fine-tuned"]["steps"] // 2)
        second = timed(folder, "halves", wish)
        took = {name: first[name] + second[name] for name in ("seconds", "cpu_seconds")}
        found["fine-tuned in two halves"] = {**second, **took}
    length = next(iter(found.values()))["length_only_accuracy"]
    return {"length alone": {"accuracy": length}, **found}


def timed(
    folder: Path,
    name: str,
    wish: argparse.Namespace,
    *,
    data: str = "pairs",
    stop_at: int | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The figures of the run in `folder/name`, until `stop_at` steps are done; what it took, by the
    clock and of the cores.
    """
    steps = 0

    def report(event: dict[str, Any]) -> None:
        nonlocal steps
        steps = event.get("step", steps)
        if event["event"] in ("evaluated", "data"):
            print(name, event["event"], flush=True)

    config = RewardModelConfig(
        epochs=wish.epochs,
        learning_rate=wish.learning_rate,
        batch_size=wish.batch_size,
        max_length=wish.max_length,
        prompt_tokens=wish.prompt_tokens,
        **more,
    )
    began, busy = time.perf_counter(), time.process_time()
    result = train_reward_model(
        config,
        folder / data,
        folder / name,
        report,
        lambda: stop_at is not None and steps >= stop_at,
    )
    took = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy}
    print(name, took, "load", os.getloadavg(), flush=True)
    return {**(result.metrics or {}).get("test", {}), **took, "steps": result.max_steps}


def by_part(run: Path, parts: dict[int, str]) -> dict[str, Any]:
    """Held-out accuracy among the pairs of each part of the set."""
    gaps: dict[str, list[float]] = {}
    for line in (run / TEST_SCORES).read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        gaps.setdefault(parts[row["id"]], []).append(row["chosen"] - row["rejected"])
    return {part: asdict(pairwise_accuracy(gaps[part])) for part in sorted(gaps)}


def _cached_pairs(folder: Path) -> None:
    """As many pairs as asked for, of texts whose embeddings are kept: the training pairs, then the
    first of them again until there are enough.
    """
    target = folder / "cached"
    target.mkdir()
    lines = (folder / "pairs" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    with (target / "train.jsonl").open("w", encoding="utf-8") as out:
        for number, line in enumerate(itertools.islice(itertools.cycle(lines), CACHED_PAIRS)):
            out.write(json.dumps({**json.loads(line), "id": number}) + "\n")
    text = (folder / "pairs" / "test.jsonl").read_text(encoding="utf-8")
    (target / "test.jsonl").write_text(text, encoding="utf-8")


def _rows_by_part(found: dict[str, Any]) -> Iterator[list[Any]]:
    for model, figures in found.items():
        for part, share in figures.get("by_part", {}).items():
            said = f"{share['value']:.3f} ({share['low']:.3f} – {share['high']:.3f})"
            yield [model, part, said, share["rows"]]


def _row(model: str, figures: dict[str, Any]) -> list[Any]:
    share = figures["accuracy"]
    return [
        model,
        f"{share['value']:.3f} ({share['low']:.3f} – {share['high']:.3f})",
        figures.get("log_loss", ""),
        figures.get("ece", ""),
        figures.get("seconds", ""),
        figures.get("cpu_seconds", ""),
    ]


def _plain(wish: argparse.Namespace) -> dict[str, Any]:
    return {name: value for name, value in vars(wish).items() if name != "data"}


if __name__ == "__main__":
    main()
