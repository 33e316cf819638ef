"""Filters of training pairs, with real models and planted noise."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.recipes.conftest import ignore, make_rows, never, write_dataset
from training.data.framing import frame_for_policy
from training.data.pairs import read_pairs, read_splits
from training.recipes import filters
from training.recipes.config import RewardModelConfig
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import ConfigError, DatasetError
from training.recipes.reward_model import train_reward_model

FLIPPED = set(range(0, 120, 8))


def noisy(count=120):
    """Every eighth label is the wrong way round."""
    rows = make_rows(count)
    for row in rows:
        if row["id"] in FLIPPED:
            row["chosen"], row["rejected"] = row["rejected"], row["chosen"]
    return rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_dataset(tmp_path_factory.mktemp("noisy"), noisy(), make_rows(20, start=1000))


def reward_config(encoder, **other):
    return RewardModelConfig(
        base_model=str(encoder),
        method="frozen",
        max_length=64,
        prompt_tokens=16,
        l2=1.0,
        threads=1,
        **other,
    )


def filtered(config, folder, encoder, tmp_path):
    splits = read_splits(folder, tie_rule="drop")
    return filters.filter_pairs(
        config,
        splits,
        cache_path=tmp_path / "cache",
        report=ignore,
        should_stop=never,
        encoder=str(encoder),
        max_length=64,
        prompt_tokens=16,
    )


@pytest.mark.parametrize("rule", ["drop", "flip", "soften"])
def test_the_ensemble_finds_labels_that_are_the_wrong_way_round(encoder, folder, tmp_path, rule):
    config = reward_config(encoder, strength_rule=rule, strength_share=len(FLIPPED) / 120)
    found = filtered(config, folder, encoder, tmp_path)
    assert found.filtered["strength"]["agrees"] > 0.8
    good = sum(one.chosen.endswith("good") for one in found.train)
    if rule == "drop":
        assert found.dropped["low_strength"] == len(FLIPPED) == 120 - len(found.train)
        assert good >= 103  # of 105; 15 wrong ones went, or nearly
    elif rule == "flip":
        assert good >= 117
    else:
        soft = [one for one in found.train if one.label is not None]
        assert len(soft) == len(FLIPPED)
        assert np.mean([one.label for one in soft]) < 0.4
        assert sum(one.id in FLIPPED for one in soft) >= 13
    assert found.test == read_splits(folder, tie_rule="drop").test
    assert "low_strength" in found.dropped or rule != "drop"


def test_a_run_reports_what_its_filters_did(encoder, folder, tmp_path):
    config = reward_config(
        encoder, strength_rule="drop", strength_share=0.125, select_share=0.8, strength_members=3
    )
    run = train_reward_model(config, folder, tmp_path / "run", ignore, never)
    data = run.metrics["data"]
    assert data["dropped"]["low_strength"] == 15
    assert data["dropped"]["not_selected"] == 21
    assert data["train_rows"] == 84 == data["filters"]["selection"]["kept"]
    assert data["filters"]["strength"]["rule"] == "drop"
    json.dumps(data, allow_nan=False)
    plain = train_reward_model(reward_config(encoder), folder, tmp_path / "plain", ignore, never)
    assert plain.metrics["data"]["filters"] == {}
    better, noise = (one.metrics["test"]["log_loss"] for one in (run, plain))
    assert better < noise


def test_the_same_filter_gives_the_same_rows(encoder, folder, tmp_path):
    config = reward_config(encoder, strength_rule="flip", select_share=0.5, strength_members=2)
    first, second = (filtered(config, folder, encoder, tmp_path / name) for name in "ab")
    assert first.train == second.train


def test_selection_prefers_prompts_that_stand_alone(encoder, tmp_path):
    rows = make_rows(60)
    for row in rows[:40]:
        row["prompt"] = [{"role": "user", "content": "please tell me"}]
    folder = write_dataset(tmp_path / "data", rows, [])
    config = reward_config(encoder, select_share=0.5, diversity_weight=50.0, strength_members=2)
    found = filtered(config, folder, encoder, tmp_path)
    assert {one.id for one in found.train} >= set(range(40, 60))


def test_displacing_pairs_go(decoder, tmp_path):
    """Pairs whose responses are nearly the same have the highest scores."""
    rows = make_rows(24)
    alike = {row["id"] for row in rows[::4]}
    for row in rows:
        if row["id"] in alike:
            row["rejected"] = row["chosen"].replace("good", "bad")
    folder = write_dataset(tmp_path / "data", rows, make_rows(4, start=1000))
    config = DpoConfig(
        base_model=str(decoder),
        max_length=64,
        prompt_tokens=24,
        max_steps=1,
        sample_prompts=0,
        displacing_share=0.25,
        threads=1,
    )
    data = train_dpo(config, folder, tmp_path / "run", ignore, never).metrics["data"]
    assert (data["train_rows"], data["dropped"]["displacing"]) == (18, 6)
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    model = AutoModelForCausalLM.from_pretrained(decoder)
    scores = {}
    for pair in read_pairs(folder / "train.jsonl"):
        states_of = []
        for said in (pair.chosen, pair.rejected):
            one = frame_for_policy(tokenizer, pair.prompt, said, max_length=64, prompt_tokens=24)
            with torch.no_grad():
                states = model.model(torch.tensor([one.ids])).last_hidden_state[0]
            states_of.append(states[len(one.prompt_ids) - 1 : -1])
        chosen, rejected = states_of
        # Every state against every other, so that no length counts twice.
        across, within = (chosen @ rejected.T).mean(), (chosen @ chosen.T).mean()
        scores[pair.id] = float(across - within)
    highest_kept = sorted(scores.values())[17]
    assert data["filters"]["displacement"]["highest_kept"] == pytest.approx(highest_kept, rel=1e-3)


def test_soft_labels_reach_the_policy_s_loss(decoder, folder, tmp_path):
    config = DpoConfig(
        base_model=str(decoder),
        max_length=64,
        prompt_tokens=24,
        max_steps=1,
        sample_prompts=0,
        strength_rule="soften",
        strength_share=0.5,
        strength_members=2,
        threads=1,
    )
    data = train_dpo(config, folder, tmp_path / "run", ignore, never).metrics["data"]
    assert data["filters"]["strength"]["softened"] == 60
    assert data["train_rows"] == 120


def test_what_cannot_be_filtered_is_said(encoder, decoder, tmp_path):
    with pytest.raises(ConfigError, match=r"strength_rule .* drop or flip: loss ipo cannot"):
        DpoConfig(base_model="x", loss="ipo", strength_rule="soften")
    with pytest.raises(ConfigError, match="none for plackett_luce: filters are for pairs"):
        DpoConfig(base_model="x", loss="plackett_luce", strength_rule="drop")
    with pytest.raises(ConfigError, match=r"displacing_share .* 0.0 for kto: filters are for"):
        DpoConfig(base_model="x", loss="kto", displacing_share=0.1)
    with pytest.raises(ConfigError, match=r"select_share .* 1.0 for personal: filters are for"):
        RewardModelConfig(objective="personal", method="frozen", select_share=0.5)
    few = write_dataset(tmp_path / "few", make_rows(8), [])
    with pytest.raises(DatasetError, match="at least 10 training prompts; there are 4"):
        filtered(reward_config(encoder, select_share=0.5), few, encoder, tmp_path)
