"""Policies from feedback in words: each loss on planted judgements, and what it is to move.

    python -m benchmarks.feedback [--steps 300] [--only cut]

A small language model is made from the texts; each loss then trains a copy of it in full. Every
figure is on held-out prompts. Beside each loss stands the same without what it adds.
"""

import argparse
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.folders import scratch_folder
from benchmarks.planted import PLACES, SUBJECTS, as_row, write_rows
from benchmarks.report import print_table, write_json
from training.recipes.config import TinyLmConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.tiny_lm import pretrain_tiny_lm

HEADERS = ("data", "loss", "what it is to move", "before", "after", "pairs right", "seconds")
TRAIN, TEST = 160, 60
FRIENDLY, RUDE = ("my friend", "dear reader"), ("you fool", "silly person")
Row = dict[str, Any]


def critiques(rng: random.Random, number: int) -> Row:
    """Insults are criticised and taken out; the rest of the response stands."""
    begun, insult, kind = _sentence(rng), rng.choice(RUDE), rng.choice(FRIENDLY)
    entry = {
        "critique": f"Do not say {insult}.",
        "refined": f"{begun}, {kind}, as you asked.",
    }
    value = {"responses": {"1": entry}}
    text = f"{begun}, {insult}, as you asked."
    return as_row(number, _question(rng), {1: text}, "critique", value)


def scopes(rng: random.Random, number: int) -> Row:
    """Letters are to be formal, which a friend's question is not to become."""
    begun, letter = _sentence(rng), rng.random() < 0.5
    prompt = (
        f"Write a letter to the bank about {rng.choice(SUBJECTS)}." if letter else _question(rng)
    )
    entry = {"critique": "Letters are formal.", "refined": f"Dear Sir, {begun}. Yours."}
    value = {"responses": {"1": entry if letter else {"critique": "Fine among friends."}}}
    return as_row(number, prompt, {1: f"Hey, {begun}. Bye!"}, "critique", value)


def reasons(rng: random.Random, number: int) -> Row:
    """The friendly response wins, and the reason names what was rude."""
    begun, insult = _sentence(rng), rng.choice(RUDE)
    value = {"verdict": "prefer", "preferred": 1, "strength": 1}
    texts = {1: f"{begun}, {rng.choice(FRIENDLY)}.", 2: f"{begun}, {insult}."}
    why = f"The second says {insult}, which is rude."
    return as_row(number, _question(rng), texts, "pairwise", value, rationale=why)


def insults(rng: random.Random, number: int) -> Row:
    """As `reasons`, without any."""
    return {**reasons(rng, number), "rationale": ""}


def joint(rng: random.Random, number: int) -> Row:
    """A prompt about its own response's subject beats one that is answered beside the point."""
    right, wrong, other = rng.sample(SUBJECTS, 3)
    value = {"verdict": "prefer", "preferred": 1, "strength": 1}
    prompts = {"1": f"Say something about {right}.", "2": f"Say something about {wrong}."}
    place = rng.choice(PLACES)
    texts = {1: f"I saw {right} {place}.", 2: f"I saw {other} {place}."}
    return as_row(number, "Say something.", texts, "joint", value, context={"prompts": prompts})


def criteria(rng: random.Random, number: int) -> Row:
    """Funny and exact pull apart: what is funny is exact in one case of four.

    One rating of fun in four goes the other way, as people's do: it is then worth log 3 and no
    more, which what the other criterion owes can be set against.
    """
    begun, agrees = _sentence(rng), rng.random() < 0.25
    texts = {1: f"{begun}. Ha ha! {'3.14 mm.' if agrees else 'Or so.'}", 2: f"{begun}. 3.14 mm."}
    ratings = {
        "1": {"funny": 1 if rng.random() < 0.25 else 5, "exact": 5 if agrees else 1},
        "2": {"funny": 3, "exact": 4},
    }
    scales = {"funny": [1, 5], "exact": [1, 5]}
    value = {"ratings": ratings, "scales": scales, "overall": "funny"}
    return as_row(number, _question(rng), texts, "rating", value)


