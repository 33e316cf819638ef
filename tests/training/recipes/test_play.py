"""Nash-MD: policies that play against themselves, judged by a reward model of people's pairs."""

from functools import partial

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.losses.cases import sigmoid
from tests.training.recipes.conftest import StopAfter, ignore, make_rows, never, write_dataset
from training.data.framing import Framed
from training.recipes import dpo
from training.recipes.config import TinyLmConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import ConfigError
from training.recipes.generate import generate_responses
from training.recipes.play import with_judge
from training.recipes.policy_figures import response_logps
from training.recipes.tiny_lm import pretrain_tiny_lm


def config(decoder, **other):
    values = {
        "base_model": str(decoder),
        "loss": "nash_md",
        "beta": 0.02,
        "max_length": 64,
        "prompt_tokens": 24,
        "batch_size": 8,
        "max_steps": 20,
        "learning_rate": 3e-3,
        "lora": False,
        "sample_prompts": 0,
        "own_samples": 4,
        "own_tokens": 10,
        "threads": 1,
        "precision": "fp32",
        "logging_steps": 1,
    }
    return DpoConfig(**{**values, **other})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("play")
    return write_dataset(folder, make_rows(40), make_rows(10, start=1000))


@pytest.fixture(autouse=True)
def small_judge(monkeypatch, encoder):
    monkeypatch.setattr(dpo, "with_judge", partial(with_judge, encoder=str(encoder)))


@pytest.fixture(scope="module")
def speaker(tmp_path_factory):
    """A small language model that has read good and bad responses alike."""
    settings = TinyLmConfig(
        vocab_size=300,
        hidden_size=32,
        layers=2,
        heads=2,
        context=128,
        max_length=64,
        prompt_tokens=24,
        epochs=8,
        learning_rate=5e-3,
        threads=1,
    )
    texts = [(row["prompt"], row[side]) for row in make_rows(60) for side in ("chosen", "rejected")]
    made = pretrain_tiny_lm(settings, texts, tmp_path_factory.mktemp("speaker"), ignore, never)
    return made.model_dir


def likings(name):
    """How often a model says good, and how often bad, in 60 responses."""
    prompts = [row["prompt"] for row in make_rows(60, start=1000)]
    said = generate_responses(name, prompts, max_new_tokens=14, report=ignore, should_stop=never)
    return sum("good" in text for text in said), sum("bad" in text for text in said)


def test_play_moves_to_what_the_judge_likes_and_a_tight_tie_holds_it(speaker, folder, tmp_path):
    options = {"own_tokens": 14, "learning_rate": 3e-3}
    free = train_dpo(config(speaker, **options), folder, tmp_path / "free", ignore, never)
    tight = config(speaker, **options, beta=5.0, max_steps=10)
    held = train_dpo(tight, folder, tmp_path / "held", ignore, never)
    data = free.metrics["data"]
    assert data["filters"]["self_play"]["judge_accuracy"] > 0.8
    assert data["filters"]["self_play"]["prompts"] == data["framing"]["sequences"] == 20
    good, bad = likings(speaker)
    good_after, bad_after = likings(free.model_dir)
    assert good_after - bad_after > good - bad + 20
    kl = [np.mean([h["kl_own"] for h in run.metrics["history"][5:]]) for run in (free, held)]
    assert kl[0] > 3 * abs(kl[1])
    assert all(0 < entry["win_rate"] < 1 for entry in free.metrics["history"])


def test_a_step_is_the_loss_of_what_was_drawn(decoder, encoder, folder, tmp_path, monkeypatch):
    """From the drawn ids alone: log-probabilities read apart, wins by the judge's scores."""
    trainers = []
    make = dpo.play_trainer

    def keep(*args, **kwargs):
        trainers.append(make(*args, **kwargs))
        return trainers[-1]

    monkeypatch.setattr(dpo, "play_trainer", keep)
    settings = config(decoder, max_steps=1, beta=0.3)
    train_dpo(settings, folder, tmp_path / "run", ignore, never)
    (trainer,) = trainers
    with torch.no_grad():  # away from the reference
        for value in trainer.model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    drawn = []
    draw = trainer._draw
    trainer._draw = lambda *a, **k: drawn.append((a[1], draw(*a, **k))) or drawn[-1][1]
    batch = trainer.data_collator([trainer.train_dataset[row] for row in (0, 3)])
    loss = trainer.compute_loss(trainer.model, batch).item()
    (ids, own), (_, others) = drawn
    assert len(own) == len(others) == 8
    texts = {
        name: [trainer.tokenizer.decode(new, skip_special_tokens=True).strip() for new in side]
        for name, side in (("own", own), ("others", others))
    }
    prompts = [trainer.prompts[row] for row in (0, 3) for _ in range(4)]
    scores = {
        name: trainer.judge.scores(list(zip(prompts, side, strict=True)))
        for name, side in texts.items()
    }
    framed = [Framed(p, new, False, False) for p, new in zip(ids, own, strict=True)]
    logps = [
        response_logps(model, framed, pad_id=0, batch_size=3, should_stop=never)
        for model in (trainer.model, AutoModelForCausalLM.from_pretrained(decoder))
    ]
    expected = [
        -ours * (sigmoid(a - b) - 0.5 - 0.3 * (ours - theirs))
        for ours, theirs, a, b in zip(*logps, scores["own"], scores["others"], strict=True)
    ]
    assert loss == pytest.approx(np.mean(expected), rel=1e-3)


def test_a_stopped_run_draws_what_a_straight_one_does(decoder, folder, tmp_path):
    settings = config(decoder, max_steps=4, lora=True, lora_rank=4, own_samples=2)
    straight = train_dpo(settings, folder, tmp_path / "straight", ignore, never)
    stop = StopAfter(2)
    stopped = train_dpo(settings, folder, tmp_path / "again", stop.report, stop)
    assert stopped.status == "stopped"
    assert 2 <= stopped.global_step < 4
    again = train_dpo(settings, folder, tmp_path / "again", ignore, never)
    first, second = (AutoModelForCausalLM.from_pretrained(r.model_dir) for r in (straight, again))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)
    # Reading the reference between steps, without the adapter, leaves the adapter in training.
    begun = AutoModelForCausalLM.from_pretrained(decoder)
    sides = zip(first.parameters(), begun.parameters(), strict=True)
    assert any(not torch.equal(one, other) for one, other in sides)


def test_a_line_whose_beginning_is_gone_is_refused(decoder, folder, tmp_path):
    with pytest.raises(ConfigError, match=r"loss is 'nash_md', and the model that this line of"):
        train_dpo(config(decoder), folder, tmp_path / "run", ignore, never, root_model=None)
