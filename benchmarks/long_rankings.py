"""What whole rankings tell beyond their pairs: people who order all with care, or the best alone.

    python -m benchmarks.long_rankings [--seeds 12] [--care 3] [--cache FILE]

Planted lists of two to ten texts (`planted.long_rankings`), the same texts once with every place
drawn from Plackett and Luce's model and once the first `care` places, the rest by chance. Each way
of learning from the same lists, by the recipe's own parts, is tested on the same pairs in order of
the planted reward; differences are by seed, with Student's intervals.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import planted
from benchmarks.folders import scratch_folder
from benchmarks.report import mean_and_half_width, print_table, write_json
from training.evaluation.calibration import preference_log_loss
from training.evaluation.preference import pairwise_accuracy
from training.recipes.config import RewardModelConfig
from training.recipes.embeddings import EmbeddingCache
from training.recipes.head_model import choose, load_features
from training.recipes.heads.features import Features
from training.recipes.heads.objectives.registry import OBJECTIVES
from training.recipes.models import weights_fingerprint

WAYS = {
    "whole lists": ("lists", 0),
    "lists to the depth": ("lists", -1),
    "all pairs": ("pairs", 0),
    "pairs with one of the best": ("best", 0),
}
"""Of what each way learns, and whether the depth is given (-1)."""
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
    with scratch_folder() as folder:
        config = config_of(0)
        cache = EmbeddingCache(
            wish.cache or folder / "layers.safetensors",
            encoder=weights_fingerprint(config.base_model),
        )
        features = load_features(config, layers_cache=cache)
        for care in (0, wish.care):
            found = []
            for seed in range(wish.seeds):
                found.append(run(features, folder, seed, care, wish))
                print(care, seed, found[-1], flush=True)
            rows += lines_of(care, found)
    print_table(HEADERS, rows)
    write_json("long_rankings", wish={"seeds": wish.seeds, "train": wish.train}, rows=rows)


def config_of(depth: int) -> RewardModelConfig:
    return RewardModelConfig(
        objective="plackett_luce",
        method="frozen",
        max_length=128,
        prompt_tokens=32,
        ranking_depth=depth,
    )


def run(
    features: Features, folder: Path, seed: int, care: int, wish: argparse.Namespace
) -> dict[str, tuple[float, float]]:
    """Accuracy and log-loss by way of learning, each fitted as the recipe does."""
    folders = {name: folder / f"{name}-{care}-{seed}" for name in ("lists", "pairs", "best")}
    planted.long_rankings(folders["lists"], care=care, train=wish.train, seed=seed)
    as_pairs(folders["lists"], folders["pairs"], best=None)
    as_pairs(folders["lists"], folders["best"], best=wish.care)
    found = {}
    for way, (learned, depth) in WAYS.items():
        objective = OBJECTIVES["plackett_luce"](config_of(wish.care if depth else 0))
        examples = objective.read(folders[learned])
        choice = choose(objective, examples, features)
        head = objective.fit(examples.train, features, choice.l2)
        tests = examples.pairs.test if examples.pairs else []
        gap_N = head.pair_gaps(tests, features) / choice.temperature
        found[way] = (pairwise_accuracy(gap_N).value, preference_log_loss(gap_N))
    return found


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
