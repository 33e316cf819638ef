"""Our reward model and DPO recipes beside TRL's trainers with their defaults, in one run.

    python -m benchmarks.trainers --data DIR/hh_rlhf [--steps 60] [--repeats 3]

The same base model, token ids, batch size, learning rate, LoRA and number of steps for both; each
run in a process of its own, in turn. Seconds run from the token ids to the trained weights (the
reference's sums included); tokens are those of the texts, without padding. Accuracy is on the
same held-out pairs by the same code.
"""

import argparse
import gzip
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from benchmarks.folders import scratch_folder
from benchmarks.report import print_table, write_json

METHODS = ("reward model", "DPO")
WAYS = ("TRL", "Tandem")
LENGTHS = {"max_length": 256, "prompt_tokens": 128}
REWARD_RATE, POLICY_RATE = 1e-4, 5e-5
LORA_RANK = 16
POLICY = "reward_accuracy"
FIGURES = ("pairs_per_second", "tokens_per_second", "cpu_seconds", "peak_mb")
HEADERS = ("method", "by", "pairs/s", "tokens/s", "CPU-s", "peak MB", "accuracy (95 %)", "times")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of hh_rlhf")
    parser.add_argument("--pairs", type=int, default=2000, help="training pairs to draw from")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=METHODS)
    parser.add_argument("--child", nargs=2, metavar=("METHOD", "WAY"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    wish = parser.parse_args()
    if wish.child:
        print(json.dumps(CHILDREN[tuple(wish.child)](wish)))
        return
    with scratch_folder() as folder:
        wish.folder = folder
        write_pairs(wish.data, wish.folder / "pairs", train=wish.pairs, test=400)
        make_base(wish.folder)
        found = compare(wish)
    rows = [row for method in wish.methods for row in _rows(method, found)]
    print_table(HEADERS, rows)
    write_json("trainers", steps=wish.steps, batch_size=wish.batch_size, runs=found)


def compare(wish: argparse.Namespace) -> list[dict[str, Any]]:
    found = []
    for number in range(wish.repeats):
        for method in wish.methods:
            for way in WAYS:
                command = [sys.executable, "-m", "benchmarks.trainers", "--child", method, way]
                for name in ("data", "folder", "steps", "batch_size"):
                    command += [f"--{name.replace('_', '-')}", str(getattr(wish, name))]
                run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
                result = json.loads(run.stdout.splitlines()[-1])
                found.append({"method": method, "by": way, "repeat": number, **result})
                took = f"{result['seconds']:.1f} s, {result['cpu_seconds']:.1f} s of the cores"
                print(f"{method} by {way}: {took}", flush=True)
    return found


def write_pairs(source: Path, folder: Path, *, train: int, test: int) -> dict[int, str]:
    """The first pairs of each split with differing texts, whatever their length; which part of the
    set each is of.
    """
    folder.mkdir(parents=True)
    parts: dict[int, str] = {}
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    with gzip.open(source / "pairs.jsonl.gz", "rt", encoding="utf-8") as lines:
        found = sorted(map(json.loads, lines), key=lambda row: sha256(row["id"].encode()).digest())
    for number, row in enumerate(found):
        if row["kind"] == "clean":
            first = sha256(row["prompt"][0]["content"].encode()).hexdigest()
            texts = {side: row[side][0]["content"] for side in ("chosen", "rejected")}
            made = {"id": number, "prompt_id": int(first[:12], 16), "prompt": row["prompt"]}
            rows[row["split"]].append({**made, **texts})
            parts[number] = row["subset"]
    for split, most in (("train", train), ("test", test)):
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8") as lines:
            lines.writelines(json.dumps(row) + "\n" for row in rows[split][:most])
    return parts


def make_base(folder: Path) -> None:
    """A decoder of four million parameters, pre-trained for a moment on the chosen texts."""
    from training.data.pairs import read_pairs
    from training.recipes.config import TinyLmConfig
    from training.recipes.tiny_lm import pretrain_tiny_lm

    texts = [(pair.prompt, pair.chosen) for pair in read_pairs(folder / "pairs" / "train.jsonl")]
    config = TinyLmConfig(hidden_size=256, layers=4, max_steps=30, **LENGTHS)
    pretrain_tiny_lm(config, texts, folder / "base", _ignore, _never)


class Clock:
    """Seconds from the token ids to the end of `Trainer.train`."""

    def __init__(self) -> None:
        from transformers import Trainer

        self.began = self.ended = (0.0, 0.0)
        train = Trainer.train

        def timed(trainer: Trainer, *arguments: Any, **more: Any) -> Any:
            result = train(trainer, *arguments, **more)
            self.ended = _now()
            return result

        Trainer.train = timed

    def report(self, event: dict[str, Any]) -> None:
        """A recipe reports its data when the token ids are made."""
        if event["event"] == "data":
            self.began = _now()

    def result(self, wish: argparse.Namespace, framed: Sequence[Any], accuracy: Any) -> Any:
        seconds, busy = (end - start for start, end in zip(self.began, self.ended, strict=True))
        pairs = wish.steps * wish.batch_size
        tokens = statistics.fmean(sum(len(one.ids) for one in both) for both in framed)
        return {
            "seconds": seconds,
            "cpu_seconds": busy,
            "pairs_per_second": pairs / seconds,
            "tokens_per_second": pairs * tokens / seconds,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "accuracy": accuracy,
        }


def reward_by_tandem(wish: argparse.Namespace) -> dict[str, Any]:
    from training.data.pairs import read_splits
    from training.recipes.models import load_tokenizer
    from training.recipes.reward_model import frame_pairs, train_reward_model

    config, clock = _reward_config(wish), Clock()
    result = train_reward_model(config, wish.folder / "pairs", _output(wish), clock.report, _never)
    splits = read_splits(wish.folder / "pairs", tie_rule="drop")
    framed = frame_pairs(load_tokenizer("minilm"), config, splits.train)
    return clock.result(wish, framed, result.metrics["test"]["accuracy"])


def reward_by_trl(wish: argparse.Namespace) -> dict[str, Any]:
    from training.recipes import runtime  # isort: skip  (first: it sets the environment)

    from datasets import Dataset
    from trl import RewardConfig, RewardTrainer

    from training.data.pairs import read_splits
    from training.recipes.models import load_classifier, load_tokenizer
    from training.recipes.reward_figures import evaluate_reward_model
    from training.recipes.reward_model import frame_pairs
    from training.recipes.score import FinetunedRewardModel, RewardCard

    config, clock = _reward_config(wish), Clock()
    runtime.prepare_process(config)
    splits = read_splits(wish.folder / "pairs", tie_rule="drop")
    tokenizer = load_tokenizer("minilm")
    framed = frame_pairs(tokenizer, config, splits.train)
    clock.report({"event": "data"})
    output = _output(wish)
    trainer = RewardTrainer(
        model=load_classifier("minilm", tokenizer),
        args=RewardConfig(**_trl_arguments(wish, output, REWARD_RATE)),
        train_dataset=Dataset.from_list(
            [
                {"chosen_ids": chosen.ids, "rejected_ids": rejected.ids}
                for chosen, rejected in framed
            ]
        ),
        processing_class=tokenizer,
    )
    trainer.train()
    card = RewardCard(method="finetune", base_model="minilm", temperature=1.0, **LENGTHS)
    figures = evaluate_reward_model(
        FinetunedRewardModel(card, tokenizer, trainer.model),
        splits,
        temperature=1.0,
        output_dir=output,
        batch_size=32,
        report=_ignore,
        should_stop=_never,
    )
    return clock.result(wish, framed, figures["accuracy"])


def policy_by_tandem(wish: argparse.Namespace) -> dict[str, Any]:
    from training.data.pairs import read_splits
    from training.recipes.dpo import frame_rows, train_dpo
    from training.recipes.models import load_tokenizer

    config, clock = _policy_config(wish), Clock()
    result = train_dpo(config, wish.folder / "pairs", _output(wish), clock.report, _never)
    splits = read_splits(wish.folder / "pairs", tie_rule="drop")
    framed = frame_rows(load_tokenizer(config.base_model), config, splits.train)
    return clock.result(wish, framed, result.metrics["test"][POLICY])


def policy_by_trl(wish: argparse.Namespace) -> dict[str, Any]:
    from training.recipes import runtime  # isort: skip  (first: it sets the environment)

    from datasets import Dataset
    from peft import TaskType
    from trl import DPOConfig, DPOTrainer

    from training.data.pairs import read_splits
    from training.recipes.dpo import frame_rows
    from training.recipes.loop import add_lora
    from training.recipes.models import load_causal_lm, load_tokenizer
    from training.recipes.policy_figures import preference_figures, response_logps

    config, clock = _policy_config(wish), Clock()
    runtime.prepare_process(config)
    splits = read_splits(wish.folder / "pairs", tie_rule="drop")
    tokenizer = load_tokenizer(config.base_model)
    framed = frame_rows(tokenizer, config, splits.train)
    clock.report({"event": "data"})
    model = add_lora(load_causal_lm(config.base_model), rank=LORA_RANK, task=TaskType.CAUSAL_LM)

    class OfTokens(DPOTrainer):
        """TRL's own takes texts only; these are token ids already, the same for both."""

        def _prepare_dataset(self, dataset: Dataset, *unused: Any) -> Dataset:
            return dataset

    trainer = OfTokens(
        model=model,
        args=DPOConfig(**_trl_arguments(wish, _output(wish), POLICY_RATE), beta=config.beta),
        train_dataset=Dataset.from_list(
            [
                {
                    "prompt_ids": chosen.prompt_ids,
                    "chosen_ids": chosen.response_ids,
                    "rejected_ids": rejected.response_ids,
                }
                for chosen, rejected in framed
            ]
        ),
        processing_class=tokenizer,
    )
    trainer.train()
    test = [one for both in frame_rows(tokenizer, config, splits.test) for one in both]
    options = {"pad_id": tokenizer.pad_token_id, "batch_size": 32, "should_stop": _never}
    policy = response_logps(trainer.model, test, **options)
    with trainer.model.disable_adapter():
        base = response_logps(trainer.model, test, **options)
    sides = (logps[start::2] for logps in (policy, base) for start in (0, 1))
    return clock.result(wish, framed, preference_figures(*sides, beta=config.beta)[POLICY])


CHILDREN: dict[tuple[str, ...], Callable[[argparse.Namespace], dict[str, Any]]] = {
    ("reward model", "TRL"): reward_by_trl,
    ("reward model", "Tandem"): reward_by_tandem,
    ("DPO", "TRL"): policy_by_trl,
    ("DPO", "Tandem"): policy_by_tandem,
}


def _reward_config(wish: argparse.Namespace) -> Any:
    from training.recipes.config import RewardModelConfig

    return RewardModelConfig(
        max_steps=wish.steps,
        batch_size=wish.batch_size,
        learning_rate=REWARD_RATE,
        calibration_fraction=0.0,
        **LENGTHS,
    )


def _policy_config(wish: argparse.Namespace) -> Any:
    from training.recipes.dpo_config import DpoConfig

    return DpoConfig(
        base_model=str(wish.folder / "base" / "model"),
        max_steps=wish.steps,
        batch_size=wish.batch_size,
        learning_rate=POLICY_RATE,
        lora_rank=LORA_RANK,
        sample_prompts=0,
        **LENGTHS,
    )


def _trl_arguments(wish: argparse.Namespace, output: Path, rate: float) -> dict[str, Any]:
    """What both are given, and that there may be no GPU; everything else is TRL's default."""
    import torch

    return {
        "use_cpu": not torch.cuda.is_available(),
        "output_dir": str(output / "checkpoints"),
        "max_steps": wish.steps,
        "per_device_train_batch_size": wish.batch_size,
        "learning_rate": rate,
        "seed": 0,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
    }


def _now() -> tuple[float, float]:
    """Seconds of the clock, and of the cores: those of this process alone, whatever else runs."""
    return time.perf_counter(), time.process_time()


def _output(wish: argparse.Namespace) -> Path:
    return Path(tempfile.mkdtemp(dir=wish.folder))


def _ignore(event: dict[str, Any]) -> None:
    del event


def _never() -> bool:
    return False


def _rows(method: str, found: list[dict[str, Any]]) -> list[list[Any]]:
    """The medians of each way, and how many times as fast as TRL's: by the clock, by the cores."""
    rows: list[list[Any]] = []
    middles: dict[str, dict[str, float]] = {}
    for way in WAYS:
        runs = [run for run in found if (run["method"], run["by"]) == (method, way)]
        middle = {name: statistics.median(run[name] for run in runs) for name in FIGURES}
        middles[way] = middle
        theirs = middles["TRL"]
        by_clock = middle["pairs_per_second"] / theirs["pairs_per_second"]
        by_cores = theirs["cpu_seconds"] / middle["cpu_seconds"]
        share = runs[0]["accuracy"]
        accuracy = f"{share['value']:.3f} ({share['low']:.3f} – {share['high']:.3f})"
        rows.append([method, way, *middle.values(), accuracy, f"{by_clock:.2f}, {by_cores:.2f}"])
    return rows


if __name__ == "__main__":
    main()
