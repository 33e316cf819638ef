"""Two processes that train one model, started by torchrun as on a machine with two GPUs."""

import json
import shutil

import psutil
import pytest
import torch
from safetensors.torch import load_file

from annotate.kinds import InvalidValue
from benchmarks import planted
from tests.faults.processes import wait_until
from tests.training.recipes.conftest import (  # noqa: F401  (fixtures)
    decoder,
    encoder,
    ignore,
    make_rows,
    never,
    write_dataset,
)
from tests.waiting import PATIENCE
from training.child import Child
from training.recipes.config import RewardModelConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.reward_model import train_reward_model
from training.services.configs import clean_config

STEPS = 80


@pytest.fixture
def base(encoder, tmp_path):  # noqa: F811
    """Without dropout, whose draws would differ from those of one process."""
    folder = tmp_path / "encoder"
    shutil.copytree(encoder, folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def config_of(base, **other):
    return RewardModelConfig(
        **{
            "base_model": str(base),
            "max_length": 32,
            "prompt_tokens": 8,
            "batch_size": 4,
            "max_steps": STEPS,
            "learning_rate": 1e-4,
            "threads": 1,
            "precision": "fp32",
            "logging_steps": 1,
            **other,
        }
    )


@pytest.fixture
def start(tmp_path):
    """start(config) -> a child of two processes in `tmp_path`, killed in the end."""
    started = []

    def make(config) -> Child:
        duty = "dpo" if isinstance(config, DpoConfig) else "reward_model"
        job = {"duty": duty, "config": config.to_dict(), "processes": 2}
        started.append(Child(tmp_path / "run", job))
        return started[-1]

    yield make
    for one in started:
        if one.is_running():
            one.kill()


def events_of(child):
    path = child.folder / "progress.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def steps_of(child):
    return [event["step"] for event in events_of(child) if event["event"] == "progress"]


def ended(child):
    while not child.wait(60):
        pass
    result = child.result()
    assert result is not None, child.how_it_died()
    return result


def test_both_stop_at_one_step_go_on_and_end_where_one_process_does(base, start, tmp_path):
    config = config_of(base)
    data = write_dataset(tmp_path / "run" / "data", make_rows(40), make_rows(10, start=1000))
    first = start(config)
    wait_until(lambda: len(steps_of(first)) >= 3, 120, "three steps")
    workers = [p for p in psutil.Process(first.pid).children(recursive=True) if ranked(p)]
    assert len(workers) == 2
    first.ask_to_stop()
    result = ended(first)
    assert result["status"] == "stopped", result
    stopped_at = result["global_step"]
    assert 3 <= stopped_at < STEPS
    (checkpoint,) = (tmp_path / "run" / "work" / "checkpoints").glob("checkpoint-*")
    assert checkpoint.name == f"checkpoint-{stopped_at}"
    held = {path.name for path in checkpoint.iterdir()}
    assert {"COMPLETE", "rng_state_0.pth", "rng_state_1.pth", "model.safetensors"} <= held

    second = start(config)
    result = ended(second)
    assert (result["status"], result["global_step"]) == ("done", STEPS), result
    assert steps_of(second) == list(range(1, STEPS + 1))  # each told once
    assert result["metrics"]["test"]["rows"] == 10
    alone = train_reward_model(config, data, tmp_path / "alone", ignore, never)
    ours = load_file(tmp_path / "run" / "work" / "model" / "model.safetensors")
    theirs = load_file(alone.model_dir / "model.safetensors")
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-4)
    losses = [event["loss"] for event in events_of(second) if event["event"] == "progress"]
    assert losses == pytest.approx([one["loss"] for one in alone.metrics["history"]], abs=1e-3)


