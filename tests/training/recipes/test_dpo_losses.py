"""Each loss trains a small model, and what it is meant to move moves on held-out prompts."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.training.recipes.conftest import ignore, make_rows, never, write_dataset
from training.data.changes import changed_tokens
from training.data.framing import frame_for_policy
from training.data.pairs import read_pairs
from training.losses.registry import POLICY_LOSSES
from training.losses.tokens import forward_kl
from training.recipes.dpo import train_dpo
from training.recipes.dpo_config import DpoConfig

SETTINGS = {
    "exo_pair": {"label_smoothing": 1e-3},
    "discopop": {"discopop_tau": 1.0},
    "sigmoid_norm": {"beta": 5.0},
    "simpo": {"beta": 2.0, "target_margin": 0.5},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    return write_dataset(folder / "data", make_rows(40), make_rows(10, start=1000)).parent


def train(decoder, folder, name, **other):
    config = DpoConfig(
        **{
            "base_model": str(decoder),
            "max_length": 64,
            "prompt_tokens": 24,
            "batch_size": 8,
            "max_steps": 60,
            "learning_rate": 3e-3,
            "lora": False,
            "sample_prompts": 0,
            "threads": 1,
            "precision": "fp32",
            **other,
        }
    )
    return train_dpo(config, folder / "data", folder / name, ignore, never)


@pytest.mark.parametrize(
    "loss",
    [name for name, loss in POLICY_LOSSES.items() if loss.of_pairs and not loss.own_pairs],
)
def test_the_right_quantity_moves(decoder, folder, loss):
    found = train(decoder, folder, loss, loss=loss, **SETTINGS.get(loss, {})).metrics
    test = found["test"]
    assert test["reward_accuracy"]["value"] >= 0.9
    chosen, rejected = test["logp_chosen_change"], test["logp_rejected_change"]
    assert chosen - rejected > 5
    first, last = found["history"][0]["loss"], found["history"][-1]["loss"]
    assert last < 0.75 * first
    if loss == "apo_down":
        assert chosen < -5
    elif loss in ("orpo", "asft"):
        assert chosen > 20  # fine-tuning on chosen is part of them
    elif loss == "sppo_hard":  # it asks for log-ratios of 1 / (2 beta) and no more
        assert (chosen, rejected) == pytest.approx((5, -5), abs=1.5)
    elif loss in ("apo_zero", "nca_pair", "bco_pair"):
        assert chosen > 3
        assert rejected < -3
    elif loss == "hinge":  # nothing is gained by a margin above 1
        assert test["reward_margin"] < 2.5
        assert last < 0.05


def test_a_rugged_loss_stays_beside_its_start(decoder, folder):
    """DiscoPOP at its published temperature falls into the hollow below 0, as its slope says."""
    test = train(decoder, folder, "hollow", loss="discopop").metrics["test"]
    assert test["reward_accuracy"]["value"] <= 0.1
    assert -0.3 < test["reward_margin"] < 0


def by_token(decoder, model_dir, folder):
    """Held-out (log-ratios, KL from the reference, changed) of each token of rejected."""
    tokenizer = AutoTokenizer.from_pretrained(decoder)
    policy, reference = (AutoModelForCausalLM.from_pretrained(m) for m in (model_dir, decoder))
    ratios, kls, changed = [], [], []
    for pair in read_pairs(folder / "data" / "test.jsonl"):
        chosen, rejected = (
            frame_for_policy(tokenizer, pair.prompt, text, max_length=64, prompt_tokens=24)
            for text in (pair.chosen, pair.rejected)
        )
        ids, start = torch.tensor([rejected.ids]), len(rejected.prompt_ids) - 1
        with torch.no_grad():
            ours, theirs = (model(ids).logits[:, start:-1] for model in (policy, reference))
        picked = torch.tensor(rejected.response_ids).view(1, -1, 1)
        ratio = ours.log_softmax(-1).gather(-1, picked) - theirs.log_softmax(-1).gather(-1, picked)
        ratios.append(ratio.flatten())
        kls.append(forward_kl(theirs, ours).flatten())
        marks = changed_tokens(chosen.response_ids, rejected.response_ids)[1]
        changed.append(torch.tensor(marks))
    return torch.cat(ratios), torch.cat(kls), torch.cat(changed).bool()


@pytest.fixture(scope="module")
def plain(decoder, folder):
    """DPO at the settings of the tests below."""
    return by_token(decoder, train(decoder, folder, "plain").model_dir, folder)


def test_tdpo_bounds_the_divergence_on_rejected(decoder, folder, plain):
    found = train(decoder, folder, "bounded", loss="tdpo2", tdpo_alpha=20.0)
    assert found.metrics["test"]["reward_accuracy"]["value"] >= 0.9
    _, kl, _ = by_token(decoder, found.model_dir, folder)
    assert kl.sum() < 0.8 * plain[1].sum()


@pytest.mark.parametrize(
    "values",
    [
        {"loss": "sparse", "unchanged_weight": 0.0},
        {"loss": "sigmoid_norm", "changed_weight": 5.0, "beta": 5.0},
    ],
)
def test_changed_tokens_carry_the_preference(decoder, folder, plain, values):
    """Rejected loses more at the tokens that chosen lacks than elsewhere, by more than in DPO."""

    def contrast(ratio, kl, changed):
        return (ratio[~changed].mean() - ratio[changed].mean()).item()

    found = train(decoder, folder, f"marked-{values['loss']}", **values)
    assert found.metrics["test"]["reward_accuracy"]["value"] >= 0.9
    assert contrast(*by_token(decoder, found.model_dir, folder)) > max(0, contrast(*plain)) + 0.5
