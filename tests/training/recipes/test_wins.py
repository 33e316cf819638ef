"""A policy's responses against those of its start, as a reward model sees them."""

import pytest
from transformers import AutoTokenizer

from tests.training.recipes import dpo_cases
from tests.training.recipes.conftest import ignore, never
from tests.training.recipes.test_reward_model import config as reward_config
from training.recipes.dpo import train_dpo
from training.recipes.reward_model import train_reward_model
from training.recipes.score import score_responses
from training.recipes.wins import WinJudge


@pytest.fixture
def judge(dataset, encoder, tmp_path):
    settings = reward_config(encoder, max_steps=5)
    made = train_reward_model(settings, dataset, tmp_path / "reward", ignore, never)
    return WinJudge(made.model_dir, "Reward model v3")


def test_the_higher_score_wins_and_equal_ones_count_half(decoder, judge):
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    prompts = [[{"role": "user", "content": f"tell me {n}"}] for n in range(3)]
    own, start = ["good", "bad good", "good"], ["bad", "good", "good"]
    ids = [[tokenizer(text)["input_ids"] for text in side] for side in (own, start)]
    found = judge.figures(tokenizer, prompts, *ids)
    read = [[tokenizer.decode(one, skip_special_tokens=True).strip() for one in s] for s in ids]
    scores = [score_responses(judge.folder, list(zip(prompts, side, strict=True))) for side in read]
    wins = [(a > b) + (a == b) / 2 for a, b in zip(*scores, strict=True)]
    assert wins[2] == 0.5
    assert found["win_rate"]["value"] == pytest.approx(sum(wins) / 3)
    assert found["win_rate"]["rows"] == 3
    assert found["win_rate_by"] == "Reward model v3"


def test_a_run_says_how_often_its_policy_wins(dataset, decoder, judge, tmp_path):
    settings = dpo_cases.config(decoder, max_steps=3, evaluate_every=0)
    run = train_dpo(settings, dataset, tmp_path / "run", ignore, never, judge=judge)
    drift = run.metrics["test"]["drift"]
    assert drift["win_rate"]["rows"] == drift["prompts"] == 4
    assert 0 <= drift["win_rate"]["value"] <= 1


def test_a_reward_model_that_is_gone_is_told(decoder, tmp_path):
    found = WinJudge(tmp_path / "gone", "Reward model v3").figures(None, [], [], [])
    assert "holds no reward.json" in found["win_rate_failure"]