def test_a_policy_of_two_processes_is_that_of_one(decoder, start, tmp_path):  # noqa: F811
    """The reference's sums are made by the first and read by both, also after a stop."""
    config = DpoConfig(
        base_model=str(decoder),
        max_length=48,
        prompt_tokens=24,
        batch_size=4,
        max_steps=24,
        learning_rate=1e-3,
        threads=1,
        precision="fp32",
        logging_steps=1,
        sample_prompts=2,
        sample_tokens=4,
    )
    data = write_dataset(tmp_path / "run" / "data", make_rows(40), make_rows(10, start=1000))
    first = start(config)
    wait_until(lambda: len(steps_of(first)) >= 3, 120, "three steps")
    first.ask_to_stop()
    result = ended(first)
    assert result["status"] == "stopped", result
    assert result["global_step"] < 24
    second = start(config)
    result = ended(second)
    assert (result["status"], result["global_step"]) == ("done", 24), result
    assert steps_of(second) == list(range(1, 25))
    alone = train_dpo(config, data, tmp_path / "alone", ignore, never)
    ours = load_file(tmp_path / "run" / "work" / "model" / "model.safetensors")
    theirs = load_file(alone.model_dir / "model.safetensors")
    base = load_file(decoder / "model.safetensors")
    assert ours.keys() == theirs.keys()
    moved = 0.0
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-4)
        moved = max(moved, float((value - base[name]).abs().max()) if name in base else 0.0)
    assert moved > 1e-2
    assert result["metrics"]["test"]["rows"] == 10


def test_a_policy_of_rankings_and_of_two_processes_is_that_of_one(decoder, start, tmp_path):  # noqa: F811
    config = DpoConfig(
        base_model=str(decoder),
        loss="plackett_luce",
        ranking_depth=2,
        max_length=48,
        prompt_tokens=16,
        batch_size=4,
        max_steps=6,
        learning_rate=1e-3,
        threads=1,
        precision="fp32",
        logging_steps=1,
        sample_prompts=0,
    )
    data = tmp_path / "run" / "data"
    planted.long_rankings(data, train=16, test=6)
    result = ended(start(config))
    assert (result["status"], result["global_step"]) == ("done", 6), result
    alone = train_dpo(config, data, tmp_path / "alone", ignore, never)
    same_weights(tmp_path / "run" / "work" / "model", alone.model_dir)
    losses = [step["loss"] for step in result["metrics"]["history"]]
    assert losses == pytest.approx([one["loss"] for one in alone.metrics["history"]], abs=1e-3)


def test_members_of_an_ensemble_are_shared_one_after_another(base, start, tmp_path):
    config = config_of(base, objective="ensemble", members=2, ensemble_as="average", max_steps=6)
    data = write_dataset(tmp_path / "run" / "data", make_rows(40), make_rows(10, start=1000))
    result = ended(start(config))
    assert (result["status"], result["global_step"]) == ("done", 12), result
    alone = train_reward_model(config, data, tmp_path / "alone", ignore, never)
    same_weights(tmp_path / "run" / "work" / "model", alone.model_dir)
    assert result["metrics"]["test"]["rows"] == 10


def same_weights(ours, theirs):
    ours, theirs = (load_file(folder / "model.safetensors") for folder in (ours, theirs))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-4)


def ranked(process):
    return "RANK" in process.environ()


def test_nobody_goes_on_without_the_launcher(base, start, tmp_path):
    """Of a head, which the first process fits alone before both go on."""
    write_dataset(tmp_path / "run" / "data", make_rows(40), make_rows(10, start=1000))
    child = start(config_of(base, objective="general_preference", l2=10.0, max_steps=100_000))
    wait_until(lambda: len(steps_of(child)) >= 2, 120, "two steps")
    assert steps_of(child)[:2] == [1, 2]
    workers = [p for p in psutil.Process(child.pid).children(recursive=True) if ranked(p)]
    child.kill()
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE)
    assert alive == []


def test_a_batch_that_cannot_be_shared_evenly_is_refused_at_once(settings):
    settings.TRAINING_PROCESSES = 3
    with pytest.raises(InvalidValue, match="batch_size"):
        clean_config(recipe="reward_model", config={"method": "finetune", "batch_size": 16})
    assert clean_config(recipe="reward_model", config={"method": "frozen", "batch_size": 16})