DATA: dict[str, Callable[[random.Random, int], Row]] = {
    "critiques": critiques,
    "scopes": scopes,
    "reasons": reasons,
    "insults": insults,
    "joint": joint,
    "criteria": criteria,
}
RUNS: list[tuple[str, str, dict[str, Any]]] = [
    ("critiques", "cut", {"loss": "cut"}),
    ("critiques", "cut, unlikelihood off", {"loss": "cut", "unlike_weight": 0.0}),
    ("critiques", "hindsight", {"loss": "hindsight"}),
    ("critiques", "conditional", {"loss": "conditional"}),
    ("reasons", "hindsight", {"loss": "hindsight"}),
    ("reasons", "conditional", {"loss": "conditional"}),
    ("reasons", "rationale", {"loss": "rationale"}),
    ("reasons", "rationale, weight 0 (DPO)", {"loss": "rationale", "rationale_weight": 0.0}),
    ("scopes", "c3po", {"loss": "c3po"}),
    ("scopes", "c3po, weight 0 (DPO)", {"loss": "c3po", "scope_weight": 0.0}),
    ("insults", "d2o", {"loss": "d2o", "own_tokens": 24}),
    ("joint", "dove", {"loss": "dove"}),
    ("criteria", "modpo", {"loss": "modpo"}),
    ("criteria", "modpo, weight 1 (DPO)", {"loss": "modpo", "criterion_weight": 1.0}),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", choices=sorted(DATA), help="one data set")
    wish = parser.parse_args()
    rows = []
    with scratch_folder() as folder:
        for row in _runs(folder, wish.steps, wish.only):
            rows.append(row)
            print("  ".join(map(str, row)), flush=True)
    print_table(HEADERS, rows)
    if wish.only is None:
        write_json("feedback", rows=[dict(zip(HEADERS, row, strict=True)) for row in rows])


def _runs(folder: Path, steps: int, only: str | None) -> Iterator[list[Any]]:
    wanted = [only] if only else list(DATA)
    texts = []
    for name in wanted:
        rng = random.Random(7)
        rows = [DATA[name](rng, number) for number in range(1, TRAIN + TEST + 1)]
        write_rows(folder / name, rows[:TRAIN], rows[TRAIN:])
        texts += [
            (row["prompt"], said["text"]) for row in rows[:TRAIN] for said in row["responses"]
        ]
    base = make_base(folder, texts)
    for number, (data, title, values) in enumerate(RUNS):
        if data not in wanted:
            continue
        began = perf_counter()
        config = DpoConfig(
            base_model=str(base),
            lora=False,
            max_steps=steps,
            learning_rate=5e-4,
            max_length=160,
            prompt_tokens=90,
            sample_prompts=0,
            **values,
        )
        found = train_dpo(config, folder / data, folder / f"run{number}", _ignore, _never)
        seconds = round(perf_counter() - began)
        yield [data, title, *_moved(values["loss"], found.metrics), seconds]


def make_base(folder: Path, texts: list[Any]) -> Path:
    """A small language model of (prompt, response) texts; its folder."""
    config = TinyLmConfig(
        vocab_size=600,
        hidden_size=96,
        layers=3,
        context=160,
        max_length=160,
        prompt_tokens=90,
        epochs=3,
    )
    made = pretrain_tiny_lm(config, texts, folder / "base", _ignore, _never)
    assert made.model_dir is not None
    return made.model_dir


def _moved(loss: str, metrics: Mapping[str, Any]) -> list[str]:
    """The quantity, before and after, and the share of held-out pairs with a positive margin."""
    test = metrics["test"]
    found = test["feedback"]
    share = test.get("reward_accuracy")
    right = _share(share) if share else "–"
    if loss == "cut":
        names = ("critique_contrast_reference", "critique_contrast")
        return ["worth of a critique, nats", *(f"{found[name]:+.2f}" for name in names), right]
    if loss in ("hindsight", "conditional"):
        names = ("phrase_accuracy_reference", "phrase_accuracy")
        return ["phrases tell good from bad", *(_share(found[name]) for name in names), right]
    if loss == "rationale":
        change = found["logp_reasons_change"]
        return ["log p(reasons), nats a token", "0", f"{change:+.2f}", right]
    if loss == "c3po":
        return ["log p(what is to stay), nats", "0", f"{found['logp_kept_change']:+.2f}", right]
    if loss == "d2o":
        votes = test["votes"]
        moved = (f"{votes[f'logp_{side}_change']:+.2f}" for side in ("good", "bad"))
        return ["log p(good), log p(bad) moved, nats", *moved, right]
    if loss == "dove":
        return ["joint pairs right", "–", _share(found["joint_accuracy"]), right]
    apart = (f"{found[f'margin_others_{name}']:+.2f}" for name in ("agree", "disagree"))
    return ["margin where the other criterion agrees, disagrees", *apart, right]


def _share(share: Mapping[str, Any]) -> str:
    return f"{share['value']:.2f} ({share['low']:.2f} – {share['high']:.2f})"


def _sentence(rng: random.Random) -> str:
    return f"I saw {rng.choice(SUBJECTS)} {rng.choice(PLACES)}"


def _question(rng: random.Random) -> str:
    return f"Say something about {rng.choice(SUBJECTS)}."


def _ignore(event: Mapping[str, Any]) -> None:
    """Nobody reads the progress."""


def _never() -> bool:
    return False


if __name__ == "__main__":
    main()
