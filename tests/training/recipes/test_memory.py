"""Out of memory: smaller batches, the same steps, and an end where nothing is small enough.

A hook in the embedding of a real model raises torch's own error where a device would.
"""

import json

import pytest
import torch
from safetensors.torch import load_file

from tests.training.recipes.conftest import StopAfter, ignore, never, of_kind
from training.recipes import output
from training.recipes.config import RewardModelConfig, TinyLmConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import BatchTooLargeError, OutOfMemoryError
from training.recipes.memory import halving_batches, is_out_of_memory
from training.recipes.result import RecipeResult
from training.recipes.reward_model import train_reward_model
from training.recipes.tiny_lm import pretrain_tiny_lm

SHARED = {
    "max_steps": 6,
    "max_length": 32,
    "prompt_tokens": 16,
    "batch_size": 6,
    "learning_rate": 1e-2,
    "logging_steps": 1,
    "precision": "fp32",
    "checkpoint_minutes": 1e-9,
}


@pytest.fixture
def train_policy(decoder, dataset, tmp_path):
    """train_policy(name, **config) -> the result and what it reported."""

    def train(name, events=None, **other):
        events = [] if events is None else events
        config = DpoConfig(base_model=str(decoder), sample_prompts=0, **{**SHARED, **other})
        recipe = halving_batches(train_dpo)
        return recipe(config, dataset, tmp_path / name, events.append, never), events

    return train


def assert_same_weights(one, other):
    mine, theirs = (load_file(found.model_dir / "model.safetensors") for found in (one, other))
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        torch.testing.assert_close(value, theirs[name], rtol=1e-3, atol=1e-5)


def test_from_the_beginning_with_the_batch_divided_until_it_fits(train_policy, little_memory):
    whole, _ = train_policy("whole")
    little_memory(rows=2)  # a pair of a policy is one: prompt, chosen and rejected
    halved, events = train_policy("halved")
    sizes = [
        (event["before"], event["batch_size"], event["gradient_accumulation"])
        for event in of_kind(events, "smaller_batch")
    ]
    assert sizes == [(6, 3, 2), (3, 1, 6)]
    assert not of_kind(events, "resume")
    assert (halved.metrics["batch_size"], halved.metrics["gradient_accumulation"]) == (1, 6)
    assert halved.global_step == whole.global_step == 6
    assert_same_weights(whole, halved)


def test_from_the_newest_checkpoint_on_the_rows_that_were_due(train_policy, little_memory):
    whole, _ = train_policy("whole")
    events = []
    little_memory(rows=3, when=lambda: len(of_kind(events, "progress")) >= 3)
    halved, _ = train_policy("halved", events)
    (smaller,) = of_kind(events, "smaller_batch")
    assert "Out of memory at step 4 with 6 rows at a time: CUDA out of memory." in smaller["reason"]
    (resume,) = of_kind(events, "resume")
    assert resume["path"].endswith("checkpoint-3")
    assert [event["step"] for event in of_kind(events, "progress")] == [1, 2, 3, 4, 5, 6]
    assert_same_weights(whole, halved)


def test_a_later_attempt_begins_with_the_smaller_batch(
    decoder, dataset, tmp_path, train_policy, little_memory
):
    little_memory(rows=3)
    stop = StopAfter(2)
    config = DpoConfig(base_model=str(decoder), sample_prompts=0, **SHARED)
    recipe = halving_batches(train_dpo)
    assert recipe(config, dataset, tmp_path / "run", stop.report, stop).status == "stopped"
    found, events = train_policy("run")
    assert found.status == "done"
    assert not of_kind(events, "smaller_batch")
    assert found.metrics["batch_size"] == 3


def test_a_single_row_too_large_ends_the_run(train_policy, little_memory, tmp_path):
    little_memory(rows=0)
    with pytest.raises(OutOfMemoryError, match=r"single row .* with 1 rows at a time.*max_length"):
        train_policy("run", batch_size=4, gradient_accumulation=2)
    settled = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))["settled"]
    assert (settled["batch_size"], settled["gradient_accumulation"]) == (1, 8)


def test_reward_models_and_small_bases_do_so_too(encoder, dataset, tmp_path, little_memory):
    little_memory(rows=6)
    events = []
    config = RewardModelConfig(base_model=str(encoder), **SHARED)
    train = halving_batches(train_reward_model)
    assert train(config, dataset, tmp_path / "reward", events.append, never).status == "done"
    assert [event["batch_size"] for event in of_kind(events, "smaller_batch")] == [3]

    texts = [([{"role": "user", "content": "How?"}], f"So {number}.") for number in range(9)]
    small = {"vocab_size": 300, "hidden_size": 16, "layers": 1, "heads": 2, "context": 32}
    tiny = TinyLmConfig(**{**SHARED, **small, "batch_size": 8})
    pretrain = halving_batches(pretrain_tiny_lm)
    assert pretrain(tiny, texts, tmp_path / "tiny", events.append, never).status == "done"
    assert of_kind(events, "smaller_batch")[-1]["batch_size"] == 4


def test_a_policy_is_evaluated_with_the_batch_that_training_ended_with(train_policy, little_memory):
    events = []
    little_memory(rows=3)

    def trained():
        return any(event["step"] == 6 for event in of_kind(events, "progress"))

    little_memory(rows=6, when=trained, without_gradients=True)
    found, _ = train_policy("run", events)
    assert found.status == "done"
    assert found.metrics["test"]["rows"] == 10


def test_a_reward_model_is_evaluated_with_it_too(encoder, dataset, tmp_path, little_memory):
    little_memory(rows=6)
    little_memory(rows=6, without_gradients=True)
    config = RewardModelConfig(base_model=str(encoder), **SHARED)
    train = halving_batches(train_reward_model)
    assert train(config, dataset, tmp_path / "run", ignore, never).metrics["test"]["rows"] == 10


@pytest.mark.parametrize(("loss", "differs"), [("sigmoid", False), ("aot", True), ("kto", True)])
def test_a_smaller_batch_tells_whether_the_loss_depends_on_it(tmp_path, loss, differs):
    config = DpoConfig(base_model="small", loss=loss)
    output.claim(tmp_path, config, dataset="a")
    events, attempts = [], []

    def recipe(*_):
        attempts.append(1)
        if len(attempts) == 1:
            raise BatchTooLargeError("Full.")
        return RecipeResult("stopped", 0, 1)

    halving_batches(recipe)(config, None, tmp_path, events.append, never)
    (event,) = events
    assert event["loss_differs"] is differs


def test_memory_short_for_the_reference_divides_the_batch_too(train_policy, little_memory):
    little_memory(rows=6, without_gradients=True)  # twice three pairs
    found, events = train_policy("run")
    (smaller,) = of_kind(events, "smaller_batch")
    assert "Out of memory before the first step with 12 rows at a time" in smaller["reason"]
    assert (found.status, found.metrics["batch_size"]) == ("done", 3)


def test_the_errors_of_a_cpu_are_known_and_others_are_not():
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**56, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(MemoryError())
    with pytest.raises(RuntimeError) as mismatch:
        torch.ones(2, 3) @ torch.ones(2, 3)
    assert not is_out_of_memory(mismatch.value)
