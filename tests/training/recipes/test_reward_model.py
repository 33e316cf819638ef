"""Reward models end to end, on random models small enough for seconds."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from tests.training.recipes.conftest import StopAfter, ignore, make_rows, never, write_dataset
from training.recipes.config import RewardModelConfig
from training.recipes.errors import ConfigError, DatasetError, ModelError, NonFiniteLossError
from training.recipes.reward_model import train_reward_model
from training.recipes.score import load_reward_model, score_responses


def config(base, **other):
    values = {
        "base_model": str(base),
        "max_length": 32,
        "prompt_tokens": 8,
        "batch_size": 4,
        "max_steps": 20,
        "learning_rate": 5e-3,
        "threads": 1,
        "precision": "fp32",
    }
    return RewardModelConfig(**{**values, **other})


def weights(result):
    return load_file(result.model_dir / "model.safetensors")


def test_learns_the_rule_and_publishes_a_loadable_model(dataset, encoder, tmp_path):
    events = []
    result = train_reward_model(
        config(encoder, max_steps=40), dataset, tmp_path / "run", events.append, never
    )
    assert (result.status, result.global_step) == ("done", 40)
    assert result.metrics["test"]["accuracy"]["value"] == 1.0
    assert result.metrics["test"]["rows"] == 10
    progress = [event for event in events if event["event"] == "progress"]
    assert [event["step"] for event in progress] == list(range(1, 41))
    assert {"loss", "samples_per_second", "eta_seconds", "peak_memory_mb"} <= set(progress[0])
    assert progress[-1]["eta_seconds"] == 0
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["steps"] == 40

    plain = AutoModelForSequenceClassification.from_pretrained(result.model_dir)
    assert plain.config.num_labels == 1
    AutoTokenizer.from_pretrained(result.model_dir)


def test_scores_of_the_published_model_are_the_evaluated_ones(dataset, encoder, tmp_path):
    rows = make_rows(10, start=1000)
    result = train_reward_model(config(encoder), dataset, tmp_path / "run", ignore, never)
    lines = (tmp_path / "run" / "test_scores.jsonl").read_text().splitlines()
    evaluated = {row["id"]: row for row in map(json.loads, lines)}
    scored = score_responses(
        result.model_dir, [(row["prompt"], row["chosen"]) for row in rows], batch_size=3
    )
    assert scored == pytest.approx([evaluated[row["id"]]["chosen"] for row in rows], abs=1e-5)


@pytest.mark.parametrize("lora", [False, True])
def test_stop_and_resume_equals_a_straight_run(dataset, encoder, tmp_path, lora):
    settings = config(encoder, lora=lora, lora_rank=2)
    straight = train_reward_model(settings, dataset, tmp_path / "straight", ignore, never)
    stop = StopAfter(10)
    stopped = train_reward_model(settings, dataset, tmp_path / "resumed", stop.report, stop)
    assert stopped.status == "stopped"
    assert 10 <= stopped.global_step < 20
    assert not (tmp_path / "resumed" / "model").exists()
    events = []
    resumed = train_reward_model(settings, dataset, tmp_path / "resumed", events.append, never)
    assert resumed.status == "done"
    assert any(event["event"] == "resume" for event in events)
    ours, theirs = weights(straight), weights(resumed)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    again = train_reward_model(settings, dataset, tmp_path / "resumed", stop.report, lambda: True)
    assert (again.status, again.global_step) == ("done", 20)


def test_lora_trains_the_new_head(dataset, encoder, tmp_path):
    start = AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=1)
    result = train_reward_model(
        config(encoder, lora=True, max_steps=60), dataset, tmp_path / "run", ignore, never
    )
    trained = weights(result)
    assert not [name for name in trained if "lora" in name or "modules_to_save" in name]
    assert trained["classifier.weight"].shape == start.classifier.weight.shape
    assert result.metrics["test"]["accuracy"]["value"] >= 0.9


def test_a_decoder_learns_too(dataset, decoder, tmp_path):
    result = train_reward_model(
        config(decoder, max_length=64, prompt_tokens=16, max_steps=40),
        dataset,
        tmp_path / "run",
        ignore,
        never,
    )
    assert result.metrics["test"]["accuracy"]["value"] >= 0.9


def test_long_pairs_are_shortened_not_dropped(encoder, tmp_path):
    data = write_dataset(
        tmp_path / "data", make_rows(12, words=300), make_rows(4, start=1000, words=300)
    )
    events = []
    train_reward_model(config(encoder, max_steps=2), data, tmp_path / "run", events.append, never)
    data_event = next(event for event in events if event["event"] == "data")
    assert data_event["train_rows"] == 12
    assert data_event["framing"]["responses_truncated"] == 24
    assert data_event["framing"]["tokens"] == 24 * 32


def test_weights_count(encoder, tmp_path):
    """Rows with the opposite rule and a hundredth of the weight do not change what is learned."""
    opposite = [
        {**row, "chosen": row["rejected"], "rejected": row["chosen"], "weight": 0.01}
        for row in make_rows(40, start=500)
    ]
    data = write_dataset(tmp_path / "data", make_rows(40) + opposite, make_rows(10, start=1000))
    settings = config(encoder, max_steps=60)
    weighted = train_reward_model(settings, data, tmp_path / "run", ignore, never)
    assert weighted.metrics["test"]["accuracy"]["value"] >= 0.9


def test_ties_pull_rewards_together(encoder, tmp_path):
    ties = [{**row, "tie": True} for row in make_rows(40)]
    data = write_dataset(
        tmp_path / "data", [*ties, *make_rows(2, start=500)], make_rows(10, start=1000)
    )
    gaps = {}
    for rule in ("drop", "half"):
        folder = tmp_path / rule
        train_reward_model(
            config(encoder, tie_rule=rule, max_steps=40), data, folder, ignore, never
        )
        rows = map(json.loads, (folder / "test_scores.jsonl").read_text().splitlines())
        gaps[rule] = np.mean([abs(row["chosen"] - row["rejected"]) for row in rows])
    assert gaps["half"] < 0.5 * gaps["drop"]


def test_checkpoints_by_the_clock_are_kept_to_two(dataset, encoder, tmp_path):
    settings = config(encoder, checkpoint_minutes=1e-9, max_steps=9)
    stop = StopAfter(5)
    result = train_reward_model(settings, dataset, tmp_path / "run", stop.report, stop)
    assert result.status == "stopped"
    saved = [event["step"] for event in stop.events if event["event"] == "checkpoint"]
    assert saved == [1, 2, 3, 4, 5, 6]
    left = sorted(path.name for path in (tmp_path / "run" / "checkpoints").glob("checkpoint-*"))
    assert left == ["checkpoint-5", "checkpoint-6"]


def test_a_loss_that_is_not_a_number_names_the_step(dataset, encoder, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(encoder, broken)
    tensors = load_file(broken / "model.safetensors")
    tensors["pooler.dense.bias"][0] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NonFiniteLossError, match="loss became nan at step 1"):
        train_reward_model(config(broken), dataset, tmp_path / "run", ignore, never)


def test_frozen_head_learns_caches_and_notices_another_encoder(dataset, encoder, tmp_path):
    base = tmp_path / "encoder"
    shutil.copytree(encoder, base)
    settings = config(base, method="frozen", embedding_cache=str(tmp_path / "cache.safetensors"))
    events = []
    first = train_reward_model(settings, dataset, tmp_path / "one", events.append, never)
    assert first.metrics["test"]["accuracy"]["value"] == 1.0
    assert first.metrics["temperature_rows"] == 40
    embedding = [event for event in events if event["event"] == "embedding"]
    of_training = embedding[: embedding[0]["batches"]]
    assert [event["batch"] for event in of_training] == list(range(1, len(of_training) + 1))
    assert of_training[0]["eta_seconds"] >= of_training[-1]["eta_seconds"] == 0
    events = []
    other = dataclasses.replace(settings, seed=1)
    second = train_reward_model(other, dataset, tmp_path / "two", events.append, never)
    assert second.status == "done"
    assert not [event for event in events if event["event"] == "embedding"]

    row = make_rows(1)[0]
    good, bad = score_responses(
        first.model_dir, [(row["prompt"], row["chosen"]), (row["prompt"], row["rejected"])]
    )
    assert good > bad
    tensors = load_file(base / "model.safetensors")
    tensors["pooler.dense.bias"] += 1
    save_file(tensors, base / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="other weights"):
        load_reward_model(first.model_dir)


def test_a_stopped_frozen_run_goes_on_from_its_cache(dataset, encoder, tmp_path):
    settings = config(encoder, method="frozen", batch_size=2)
    assert train_reward_model(settings, dataset, tmp_path / "run", ignore, lambda: True).status == (
        "stopped"
    )
    assert (tmp_path / "run" / "embeddings.layers.safetensors").is_file()
    assert train_reward_model(settings, dataset, tmp_path / "run", ignore, never).status == "done"


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("/nowhere/at/all", "is not a folder on this machine"),
        ("nobody/no-such-model", "cannot be read"),
    ],
)
def test_an_unknown_model_is_named(dataset, tmp_path, base, message, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=f"{base} {message}"):
        train_reward_model(config(base), dataset, tmp_path / "run", ignore, never)


def test_a_context_that_is_too_short_is_named(dataset, encoder, tmp_path):
    with pytest.raises(ModelError, match=r"max_length is 256 tokens but .* takes at most 128"):
        train_reward_model(
            config(encoder, max_length=256), dataset, tmp_path / "run", ignore, never
        )


def test_leaks_and_foreign_folders_are_refused(dataset, encoder, tmp_path):
    train_reward_model(config(encoder, max_steps=1), dataset, tmp_path / "run", ignore, never)
    with pytest.raises(ConfigError, match="max_steps"):
        train_reward_model(config(encoder), dataset, tmp_path / "run", ignore, never)
    leak = write_dataset(tmp_path / "leak", make_rows(4), make_rows(2))
    with pytest.raises(DatasetError, match="both train and test"):
        train_reward_model(config(encoder), leak, tmp_path / "other", ignore, never)
    with pytest.raises(ModelError, match="not a published"):
        load_reward_model(encoder)
