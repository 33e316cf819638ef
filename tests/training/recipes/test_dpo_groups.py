"""Policies trained on lists and on votes."""

import itertools
import math
import random

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.training.data.judgements import judgement, write_judgements
from tests.training.losses.cases import sigmoid
from tests.training.recipes.conftest import WORDS, StopAfter, ignore, never
from training.data.framing import Framed
from training.recipes import dpo, output
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import DatasetError
from training.recipes.policy_figures import response_logps, vote_figures


def rankings(count, start=0):
    """Three responses: that with good stands first, then plain ones, then those with bad."""
    rng = random.Random(start)
    rows = []
    for number in range(start + 1, start + count + 1):
        filler = " ".join(rng.choice(WORDS[:7]) for _ in range(5))
        texts = {1: f"{filler} good", 2: filler, 3: f"bad {filler}"}
        texts = dict(rng.sample(list(texts.items()), 3))
        value = {"verdict": "full", "tiers": [[1], [2], [3]]}
        rows.append(judgement(number, "ranking", value, texts))
    return rows


def ratings(count, start=0):
    """Each judgement rates one response: 5 with good, 1 with bad."""
    rng = random.Random(start)
    rows = []
    for number in range(start + 1, start + count + 1):
        filler = " ".join(rng.choice(WORDS[:7]) for _ in range(5))
        good = number % 2 == 0
        value = {
            "ratings": {"1": {"overall": 5 if good else 1}},
            "overall": "overall",
            "scales": {"overall": [1, 5]},
        }
        text = f"{filler} good" if good else f"bad {filler}"
        rows.append(judgement(number, "rating", value, {1: text}))
    return rows


def config(base, **other):
    values = {
        "base_model": str(base),
        "max_length": 64,
        "prompt_tokens": 24,
        "batch_size": 8,
        "max_steps": 60,
        "learning_rate": 3e-3,
        "lora": False,
        "sample_prompts": 2,
        "sample_tokens": 4,
        "threads": 1,
        "precision": "fp32",
    }
    return DpoConfig(**{**values, **other})


@pytest.fixture
def ranked(tmp_path):
    return write_judgements(tmp_path / "data", rankings(40), rankings(8, start=1000))


@pytest.fixture
def voted(tmp_path):
    return write_judgements(tmp_path / "data", ratings(40), ratings(8, start=1000))


@pytest.mark.parametrize("loss", ["plackett_luce", "lambda"])
def test_lists_teach_their_order(decoder, ranked, tmp_path, loss):
    found = train_dpo(config(decoder, loss=loss), ranked, tmp_path / "run", ignore, never)
    test = found.metrics["test"]
    assert test["rows"] == 24  # three pairs of each of eight lists
    assert test["reward_accuracy"]["value"] >= 0.9
    assert test["drift"]["kl"] > 0
    history = found.metrics["history"]
    assert history[0]["reward_margin"] == pytest.approx(0, abs=1e-3)
    assert history[-1]["reward_margin"] > 1
    assert history[-1]["loss"] < 0.75 * history[0]["loss"]


def test_votes_move_good_responses_up_and_bad_ones_down(decoder, voted, tmp_path):
    found = train_dpo(config(decoder, loss="kto"), voted, tmp_path / "run", ignore, never)
    test = found.metrics["test"]
    assert test["rows"] == 0  # one response a prompt makes no pair
    assert (test["votes"]["good"], test["votes"]["bad"]) == (4, 4)
    assert test["votes"]["separation"] >= 0.9
    assert test["votes"]["logp_good_change"] > test["votes"]["logp_bad_change"] + 3
    history = found.metrics["history"]
    assert history[-1]["reward_good"] > history[-1]["reward_bad"] + 0.5
    assert all(entry["kl"] >= 0 for entry in history)


