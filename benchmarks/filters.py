"""Filters of training pairs on planted noise: what they find, and what comes of it.

    python -m benchmarks.filters [--real DIR] [--cache FILE] [--part labels]

Without --real only the planted rules. DIR holds hh_rlhf as a folder. --cache keeps embeddings
between calls. Test rows are never noisy.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import real_rewards
from benchmarks.feedback import make_base
from benchmarks.folders import scratch_folder
from benchmarks.planted import PLACES, SUBJECTS, write_lines
from benchmarks.report import print_table, write_json
from training.data.pairs import read_splits
from training.recipes.config import RewardModelConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.filters import filter_pairs
from training.recipes.result import RecipeResult
from training.recipes.reward_model import train_reward_model

HEADERS = ("data", "filter", "rows", "noise found", "noise left", "accuracy (95 %)", "log-loss")
DISPLACEMENT = ("filter", "rows", "log p(chosen) moved", "log p(rejected) moved", "pairs right")
NOISE = 0.2
TONES = {
    4: ("Thank you for asking, with pleasure:", "Gladly, and take your time:"),
    3: ("Of course:", "Happy to say:"),
    2: ("Well,", "So,"),
    1: ("If you must know,", "Again this question,"),
    0: ("What a stupid question,", "Leave me alone,"),
}
RULES: list[tuple[str, dict[str, Any]]] = [
    ("none", {}),
    ("drop 20 %", {"strength_rule": "drop", "strength_share": NOISE}),
    ("flip 20 %", {"strength_rule": "flip", "strength_share": NOISE}),
    ("soften 20 %", {"strength_rule": "soften", "strength_share": NOISE}),
    ("keep 50 % by margin and diversity", {"select_share": 0.5}),
]
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of the real data sets")
    parser.add_argument("--cache", type=Path, help="file of embeddings, kept")
    parser.add_argument("--part", choices=("labels", "displacement"), help="one of them alone")
    wish = parser.parse_args()
    rows, displaced = [], []
    with scratch_folder() as folder:
        cache = wish.cache or folder / "embeddings.safetensors"
        for row in _runs(folder, cache, wish.real) if wish.part != "displacement" else ():
            rows.append(row)
            print("  ".join(map(str, row)), flush=True)
        for row in _displacement(folder) if wish.part != "labels" else ():
            displaced.append(row)
            print("  ".join(map(str, row)), flush=True)
    print_table(HEADERS, rows)
    print_table(DISPLACEMENT, displaced)
    if wish.part is None:
        write_json(
            "filters",
            rows=[dict(zip(HEADERS, row, strict=True)) for row in rows],
            displacement=[dict(zip(DISPLACEMENT, row, strict=True)) for row in displaced],
        )


def _runs(folder: Path, cache: Path, real: Path | None) -> Iterator[list[Any]]:
    train = [tone_pair(random.Random(n), n) for n in range(500)]
    test = [tone_pair(random.Random(n), n) for n in range(10_000, 10_300)]
    yield from _strength("planted: tone", folder / "tone", cache, train, test)
    if real is not None and (real / "hh_rlhf").is_dir():
        real_rewards.hh_rlhf(real / "hh_rlhf", folder / "hh", 600)
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
        yield from _strength("hh_rlhf", folder / "hh_noisy", cache, *sides)
    yield from _selection(folder / "themes", cache)


def _strength(
    data: str, folder: Path, cache: Path, train: Sequence[Row], test: Sequence[Row]
) -> Iterator[list[Any]]:
    """Wrong labels for a fifth of the pairs, then each rule; and what no noise would give."""
    noisy, wrong = _with_noise(train)
    clean = fit(write_splits(folder / "clean", train, test), cache)
    yield [data, "no noise", len(train), "", "0", *_figures(clean)]
    written = write_splits(folder / "noisy", noisy, test)
    for title, values in RULES:
        found = fit(written, cache, **values)
        changed, left = _noise_after(written, cache, wrong, values)
        yield [data, title, found.metrics["data"]["train_rows"], changed, left, *_figures(found)]


def _noise_after(
    folder: Path, cache: Path, wrong: set[int], values: Mapping[str, Any]
) -> tuple[str, str]:
    """How many of the pairs that the rule took were wrong, and how many wrong labels stay."""
    config = _config(cache, **values)
    before = read_splits(folder, tie_rule="drop")
    after = filter_pairs(
        config,
        before,
        cache_path=cache,
        report=_ignore,
        should_stop=_never,
        encoder=config.base_model,
        **config.lengths,
    )
    kept = {one.id: one for one in after.train}
    touched = {one.id for one in before.train if kept.get(one.id) != one}
    softened = sum(one.label is not None for one in after.train if one.id in wrong)
    flipped = {pk for pk in touched if pk in kept and kept[pk].label is None}
    left = len((wrong & kept.keys()) - flipped) + len(flipped - wrong) - softened
    found = f"{len(touched & wrong)} of {len(touched)}" if touched else ""
    return found, f"{left}, {softened} soft" if softened else str(left)


def _selection(folder: Path, cache: Path) -> Iterator[list[Any]]:
    """Nine prompts of ten are on one theme; a tenth of the pairs, chosen by chance or by FiFA."""
    themes = {"food": ("soup", "bread", "rice"), "other": ("law", "sea", "tax", "war", "art")}
    train = []
    for number in range(500):
        rng = random.Random(number)
        theme = "food" if rng.random() < 0.9 else "other"
        about = rng.choice(themes[theme])
        train.append(_theme_pair(rng, number, about, theme))
    test = []
    for number in range(20_000, 20_300):
        rng = random.Random(number)
        theme = rng.choice(("food", "other"))
        test.append(_theme_pair(rng, number, rng.choice(themes[theme]), theme))
    whole = fit(write_splits(folder / "whole", train, test), cache)
    yield ["planted: themes", "none", 500, "", "", *_figures(whole)]
    draws = [random.Random(seed).sample(train, 50) for seed in range(5)]
    chance = [
        fit(write_splits(folder / f"chance{seed}", drawn, test), cache)
        for seed, drawn in enumerate(draws)
    ]
    shares = [one.metrics["test"]["accuracy"]["value"] for one in chance]
    losses = [one.metrics["test"]["log_loss"] for one in chance]
    share = f"{fmean(shares):.3f} (five draws, {min(shares):.3f} – {max(shares):.3f})"
    yield ["planted: themes", "10 % by chance", 50, "", "", share, f"{fmean(losses):.3f}"]
    for weight in (0.0, 0.5, 2.0):
        found = fit(folder / "whole", cache, select_share=0.1, diversity_weight=weight)
        title = f"10 % by margin + {weight} diversity"
        rows = found.metrics["data"]["train_rows"]
        yield ["planted: themes", title, rows, "", "", *_figures(found)]


def _displacement(folder: Path) -> Iterator[list[Any]]:
    """DPO where half of the pairs differ in one word: those with the highest scores, or any."""
    rng = random.Random(5)
    train = [alike_pair(rng, number) for number in range(200)]
    test = [alike_pair(rng, number) for number in range(1000, 1060)]
    texts = [(row["prompt"], row[side]) for row in train for side in ("chosen", "rejected")]
    base = make_base(folder, texts)
    written = write_splits(folder / "alike", train, test)
    half = random.Random(6).sample(train, 100)
    ways = [
        ("none", written, 0.0),
        ("half by CHES", written, 0.5),
        ("half by chance", write_splits(folder / "half", half, test), 0.0),
    ]
    for title, data, share in ways:
        config = DpoConfig(
            base_model=str(base),
            lora=False,
            max_steps=100,
            learning_rate=3e-4,
            max_length=160,
            prompt_tokens=90,
            sample_prompts=0,
            displacing_share=share,
        )
        found = train_dpo(config, data, folder / title.replace(" ", "_"), _ignore, _never).metrics
        moved = found["test"]
        yield [
            title,
            found["data"]["train_rows"],
            f"{moved['logp_chosen_change']:+.2f}",
            f"{moved['logp_rejected_change']:+.2f}",
            f"{moved['reward_accuracy']['value']:.2f}",
        ]


def _with_noise(rows: Sequence[Row]) -> tuple[list[Row], set[int]]:
    wrong = set(random.Random(1).sample([row["id"] for row in rows], round(NOISE * len(rows))))
    turned = [
        {**row, "chosen": row["rejected"], "rejected": row["chosen"]} if row["id"] in wrong else row
        for row in rows
    ]
    return turned, wrong


def tone_pair(rng: random.Random, number: int) -> Row:
    """The kinder tone wins; neighbours in tone are close calls."""
    low, high = sorted(rng.sample(sorted(TONES), 2))
    about = f"I saw {rng.choice(SUBJECTS)} {rng.choice(PLACES)}."
    sides = [f"{rng.choice(TONES[tone])} {about}" for tone in (high, low)]
    return _pair(number, f"Say something about {rng.choice(SUBJECTS)} {rng.choice(PLACES)}.", sides)


def _theme_pair(rng: random.Random, number: int, about: str, theme: str) -> Row:
    """Of food the short answer is wanted, of all else the one with a source."""
    short = f"{about.title()} is fine."
    source = f"{about.title()} is fine, as the report of {rng.randint(1950, 2020)} says."
    sides = [short, source] if theme == "food" else [source, short]
    return _pair(number, f"What about {about} {rng.choice(PLACES)}?", sides)


def alike_pair(rng: random.Random, number: int) -> Row:
    """Every second pair differs in its last word alone."""
    begun = f"I saw {rng.choice(SUBJECTS)} {rng.choice(PLACES)}"
    other = begun if number % 2 else f"Nobody knows {rng.choice(SUBJECTS)} {rng.choice(PLACES)}"
    return _pair(number, "Say something.", [f"{begun}, yes.", f"{other}, no."])


def _pair(number: int, prompt: str, sides: Sequence[str]) -> Row:
    return {
        "id": number,
        "prompt_id": number,
        "prompt": [{"role": "user", "content": prompt}],
        "chosen": sides[0],
        "rejected": sides[1],
    }


def write_splits(folder: Path, train: Sequence[Row], test: Sequence[Row]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("test", test)):
        write_lines(folder / f"{name}.jsonl", rows)
    return folder


def _config(cache: Path, **values: Any) -> RewardModelConfig:
    plain = RewardModelConfig(
        method="frozen", max_length=128, prompt_tokens=48, embedding_cache=str(cache)
    )
    return replace(plain, **values)


def fit(folder: Path, cache: Path, **values: Any) -> RecipeResult:
    name = "-".join(f"{key}={value}" for key, value in values.items()) or "plain"
    return train_reward_model(_config(cache, **values), folder, folder / name, _ignore, _never)


def _figures(found: RecipeResult) -> tuple[str, str]:
    test = found.metrics["test"]
    share = test["accuracy"]
    return (
        f"{share['value']:.3f} ({share['low']:.3f} – {share['high']:.3f})",
        f"{test['log_loss']:.3f}",
    )


def _ignore(event: Mapping[str, Any]) -> None:
    """Nobody reads the progress."""


def _never() -> bool:
    return False


if __name__ == "__main__":
    main()
