"""The loop's own settings must pass the same checks as anybody's."""

import pytest

from training.loop.plan import QUICK_DPO, QUICK_REWARD, LoopPlan
from training.services.configs import clean_config


@pytest.mark.parametrize(("recipe", "config"), [("reward_model", QUICK_REWARD), ("dpo", QUICK_DPO)])
def test_the_quick_settings_are_a_configuration(recipe, config):
    cleaned = clean_config(recipe=recipe, config=config)
    assert {name: cleaned[name] for name in config.keys() - {"data", "tiny"}} == {
        name: value for name, value in config.items() if name not in ("data", "tiny")
    }


def test_the_small_base_reads_at_least_what_the_policy_is_trained_on():
    """Beyond the length that the base was trained on its log-probabilities say nothing."""
    tiny = clean_config(recipe="dpo", config=QUICK_DPO)["tiny"]
    plan = LoopPlan()
    assert tiny["max_length"] >= QUICK_DPO["max_length"]
    assert tiny["context"] >= tiny["max_length"]
    assert QUICK_DPO["max_length"] - QUICK_DPO["prompt_tokens"] >= plan.max_new_tokens


def test_a_plan_without_a_round_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        LoopPlan(rounds=0)