def test_a_stopped_run_on_lists_goes_on_as_if_nothing_had_been(decoder, ranked, tmp_path):
    settings = config(decoder, loss="plackett_luce", lora=True, max_steps=8, learning_rate=1e-2)
    straight = train_dpo(settings, ranked, tmp_path / "straight", ignore, never)
    stop = StopAfter(3)
    stopped = train_dpo(settings, ranked, tmp_path / "again", stop.report, stop)
    assert stopped.status == "stopped"
    again = train_dpo(settings, ranked, tmp_path / "again", ignore, never)
    first, second = (AutoModelForCausalLM.from_pretrained(r.model_dir) for r in (straight, again))
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def make_trainer(decoder, folder, tmp_path, **other):
    settings = config(decoder, **other)
    splits = dpo._read(settings, folder)
    tokenizer = dpo.load_tokenizer(str(decoder))
    framed = dpo.frame_rows(tokenizer, settings, splits.train)
    output.claim(tmp_path / "run", settings, dataset=splits.fingerprint)
    trainer, _ = dpo._make_trainer(
        settings, splits, framed, tokenizer, tmp_path / "run", ignore, never
    )
    torch.manual_seed(1)
    with torch.no_grad():
        for value in trainer.model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    return trainer, splits, framed


def logratios(decoder, model, framed):
    options = {"pad_id": 0, "batch_size": 4, "should_stop": never}
    reference = AutoModelForCausalLM.from_pretrained(decoder)
    return response_logps(model, framed, **options) - response_logps(reference, framed, **options)


def test_the_loss_of_a_batch_of_lists_is_that_of_its_pairs_and_orders(decoder, ranked, tmp_path):
    trainer, splits, framed = make_trainer(decoder, ranked, tmp_path, loss="plackett_luce")
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(3)])
    found = trainer.compute_loss(trainer.model, batch).item()
    expected = 0.0
    for one, group in zip(splits.train[:3], framed[:3], strict=True):
        rewards = 0.1 * logratios(decoder, trainer.model, group)
        best, middle, last = (rewards[one.tiers.index(tier)] for tier in range(3))
        expected += math.log(sum(math.exp(r - best) for r in (best, middle, last)))
        expected += math.log(1 + math.exp(last - middle))
    assert found == pytest.approx(expected / 3, rel=1e-4)


def test_the_reference_point_comes_from_responses_to_other_prompts(decoder, voted, tmp_path):
    trainer, splits, framed = make_trainer(decoder, voted, tmp_path, loss="kto", beta=0.5)
    rows = [trainer.train_dataset[row] for row in range(6)]
    found = trainer.compute_loss(trainer.model, trainer.data_collator(rows)).item()
    said = [vote_framed[0].response_ids for vote_framed in framed]
    other = [Framed(row["prompts"][1], row["responses"][1], False, False) for row in rows]
    for row, own in zip(rows, said, strict=False):
        assert row["responses"][0] == own
        assert row["responses"][1] in said
        assert row["prompts"][0] == row["prompts"][1]
    point = max(0.0, logratios(decoder, trainer.model, other).mean())
    own = logratios(decoder, trainer.model, [one[0] for one in framed[:6]])
    signs = [1 if vote.desirable else -1 for vote in splits.train[:6]]
    losses = [1 - sigmoid(0.5 * s * (r - point)) for s, r in zip(signs, own, strict=True)]
    assert found == pytest.approx(np.mean(losses), rel=1e-4)


def test_what_cannot_be_learned_from_is_said(decoder, tmp_path):
    tied = [{**row, "value": {"verdict": "full", "tiers": [[1, 2, 3]]}} for row in rankings(3)]
    cases = [
        ("plackett_luce", tied, "3 judgements hold no list"),
        ("kto", ratings(5)[1::2], "2 good and 0 bad; both are needed"),
        ("kto", [{**row, "prompt_id": 1} for row in ratings(4)], "All votes are on one prompt"),
    ]
    for number, (loss, rows, message) in enumerate(cases):
        folder = write_judgements(tmp_path / str(number), rows)
        with pytest.raises(DatasetError, match=message):
            train_dpo(config(decoder, loss=loss), folder, tmp_path / "run", ignore, never)


def test_separation_is_the_share_of_pairs_in_order():
    ratio, good = np.array([2.0, 0.0, 1.0, 0.0]), np.array([True, True, False, False])
    pairs = itertools.product(ratio[good], ratio[~good])
    share = np.mean([1.0 if up > down else 0.5 if up == down else 0.0 for up, down in pairs])
    found = vote_figures(ratio, good)
    assert found["separation"] == pytest.approx(share)
    assert (found["logp_good_change"], found["logp_bad_change"]) == (1.0, 0.5)
    assert vote_figures(ratio[:2], good[:2])["separation"] is None
