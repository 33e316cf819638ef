"""Every reward model beside plain pairs: planted rules, then real data.

    python -m benchmarks.reward_models --real DIR [--cache FILE] [--pairs 600]
    python -m benchmarks.reward_models --real DIR --only oasst_en100 --finetune full
    python -m benchmarks.reward_models --real DIR --only llmfao --finetune full --rows 400

Without --real only the planted rules. DIR holds hh_rlhf, qa_feedback, oasst_en100, llmfao and
xsum_hallucination as folders; those that are missing are left out. --cache keeps embeddings between
calls. --finetune (full or lora) trains the encoder with each head, for --epochs; else heads on
frozen embeddings.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import planted, real_rewards
from benchmarks.folders import scratch_folder
from benchmarks.list_recovery import recovery_errors
from benchmarks.report import mean_and_half_width, print_table, write_json
from training.recipes.config import OBJECTIVE_DATA, RewardModelConfig
from training.recipes.result import RecipeResult
from training.recipes.reward_model import train_reward_model

PLAIN = {"objective": "bradley_terry"}
PEOPLE = [
    {"objective": "personal", "people_as": how} for how in ("ideal_points", "latent", "groups")
]
PLANTED: dict[str, list[dict[str, Any]]] = {
    "circle": [PLAIN, {"objective": "general_preference"}],
    "people": [PLAIN, *PEOPLE],
    "contexts": [PLAIN],
    "untold_contexts": [PLAIN],
    "criteria": [PLAIN, {"objective": "multi_objective"}],
    "rankings": [PLAIN, {"objective": "plackett_luce"}],
    "errors": [{"objective": "span"}],
    "solutions": [{"objective": "steps"}],
}
REAL: dict[str, list[dict[str, Any]]] = {
    "hh_rlhf": [PLAIN, {"objective": "general_preference"}, {"objective": "ensemble"}],
    "oasst_en100": [PLAIN, {"objective": "plackett_luce"}],
    "llmfao": [PLAIN, *PEOPLE],
    "qa_feedback": [{"objective": "span"}, PLAIN],
    "qa_steps": [{"objective": "steps"}],
    "xsum_hallucination": [PLAIN, {"objective": "multi_objective"}],
}
SOURCES = {"qa_steps": "qa_feedback"}  # where the folder is called otherwise
SEEDS = 20
RECOVERY = {
    "list recovery": {},
    "list recovery, three places with care": {"lists": 30, "care": 3},
}
HEADERS = ("data", "model", "rows", "accuracy (95 %)", "log-loss", "baseline", "beside")


class Trainer:
    """Trains on a dataset folder; embeddings are shared by all. `how`: fields of each run."""

    def __init__(self, folder: Path, cache: Path, how: Mapping[str, Any]) -> None:
        self.folder, self.cache, self.how, self.count = folder, cache, how, 0

    def __call__(self, data: Path, *, max_length: int = 128, **wish: Any) -> RecipeResult:
        self.count += 1
        config = RewardModelConfig(
            **self.how,
            max_length=max_length,
            prompt_tokens=max_length // 4,
            embedding_cache=str(self.cache),
            **wish,
        )
        if OBJECTIVE_DATA[config.objective] == "preferences" and (data / "pairs").is_dir():
            data = data / "pairs"
        output = self.folder / f"run{self.count}"
        return train_reward_model(config, data, output, lambda event: None, lambda: False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", type=Path, help="folder of the real data sets")
    parser.add_argument("--cache", type=Path, help="file of embeddings, kept")
    parser.add_argument("--pairs", type=int, default=600, help="training pairs of hh_rlhf")
    parser.add_argument("--rows", type=int, help="at most so many rows of each real file")
    parser.add_argument("--only", help="one data set")
    parser.add_argument("--model", help="one objective, or one way to take people")
    parser.add_argument("--l2", type=float, help="the prior's strength, chosen unless given")
    parser.add_argument("--finetune", choices=("full", "lora"), help="train the encoder too")
    parser.add_argument("--epochs", type=float, default=1.0, help="with --finetune")
    parser.add_argument("--members", type=int, default=3, help="of ensemble, with --finetune")
    wish = parser.parse_args()
    with scratch_folder() as folder:
        train = Trainer(folder, wish.cache or folder / "embeddings.safetensors", _how(wish))
        rows = []
        for found in _runs(train, wish, folder):
            rows.append(found)
            print("  ".join(map(str, found)), flush=True)
        print_table(HEADERS, rows)
        if wish.only is None and wish.model is None and wish.finetune is None:
            write_json("reward_models", rows=[dict(zip(HEADERS, row, strict=True)) for row in rows])


def _how(wish: argparse.Namespace) -> dict[str, Any]:
    if wish.finetune is None:
        return {"method": "frozen", "l2": wish.l2}
    lora = wish.finetune == "lora"
    rate = 1e-3 if lora else 5e-5  # an adapter bears more
    return {
        "method": "finetune",
        "l2": wish.l2,
        "lora": lora,
        "epochs": wish.epochs,
        "learning_rate": rate,
        "members": wish.members,
    }


def _runs(train: Trainer, wish: argparse.Namespace, folder: Path) -> Iterator[list[Any]]:
    for name, models in PLANTED.items():
        if wish.only in (None, name):
            getattr(planted, name)(folder / name)
            for model in _wanted(models, wish.model):
                yield from lines_of(f"planted: {name}", model, train(folder / name, **model))
    if wish.only in (None, "recovery"):
        yield from _recovery()
    for name, models in REAL.items() if wish.real else ():
        source = wish.real / SOURCES.get(name, name)
        if wish.only not in (None, name) or not source.is_dir():
            continue
        getattr(real_rewards, name)(source, folder / name, wish.pairs)
        if wish.rows is not None:
            real_rewards.keep_rows(folder / name, wish.rows)
        results = []
        for model in _wanted(models, wish.model):
            results.append(train(folder / name, max_length=256, **model))
            yield from lines_of(name, model, results[-1])
        if name == "qa_feedback" and len(results) == len(models):
            yield from _combined(results, folder / name)


def _wanted(models: list[dict[str, Any]], named: str | None) -> list[dict[str, Any]]:
    return [model for model in models if named in (None, *model.values())]


def _recovery() -> Iterator[list[Any]]:
    """What lists say beyond their pairs: the error in finding a known reward again."""
    for name, sizes in RECOVERY.items():
        found = [recovery_errors(seed, **sizes) for seed in range(SEEDS)]
        for way in found[0]:
            mean = fmean(one[way] for one in found)
            apart, half = mean_and_half_width([one[way] - one["all_pairs"] for one in found])
            beside = f"error {mean:.3f}, less that of all pairs {apart:+.3f} ± {half:.3f}"
            yield [f"planted: {name}", way, "", "", "", "", f"{beside}, {SEEDS} draws"]


def lines_of(data: str, model: Mapping[str, str], result: RecipeResult) -> Iterator[list[Any]]:
    """A line for each model, and one for each category of segments."""
    named = model.get("people_as") or model["objective"]
    test = result.metrics["test"]
    for category, found in test.get("by_category", {}).items():
        beside = f"F1 {found['f1'] or 0:.3f} ({found['f1_of_always_wrong'] or 0:.3f} always wrong)"
        if found["auc"] is not None:
            beside += f", AUC {found['auc']:.3f}"
        yield _line(data, f"{named} {category}", found, "majority_accuracy", beside)
    if "by_category" not in test:
        beside = ""
        if test.get("kendall_tau") is not None:  # lists that decide nothing have none
            beside = f"tau {test['kendall_tau']:.3f}"
        if "accuracy_without_person" in test:
            beside = f"without person {test['accuracy_without_person']['value']:.3f}"
        if "by_criterion" in test:
            beside = ", ".join(
                f"{name}: squared error {one['squared_error']:.4f} "
                f"({one['squared_error_of_mean']:.4f} always the mean)"
                for name, one in test["by_criterion"].items()
            )
        if "accuracy_of_mean" in test:
            beside = f"mean alone {test['accuracy_of_mean']['value']:.3f}"
        yield _line(data, named, test, "length_only_accuracy", beside)


def _line(data: str, model: str, found: Mapping[str, Any], base: str, beside: str) -> list[Any]:
    return [
        data,
        model,
        found["rows"],
        _share(found["accuracy"]),
        f"{found['log_loss']:.3f}",
        f"{found[base]['value']:.3f} ({'length' if base.startswith('length') else 'majority'})",
        beside,
    ]


def _combined(results: list[RecipeResult], folder: Path) -> Iterator[list[Any]]:
    """Segments' rewards and completeness together, on people's preferences of whole outputs."""
    found = real_rewards.combined(results, folder)
    for model, share in found["accuracy"].items():
        baseline = f"{found['length']['value']:.3f} (length)"
        yield ["qa_feedback overall", model, share["rows"], _share(share), "", baseline, ""]


def _share(share: Mapping[str, Any]) -> str:
    return f"{share['value']:.3f} ({share['low']:.3f} – {share['high']:.3f})"


if __name__ == "__main__":
    main()
