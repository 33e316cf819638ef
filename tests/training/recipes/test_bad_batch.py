"""A loss or gradient that is no number: the rows that did it are kept, readable."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.modules.module import register_module_forward_hook

from tests.training.recipes.conftest import make_rows, never, write_dataset
from training.recipes.config import RewardModelConfig
from training.recipes.errors import NonFiniteLossError
from training.recipes.reward_model import train_reward_model

POISON = "rude"


@pytest.fixture
def poisoned(tmp_path):
    """Training rows of which a single one holds the word, in its chosen response."""
    rows = json.loads(json.dumps(make_rows(40)).replace(POISON, "rice"))
    rows[17]["chosen"] += f" {POISON}"
    return write_dataset(tmp_path / "poisoned", rows, make_rows(10, start=1000))


def train(encoder, dataset, folder, **other):
    events = []
    values = {"max_length": 64, "prompt_tokens": 16, "epochs": 1, "batch_size": 4, "lora": False}
    values |= {"logging_steps": 1, "precision": "fp32", "learning_rate": 1e-3}
    values |= {"calibration_fraction": 0.0, "checkpoint_minutes": 1e-9}
    config = RewardModelConfig(base_model=str(encoder), **{**values, **other})
    with pytest.raises(NonFiniteLossError) as found:
        train_reward_model(config, dataset, folder, events.append, never)
    reached = max((event["step"] for event in events if event["event"] == "progress"), default=0)
    kept = json.loads((folder / "bad_batch.json").read_text(encoding="utf-8"))
    assert kept["step"] == reached + 1
    assert "run/bad_batch.json of the run's folder" in str(found.value)
    return str(found.value), kept


def holds_poison(batch):
    return [POISON in row["text"].split() for row in batch["sequences"]]


def test_the_batch_of_a_loss_that_is_no_number(encoder, poisoned, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(encoder, broken)
    tensors = load_file(broken / "model.safetensors")
    vocabulary = json.loads((broken / "tokenizer.json").read_text())["model"]["vocab"]
    tensors["embeddings.word_embeddings.weight"][vocabulary[POISON]] = float("nan")
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    message, kept = train(broken, poisoned, tmp_path / "run", gradient_accumulation=2)
    assert f"loss became nan at step {kept['step']}." in message
    batch = kept["batches"][-1]  # the one after which nothing more was computed
    assert sum(holds_poison(batch)) == 1
    assert holds_poison(batch).index(True) < 4  # chosen come first
    assert not any(any(holds_poison(other)) for other in kept["batches"][:-1])
    assert batch["factors"] == {"weight": [1.0] * 4, "target": [1.0] * 4, "margin": [0.0] * 4}
    guilty = batch["sequences"][holds_poison(batch).index(True)]["ids"]
    assert vocabulary[POISON] in guilty
    assert vocabulary["[PAD]"] not in guilty


def test_a_gradient_that_is_no_number_never_reaches_the_weights(encoder, poisoned, tmp_path):
    vocabulary = json.loads((encoder / "tokenizer.json").read_text())["model"]["vocab"]

    def finite_value_infinite_slope(module, args, result):
        if not isinstance(module, torch.nn.Embedding) or vocabulary[POISON] not in args[0]:
            return None
        return result + (result - result.detach()).abs().sum().sqrt()

    hook = register_module_forward_hook(finite_value_infinite_slope)
    try:
        settings = {"gradient_accumulation": 2, "batch_size": 2}
        message, kept = train(encoder, poisoned, tmp_path / "run", **settings)
    finally:
        hook.remove()
    assert f"The gradient became nan at step {kept['step']}." in message
    assert len(kept["batches"]) == 2
    assert sum(sum(holds_poison(batch)) for batch in kept["batches"]) == 1
    for path in (tmp_path / "run" / "checkpoints").glob("*/model.safetensors"):
        assert all(value.isfinite().all() for value in load_file(path).values())
