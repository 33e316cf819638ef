"""Policies trained on pairs: parity with TRL, resuming, what is published and measured."""

import json

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig as TrlConfig

from tests.training.recipes.conftest import StopAfter, ignore, make_rows, never, write_dataset
from training.data.framing import Framed, frame_for_policy
from training.data.pairs import read_pairs
from training.recipes.config import DpoConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_trainer import (
    PairPolicyTrainer,
    WeightedPolicyCollator,
    preference_dataset,
)
from training.recipes.errors import ConfigError, ModelError
from training.recipes.policy_figures import response_logps, sequence_kl


def config(base, **other):
    values = {
        "base_model": str(base),
        "max_length": 64,
        "prompt_tokens": 24,
        "batch_size": 4,
        "max_steps": 20,
        "learning_rate": 1e-2,
        "lora_rank": 4,
        "sample_prompts": 4,
        "sample_tokens": 8,
        "threads": 1,
        "precision": "fp32",
    }
    return DpoConfig(**{**values, **other})


def frame(tokenizer, pairs):
    return [
        tuple(
            frame_for_policy(tokenizer, pair.prompt, text, max_length=64, prompt_tokens=24)
            for text in (pair.chosen, pair.rejected)
        )
        for pair in pairs
    ]


@pytest.fixture
def pairs(dataset):
    return list(read_pairs(dataset / "train.jsonl"))


def make_trainer(decoder, pairs, tmp_path, **other):
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    torch.manual_seed(3)
    model = AutoModelForCausalLM.from_pretrained(decoder)
    settings = config(decoder, **other)
    arguments = TrlConfig(
        output_dir=str(tmp_path / "trainer"),
        beta=settings.beta,
        precompute_ref_log_probs=True,
        max_length=None,
        bf16=False,
        use_cpu=True,
        report_to=[],
        pad_to_multiple_of=None,
        label_smoothing=settings.label_smoothing,
    )
    trainer = PairPolicyTrainer(
        model=model,
        args=arguments,
        train_dataset=preference_dataset(pairs, frame(tokenizer, pairs)),
        data_collator=WeightedPolicyCollator(tokenizer.pad_token_id),
        processing_class=tokenizer,
        config=settings,
        order=range(len(pairs)),
        should_stop=never,
    )
    with torch.no_grad():
        for value in trainer.model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return trainer


@pytest.mark.parametrize(
    ("loss", "smoothing"), [("sigmoid", 0.0), ("hinge", 0.0), ("ipo", 0.0), ("robust", 0.2)]
)
def test_losses_equal_trl(decoder, pairs, tmp_path, loss, smoothing):
    trainer = make_trainer(decoder, pairs, tmp_path, loss=loss, label_smoothing=smoothing)
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(6)])
    ours = trainer.compute_loss(trainer.model, dict(batch)).item()
    trainer.loss_types = [loss]
    plain = {name: value for name, value in batch.items() if name not in ("weight", "target")}
    theirs = trainer._compute_loss(trainer.model, plain, return_outputs=False).item()
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert loss == "ipo" or abs(ours - 1) > 1e-3


def test_the_likelihood_term_equals_trl(decoder, pairs, tmp_path):
    trainer = make_trainer(decoder, pairs, tmp_path, sft_weight=0.5)
    batch = trainer.data_collator([trainer.train_dataset[0]])
    ours = trainer.compute_loss(trainer.model, dict(batch)).item()
    trainer.loss_types, trainer.loss_weights = ["sigmoid", "sft"], [1.0, 0.5]
    plain = {name: value for name, value in batch.items() if name not in ("weight", "target")}
    theirs = trainer._compute_loss(trainer.model, plain, return_outputs=False).item()
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_label_smoothing_and_weights_are_not_ignored(decoder, pairs, tmp_path):
    """TRL 1.16 drops both without a word for its sigmoid loss."""
    trainer = make_trainer(decoder, pairs, tmp_path)
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(4)])
    plain = trainer.compute_loss(trainer.model, dict(batch)).item()
    only_first = {**batch, "weight": torch.tensor([4.0, 0.0, 0.0, 0.0])}
    first = trainer.data_collator([trainer.train_dataset[0]])
    assert trainer.compute_loss(trainer.model, only_first).item() == pytest.approx(
        trainer.compute_loss(trainer.model, first).item(), rel=1e-4
    )
    smooth = make_trainer(decoder, pairs, tmp_path, label_smoothing=0.3)
    assert abs(smooth.compute_loss(smooth.model, dict(batch)).item() - plain) > 1e-4


