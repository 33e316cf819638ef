"""Policies trained on pairs: resuming, what is published and measured."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from tests.training.recipes.conftest import StopAfter, ignore, make_rows, never, write_dataset
from tests.training.recipes.dpo_cases import config, frame
from training.data.framing import Framed
from training.data.pairs import read_pairs
from training.recipes import dpo, output
from training.recipes.dpo import train_dpo
from training.recipes.errors import ConfigError, ModelError, NonFiniteStatesError
from training.recipes.policy_figures import response_logps, sequence_kl


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


@pytest.mark.parametrize("root", ["", "another", None])
def test_implicit_rewards_count_from_the_beginning_of_the_line(dataset, decoder, tmp_path, root):
    settings = config(decoder, max_steps=2, lora=False, sample_prompts=1)
    if root:
        torch.manual_seed(9)
        other = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(decoder))
        other.save_pretrained(tmp_path / root)
        root = str(tmp_path / root)
    result = train_dpo(settings, dataset, tmp_path / "run", ignore, never, root_model=root)
    path = tmp_path / "run" / "test_scores.jsonl"
    assert path.exists() == (root is not None)
    if root is None:
        return
    decided = [pair for pair in read_pairs(dataset / "test.jsonl") if not pair.tie]
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    flat = [one for both in frame(tokenizer, decided) for one in both]
    policy, start = (
        response_logps(
            AutoModelForCausalLM.from_pretrained(folder),
            flat,
            pad_id=tokenizer.pad_token_id,
            batch_size=4,
            should_stop=never,
        )
        for folder in (result.model_dir, root or decoder)
    )
    rewards = settings.beta * (policy - start)
    rows = [json.loads(line) for line in path.open()]
    assert [row["id"] for row in rows] == [pair.id for pair in decided]
    assert [row["chosen"] for row in rows] == pytest.approx(rewards[::2], abs=1e-4)
    assert [row["rejected"] for row in rows] == pytest.approx(rewards[1::2], abs=1e-4)
    if not root:
        accuracy = np.mean([row["chosen"] > row["rejected"] for row in rows])
        assert accuracy == result.metrics["test"]["reward_accuracy"]["value"]


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


def test_ties_need_a_loss_that_can_learn_from_them(decoder):
    with pytest.raises(ConfigError, match="loss ipo cannot learn from ties"):
        config(decoder, loss="ipo", tie_rule="half")


def test_a_loss_over_whole_batches_refuses_weights(decoder, tmp_path):
    rows = [{**row, "weight": 1.0 + row["id"] % 2} for row in make_rows(8)]
    data = write_dataset(tmp_path / "data", rows, make_rows(2, start=1000))
    with pytest.raises(ConfigError, match=r"weigh from 1.0 to 2.0"):
        train_dpo(config(decoder, loss="aot"), data, tmp_path / "run", ignore, never)


@pytest.mark.parametrize("loss", ["tdpo1", "tdpo2", "sparse"])
def test_under_lora_tokens_are_compared_with_the_base(dataset, decoder, tmp_path, loss):
    settings = config(decoder, loss=loss, beta=0.5)
    splits = dpo._read(settings, dataset)
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    framed = dpo.frame_rows(tokenizer, settings, splits.train)
    output.claim(tmp_path / "run", settings, dataset="")
    trainer, _ = dpo._make_trainer(
        settings, splits, framed, tokenizer, tmp_path / "run", ignore, never
    )
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(4)])
    assert trainer.compute_loss(trainer.model, batch).item() == pytest.approx(np.log(2), rel=1e-4)
    trained = [value for value in trainer.model.parameters() if value.requires_grad]
    torch.manual_seed(0)
    with torch.no_grad():
        for value in trained:
            value.add_(0.3 * torch.randn_like(value))
    found = trainer.compute_loss(trainer.model, batch)
    found.backward()
    assert all(value.grad is not None for value in trained)

    base = AutoModelForCausalLM.from_pretrained(decoder)
    names = ("input_ids", "attention_mask")
    arguments = {name: batch[name] for name in names}
    with torch.no_grad():
        ours = trainer.model(**arguments).logits[:, :-1].log_softmax(-1)
        theirs = base(**arguments).logits[:, :-1].log_softmax(-1)
    mask = batch["completion_mask"][:, 1:].double()
    if loss == "sparse":
        mask = mask * (0.1 + 0.9 * batch["changed"][:, 1:])
    picked = batch["input_ids"][:, 1:, None]
    ratio = ((ours - theirs).gather(-1, picked).squeeze(-1) * mask).sum(1)
    kl = ((theirs.exp() * (theirs - ours)).sum(-1) * mask).sum(1)
    alpha = 0.5 if loss == "tdpo2" else 1.0
    logit = 0.5 * (ratio[:4] - ratio[4:] - alpha * (kl[4:] - kl[:4]))
    assert found.item() == pytest.approx(-logit.sigmoid().log().mean().item(), rel=1e-4)


def test_a_reference_that_moves(dataset, decoder, tmp_path):
    """Every 3 steps 0.25 of the way to the policy, kept in checkpoints, and felt in the loss."""
    settings = config(
        decoder, lora=False, learning_rate=3e-3, max_steps=8, logging_steps=1, precision="fp32",
        reference_sync_steps=3, reference_mixup=0.25, checkpoint_minutes=1e-6,
    )  # fmt: skip
    straight = train_dpo(settings, dataset, tmp_path / "straight", ignore, never)
    stop = StopAfter(4)
    stopped = train_dpo(settings, dataset, tmp_path / "resumed", stop.report, stop)
    step = stopped.global_step
    assert stopped.status == "stopped"
    assert 3 < step < 6
    saved = tmp_path / "resumed" / "checkpoints" / f"checkpoint-{step}"
    reference = load_file(saved / "reference.safetensors")
    start = dict(AutoModelForCausalLM.from_pretrained(decoder).named_parameters())
    assert set(reference) == set(start)
    moved = [name for name in start if not torch.equal(reference[name], start[name])]
    assert moved == list(start)

    resumed = train_dpo(settings, dataset, tmp_path / "resumed", ignore, never)
    ours = load_file(straight.model_dir / "model.safetensors")
    theirs = load_file(resumed.model_dir / "model.safetensors")
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)

    still = train_dpo(
        replace(settings, reference_sync_steps=0, reference_mixup=0.6),
        dataset, tmp_path / "still", ignore, never,
    )  # fmt: skip
    losses = [[entry["loss"] for entry in run.metrics["history"]] for run in (straight, still)]
    assert losses[0][:3] == pytest.approx(losses[1][:3], rel=1e-4)
    assert losses[0][3] > losses[1][3] + 1e-3  # the policy is nearer to where it is measured from


def test_the_clearest_pairs_come_first(decoder, tmp_path):
    rows = [{**row, "margin": 1.0 + row["id"] % 3} for row in make_rows(24)]
    data = write_dataset(tmp_path / "data", rows, make_rows(2, start=1000))
    settings = config(decoder, curriculum_stages=3, max_steps=6)
    splits = dpo._read(settings, data)
    framed = dpo.frame_rows(AutoTokenizer.from_pretrained(decoder), settings, splits.train)
    order = dpo._plan(settings, splits, framed, 6, shared=False)
    margins = [splits.train[row].margin for row in order]
    assert margins == [3.0] * 8 + [2.0] * 8 + [1.0] * 8
    write_dataset(tmp_path / "data", [*rows, *make_rows(1, start=100)], [])
    with pytest.raises(ConfigError, match="1 of 25 pairs say nothing"):
        train_dpo(settings, data, tmp_path / "run", ignore, never)


def test_an_encoder_is_no_policy(dataset, encoder, tmp_path):
    with pytest.raises(ModelError, match="looks at later tokens"):
        train_dpo(config(encoder), dataset, tmp_path / "run", ignore, never)


def test_a_base_of_infinite_weights_is_told_as_such(dataset, decoder, tmp_path):
    """And not as one that looks at later tokens, because NaN equals nothing."""
    broken = tmp_path / "broken"
    shutil.copytree(decoder, broken)
    tensors = load_file(broken / "model.safetensors")
    first = next(name for name, value in tensors.items() if value.ndim == 2)
    tensors[first].fill_(float("inf"))
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NonFiniteStatesError, match="NaN or infinite"):
        train_dpo(config(broken), dataset, tmp_path / "run", ignore, never)


def test_a_stop_before_the_first_step_is_heard(dataset, decoder, tmp_path):
    result = train_dpo(config(decoder), dataset, tmp_path / "run", ignore, lambda: True)
    assert (result.status, result.global_step) == ("stopped", 0)
