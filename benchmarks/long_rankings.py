"""What whole rankings tell beyond their pairs: people who order all with care, or the best alone.

    python -m benchmarks.long_rankings [--seeds 12] [--care 3] [--cache FILE]

Planted lists of two to ten texts (`planted.long_rankings`), the same texts once with every place
drawn from Plackett and Luce's model and once the first `care` places, the rest by chance. Each way
of learning from the same lists, through the recipe, is tested on the same pairs in the order of
the planted reward; differences are by seed, with Student's intervals.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import planted
from benchmarks.report import mean_and_half_width, print_table, write_json
from benchmarks.reward_models import Trainer

WAYS = (
    "whole lists",
    "lists to the depth",
    "all pairs",
    "pairs with one of the best",
    "bradley_terry",
)
BESIDE = "all pairs"
HEADERS = ("with care", "way", "accuracy", "less all pairs", "log-loss", "less all pairs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--care", type=int, default=3, help="places that are ordered with care")
    parser.add_argument("--train", type=int, default=50, help="lists")
    parser.add_argument("--cache", type=Path, help="file of embeddings, kept")
    wish = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        train = Trainer(
            Path(name), wish.cache or Path(name) / "embeddings.safetensors", {"method": "frozen"}
        )
        for care in (0, wish.care):
            found = []
            for seed in range(wish.seeds):
                found.append(run(train, Path(name), seed, care, wish))
                print(care, seed, found[-1], flush=True)
            for line in lines_of(care, found):
                print("  ".join(map(str, line)), flush=True)
                rows.append(line)
    print_table(HEADERS, rows)
    write_json("long_rankings", wish={"seeds": wish.seeds, "train": wish.train}, rows=rows)


def run(
    train: Trainer, folder: Path, seed: int, care: int, wish: argparse.Namespace
) -> dict[str, tuple[float, float]]:
    """Accuracy and log-loss by way of learning."""
    lists = folder / f"lists-{care}-{seed}"
    planted.long_rankings(lists, care=care, train=wish.train, seed=seed)
    of_pairs, of_best = (
        lists.with_name(f"{lists.name}-pairs"),
        lists.with_name(f"{lists.name}-best"),
    )
    as_pairs(lists, of_pairs, best=None)
    as_pairs(lists, of_best, best=wish.care)
    same = {"objective": "plackett_luce"}
    results = {
        "whole lists": train(lists, **same),
        "lists to the depth": train(lists, **same, ranking_depth=wish.care),
        "all pairs": train(of_pairs, **same),
        "pairs with one of the best": train(of_best, **same),
        "bradley_terry": train(lists, objective="bradley_terry"),
    }
    figures = {way: result.metrics["test"] for way, result in results.items()}
    return {way: (one["accuracy"]["value"], one["log_loss"]) for way, one in figures.items()}


def as_pairs(lists: Path, folder: Path, *, best: int | None) -> None:
    """The training lists as rankings of two, each with its list's prompt; the tests as they are.

    best: only pairs whose better text has one of so many first places.
    """
    rows, tests = (_rows(lists / f"{name}.jsonl") for name in ("train", "test"))
    pairs = [pair for row in rows for pair in _pairs(row, best)]
    pairs = [pair | {"id": number} for number, pair in enumerate(pairs, start=1)]
    tests = [row | {"id": number} for number, row in enumerate(tests, start=len(pairs) + 1)]
    planted.write_rows(folder, pairs, tests)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _pairs(row: dict[str, Any], best: int | None) -> Iterator[dict[str, Any]]:
    texts = {response["id"]: response for response in row["responses"]}
    order = [pk for tier in row["value"]["tiers"] for pk in tier]
    for first, second in itertools.combinations(range(len(order)), 2):
        if best is None or first < best:
            two = [order[first], order[second]]
            value = {"verdict": "full", "tiers": [[pk] for pk in two]}
            yield row | {"responses": [texts[pk] for pk in two], "value": value}


def lines_of(care: int, found: Sequence[dict[str, tuple[float, float]]]) -> Iterator[list[str]]:
    for way in WAYS:
        line = [f"the first {care}" if care else "all places", way]
        for number in (0, 1):
            values = [one[way][number] for one in found]
            apart = [one[way][number] - one[BESIDE][number] for one in found]
            line.append(f"{mean_and_half_width(values)[0]:.3f}")
            mean, half = mean_and_half_width(apart)
            line.append("" if way == BESIDE else f"{mean:+.3f} ± {half:.3f}")
        yield line


if __name__ == "__main__":
    main()