@pytest.mark.parametrize("lora", [True, False])
def test_learns_stops_resumes_and_publishes_a_plain_model(dataset, decoder, tmp_path, lora):
    settings = config(decoder, lora=lora, learning_rate=1e-2 if lora else 3e-3)
    straight = train_dpo(settings, dataset, tmp_path / "straight", ignore, never)
    assert straight.status == "done"
    assert straight.metrics["test"]["reward_accuracy"]["value"] >= 0.9
    assert straight.metrics["test"]["drift"]["kl"] > 0

    stop = StopAfter(9)
    stopped = train_dpo(settings, dataset, tmp_path / "resumed", stop.report, stop)
    assert (stopped.status, stopped.global_step) == ("stopped", 10)
    resumed = train_dpo(settings, dataset, tmp_path / "resumed", ignore, never)
    ours = load_file(straight.model_dir / "model.safetensors")
    theirs = load_file(resumed.model_dir / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert not [name for name in ours if "lora" in name]
    if not lora:
        assert not (tmp_path / "resumed" / "adapter").exists()
        return
    ids = torch.arange(5, 25).unsqueeze(0)
    merged = AutoModelForCausalLM.from_pretrained(straight.model_dir)
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(decoder), tmp_path / "straight" / "adapter"
    )
    with torch.no_grad():
        assert torch.allclose(merged(ids).logits, adapted(ids).logits, atol=1e-4)


def test_progress_tells_accuracy_and_displacement(dataset, decoder, tmp_path):
    events = []
    train_dpo(config(decoder, max_steps=3), dataset, tmp_path / "run", events.append, never)
    progress = [event["metrics"] for event in events if event["event"] == "progress"]
    assert len(progress) == 3
    for name in ("reward_accuracy", "reward_margin", "logp_chosen", "logp_chosen_change"):
        assert name in progress[0]
    assert progress[0]["logp_chosen_change"] == pytest.approx(0, abs=1e-3)
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["rows"] == 10
    assert "exact KL" in metrics["test"]["drift"]["kl_estimator"]


def test_prompts_that_fill_the_context_are_shortened_not_dropped(decoder, tmp_path):
    rows = [{**row, "prompt": [{"role": "user", "content": "rice " * 200}]} for row in make_rows(8)]
    data = write_dataset(tmp_path / "data", rows, make_rows(2, start=1000))
    events = []
    train_dpo(config(decoder, max_steps=1), data, tmp_path / "run", events.append, never)
    counted = next(event for event in events if event["event"] == "data")
    assert counted["train_rows"] == 8
    assert counted["framing"]["prompts_truncated"] == 16


def test_log_probabilities_and_kl_equal_a_slow_computation(decoder):
    model = AutoModelForCausalLM.from_pretrained(decoder).eval()
    other = AutoModelForCausalLM.from_pretrained(decoder).eval()
    with torch.no_grad():
        other.get_input_embeddings().weight.mul_(1.5)
    framed = [Framed([5, 6, 7], [8, 9], False, False), Framed([10], [11, 12, 13], False, False)]
    options = {"pad_id": 0, "batch_size": 2, "should_stop": never}

    class Open:
        def __enter__(self):
            return other

        def __exit__(self, *error):
            return None

    logps = response_logps(model, framed, **options)
    kl = sequence_kl(model, Open, framed, **options)
    for row, one in enumerate(framed):
        logp_by_hand = kl_by_hand = 0.0
        for position in range(len(one.response_ids)):
            before = torch.tensor([one.prompt_ids + one.response_ids[:position]])
            with torch.no_grad():
                p = model(before).logits[0, -1].softmax(-1).double().numpy()
                q = other(before).logits[0, -1].softmax(-1).double().numpy()
            logp_by_hand += np.log(p[one.response_ids[position]])
            kl_by_hand += np.sum(p * np.log(p / q))
        assert logps[row] == pytest.approx(logp_by_hand, abs=1e-4)
        assert kl[row] == pytest.approx(kl_by_hand, abs=1e-4)
    assert sequence_kl(other, Open, framed, **options) == pytest.approx([0, 0], abs=1e-6)


def test_ties_need_a_loss_that_can_learn_from_them(dataset, decoder, tmp_path):
    with pytest.raises(ConfigError, match="loss ipo cannot learn from ties"):
        train_dpo(
            config(decoder, loss="ipo", tie_rule="half"), dataset, tmp_path / "run", ignore, never
        )


def test_an_encoder_is_no_policy(dataset, encoder, tmp_path):
    with pytest.raises(ModelError, match="looks at later tokens"):
        train_dpo(config(encoder), dataset, tmp_path / "run", ignore, never)


def test_a_stop_before_the_first_step_is_heard(dataset, decoder, tmp_path):
    result = train_dpo(config(decoder), dataset, tmp_path / "run", ignore, lambda: True)
    assert (result.status, result.global_step) == ("stopped", 0)
