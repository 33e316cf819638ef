"""Configurations: checked when made, and free of torch for the web process."""

import subprocess
import sys

import pytest

from training.recipes.config import RewardModelConfig, TinyLmConfig
from training.recipes.dpo_config import DpoConfig
from training.recipes.errors import ConfigError


def test_the_web_process_can_read_configurations_without_torch():
    code = (
        "import sys, training.recipes.dpo_config, training.recipes.result, training.data.pairs;"
        "bad = {'torch', 'transformers', 'trl', 'peft', 'datasets', 'sklearn', 'numpy'};"
        "sys.exit(', '.join(bad & set(sys.modules)) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RewardModelConfig(batch_size=0), r"batch_size is 0; it must be from 1 to 4096"),
        (lambda: RewardModelConfig(method="magic"), r"method is 'magic'; .* finetune, frozen"),
        (lambda: RewardModelConfig(max_length=32, prompt_tokens=30), r"room for the response"),
        (lambda: RewardModelConfig(tie_rule="keep"), r"one of drop, half"),
        (
            lambda: RewardModelConfig(objective="personal", ranking_depth=2),
            r"0 for personal, which does not learn from places",
        ),
        (lambda: DpoConfig(base_model=" "), r"a folder or a model id"),
        (lambda: DpoConfig(base_model="x", beta=0), r"beta is 0; it must be above 0"),
        (
            lambda: DpoConfig(base_model="x", loss="ipo", label_smoothing=0.1),
            r"0 for loss ipo, which would ignore it",
        ),
        (
            lambda: DpoConfig(base_model="x", loss="hinge", target_margin=1.0),
            r"0 for loss hinge, which would ignore it",
        ),
        (lambda: TinyLmConfig(hidden_size=100, heads=8), r"a multiple of 2 x heads = 16"),
        (lambda: RewardModelConfig.from_dict({"colour": 1}), r"has no field colour"),
        (lambda: DpoConfig.from_dict({}), r"base_model needs a value"),
        (lambda: RewardModelConfig.from_dict({"batch_size": "8"}), r"wrong type"),
    ],
)
def test_wrong_values_are_named(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_round_trip_through_plain_values():
    config = DpoConfig(base_model="somewhere", beta=0.3, tie_rule="half")
    assert DpoConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    "wish", [{"method": "frozen"}, {"method": "frozen", "objective": "ensemble"}]
)
def test_several_processes_are_refused_what_they_cannot_share(monkeypatch, wish):
    from training.recipes import runtime

    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="one process, for method 'frozen' fits a head at once"):
        runtime.prepare_process(RewardModelConfig(**wish))
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    with pytest.raises(ConfigError, match="without FSDP"):
        runtime.prepare_process(RewardModelConfig())


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"base_model": "tiny"}, "made within the run"),
        ({"loss": "aot"}, "rows of a batch"),
        ({"loss": "tdpo1"}, "loss 'tdpo1' reads the reference at every step"),
        ({"loss": "kto"}, "loss 'kto' compares the rows of a batch"),
        ({"loss": "inpo", "pairs_from": "best_worst"}, "its own samples"),
        ({"pairs_from": "best_worst"}, "pairs_from 'best_worst' it learns from its own samples"),
        ({"reference_sync_steps": 10, "lora": False}, "reads the reference at every step"),
        ({"displacing_share": 0.2}, "displacing_share"),
        ({"loss": "nash_md"}, "loss 'nash_md' and pairs_from 'people'"),
        ({"loss": "d2o"}, "its own samples"),
        ({"loss": "cut", "base_model": "tiny"}, "made within the run"),
    ],
)
def test_policies_that_need_more_than_their_own_pairs_are_worked_on_by_one(wish, reason):
    base = {"base_model": "somewhere"}
    assert DpoConfig(**base).shares_work
    for loss in ("simpo", "plackett_luce", "lambda", "cut", "hindsight", "c3po", "modpo"):
        assert DpoConfig(**base, loss=loss).shares_work
    alone = DpoConfig(**(base | wish))
    assert not alone.shares_work
    assert reason in alone.alone_because


def test_bf16_where_it_would_be_emulated_is_refused(monkeypatch):
    from training.recipes import runtime

    monkeypatch.setattr(runtime, "bf16_speedup", lambda: 0.0)
    assert runtime.resolve_precision(RewardModelConfig()) == "fp32"
    with pytest.raises(ConfigError, match="no bf16"):
        runtime.resolve_precision(RewardModelConfig(precision="bf16"))
    monkeypatch.setattr(runtime, "bf16_speedup", lambda: 1.8)
    assert runtime.resolve_precision(RewardModelConfig()) == "bf16"
