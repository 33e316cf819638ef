"""Filters before and after, on planted noise, over several seeds: what each does to the accuracy.

    python -m benchmarks.filter_seeds [--real DIR] [--cache FILE] [--seeds 5] [--policy-seeds 3]

A seed draws the training pairs and whose labels are turned round (a fifth); test rows stay and are
never noisy. Each filter stands beside no filter of the same seed; intervals are Student's t over
the seeds. DIR holds hh_rlhf as a folder.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from training.recipes import runtime  # noqa: F401  # isort: skip  (first: it sets the environment)

from benchmarks import real_rewards
from benchmarks.feedback import make_base
from benchmarks.filters import NOISE, RULES, Row, alike_pair, fit, tone_pair, write_splits
from benchmarks.report import mean_and_half_width, print_table, write_json
from training.data.pairs import read_splits
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig

HEADERS = ("data", "filter", "accuracy", "against none", "log-loss", "against none (log-loss)")
NO_NOISE, NONE = "no noise", "none"
TONE_POOL, TONE_TRAIN = 400, 120
HH_POOL, HH_TRAIN = 500, 350
POLICY_PAIRS, POLICY_STEPS = 120, 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of the real data sets")
    parser.add_argument("--cache", type=Path, help="file of embeddings, kept")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--policy-seeds", type=int, default=3)
    wish = parser.parse_args()
    if min(wish.seeds, wish.policy_seeds) < 2:
        parser.error("--seeds and --policy-seeds must be 2 or more: one seed has no interval.")
    began = time.process_time()
    rows: list[list[Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cache = wish.cache or folder / "embeddings.safetensors"
        for data, pool, test, size in _sets(folder, wish.real):
            figures = _rewards(folder / data, cache, pool, test, size=size, seeds=wish.seeds)
            rows += [[data, *row] for row in _compared(figures)]
        policies = _policies(folder, wish.policy_seeds)
        rows += [["policy: planted", *row] for row in _compared(policies)]
    print_table(HEADERS, rows)
    write_json(
        "filter_seeds",
        noise=NOISE,
        seeds=wish.seeds,
        policy_seeds=wish.policy_seeds,
        cpu_seconds=round(time.process_time() - began),
        rows=[dict(zip(HEADERS, row, strict=True)) for row in rows],
    )


def _sets(
    folder: Path, real: Path | None
) -> Iterator[tuple[str, Sequence[Row], Sequence[Row], int]]:
    tones = [tone_pair(random.Random(n), n) for n in range(TONE_POOL)]
    test = [tone_pair(random.Random(n), n) for n in range(10_000, 10_300)]
    yield "tones", tones, test, TONE_TRAIN
    if real is None or not (real / "hh_rlhf").is_dir():
        return
    real_rewards.hh_rlhf(real / "hh_rlhf", folder / "hh", HH_POOL)
    splits = read_splits(folder / "hh" / "pairs", tie_rule="drop")
    sides = [
        [
            {
                "id": one.id,
                "prompt_id": one.prompt_id,
                "prompt": list(one.prompt),
                "chosen": one.chosen,
                "rejected": one.rejected,
            }
            for one in side
        ]
        for side in (splits.train, splits.test)
    ]
    yield "hh_rlhf", *sides, HH_TRAIN


def _rewards(
    folder: Path, cache: Path, pool: Sequence[Row], test: Sequence[Row], *, size: int, seeds: int
) -> dict[str, list[tuple[float, float]]]:
    """(accuracy, log-loss) of each seed by filter."""
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        train = random.Random(seed).sample(list(pool), size)
        clean = write_splits(folder / f"clean{seed}", train, test)
        noisy = write_splits(folder / f"noisy{seed}", _noisy(train, seed), test)
        ways = [(NO_NOISE, clean, {}), *((title, noisy, values) for title, values in RULES)]
        for title, data, values in ways:
            figures = fit(data, cache, seed=seed, **values).metrics["test"]
            pair = (figures["accuracy"]["value"], figures["log_loss"])
            found.setdefault(title, []).append(pair)
            print(folder.name, seed, title, *pair, flush=True)
    return found


def _policies(folder: Path, seeds: int) -> dict[str, list[tuple[float, float]]]:
    """(implicit accuracy, -change of log p(chosen)) of each seed, by what pairs DPO learned from.

    The second, in nats, is what CHES is to lower; half by chance is what half as many pairs do.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    pool = [alike_pair(random.Random(n), n) for n in range(3 * POLICY_PAIRS)]
    test = [alike_pair(random.Random(n), n) for n in range(10_000, 10_060)]
    texts = [(row["prompt"], row[side]) for row in pool for side in ("chosen", "rejected")]
    base = make_base(folder, texts)
    for seed in range(seeds):
        train = random.Random(seed).sample(pool, POLICY_PAIRS)
        noisy = _noisy(train, seed)
        half = random.Random(seed).sample(noisy, POLICY_PAIRS // 2)
        for title, rows, share in (
            (NO_NOISE, train, 0.0),
            (NONE, noisy, 0.0),
            ("half by CHES", noisy, 0.5),
            ("half by chance", half, 0.0),
        ):
            name = f"{title.replace(' ', '_')}{seed}"
            config = DpoConfig(
                base_model=str(base),
                lora=False,
                max_steps=POLICY_STEPS,
                learning_rate=3e-4,
                max_length=160,
                prompt_tokens=90,
                sample_prompts=0,
                displacing_share=share,
                seed=seed,
            )
            data = write_splits(folder / "policies" / name, rows, test)
            moved = train_dpo(config, data, data / "run", _ignore, _never).metrics["test"]
            pair = (moved["reward_accuracy"]["value"], -moved["logp_chosen_change"])
            found.setdefault(title, []).append(pair)
            print("policy", seed, title, *pair, flush=True)
    return found


def _compared(figures: dict[str, list[tuple[float, float]]]) -> Iterator[list[str]]:
    plain = figures[NONE]
    for title, seeds in figures.items():
        row = [title]
        for place in (0, 1):
            row.append(f"{fmean(one[place] for one in seeds):.3f}")
            if title == NONE:
                row.append("")
                continue
            gaps = [one[place] - other[place] for one, other in zip(seeds, plain, strict=True)]
            mean, half = mean_and_half_width(gaps)
            row.append(f"{mean:+.3f} ({mean - half:+.3f} – {mean + half:+.3f})")
        yield row


def _noisy(rows: Sequence[Row], seed: int) -> list[Row]:
    wrong = set(
        random.Random(seed + 100).sample([one["id"] for one in rows], round(NOISE * len(rows)))
    )
    return [
        {**row, "chosen": row["rejected"], "rejected": row["chosen"]} if row["id"] in wrong else row
        for row in rows
    ]


def _ignore(event: Any) -> None:
    """Nobody reads the progress."""


def _never() -> bool:
    return False


if __name__ == "__main__":
    main()
