"""Our losses over pairs beside TRL's, on the same batch and model."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig as TrlConfig
from trl import DPOTrainer
from trl.kernels.chunked_logprob import OPTIONAL_OUTPUTS
from trl.trainer.utils import add_fused_lm_head

from tests.training.losses import cases
from tests.training.recipes.conftest import never
from tests.training.recipes.dpo_cases import config, frame
from training.data.pairs import read_pairs
from training.losses import reference_free
from training.losses.registry import POLICY_LOSSES
from training.recipes.dpo_trainer import PairPolicyTrainer
from training.recipes.pair_batches import (
    SharedPromptCollator,
    WeightedPolicyCollator,
    preference_dataset,
)


@pytest.fixture
def pairs(dataset):
    return list(read_pairs(dataset / "train.jsonl"))


@pytest.fixture
def uneven_pairs(pairs):
    """Rejected longer in every second pair, chosen in the others."""
    return [
        replace(pair, rejected=pair.rejected + " rice rice good")
        if pair.id % 2
        else replace(pair, chosen=pair.chosen + " how")
        for pair in pairs
    ]


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
        use_weighting=settings.off_policy_weighting,
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


TRL_LOSSES = {name for name, loss in POLICY_LOSSES.items() if loss.takes == "pairs"} - {
    "inpo",
    "simpo",
    "orpo",
    "asft",
}


def both_losses(trainer, loss):
    """Ours and TRL's, of the same batch and model; the pairs are of unequal lengths.

    Ours is also that of the two responses behind one copy of their prompt.
    """
    rows = [trainer.train_dataset[row] for row in range(6)]
    batch = trainer.data_collator(rows)
    ours = trainer.compute_loss(trainer.model, dict(batch)).item()
    shared = SharedPromptCollator(trainer.processing_class.pad_token_id)(rows)
    assert shared["input_ids"].numel() < 0.9 * batch["input_ids"].numel()
    assert trainer.compute_loss(trainer.model, shared).item() == pytest.approx(ours, rel=1e-5)
    trainer.loss_types = [loss]
    return ours, trl_loss(trainer, batch)


def trl_loss(trainer, batch):
    """TRL's figures ask its head for more than our losses do."""
    add_fused_lm_head(trainer.model, outputs=("log_probs", *OPTIONAL_OUTPUTS))
    plain = {name: value for name, value in batch.items() if name not in ("weight", "target")}
    return trainer._compute_loss(trainer.model, plain, return_outputs=False).item()


@pytest.mark.parametrize("loss", sorted(TRL_LOSSES))
def test_losses_equal_trl(decoder, uneven_pairs, tmp_path, loss):
    smoothing = 0.2 if loss in ("robust", "exo_pair", "aot") else 0.0
    trainer = make_trainer(
        decoder, uneven_pairs, tmp_path, loss=loss, label_smoothing=smoothing, beta=0.7
    )
    ours, theirs = both_losses(trainer, loss)
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("loss", "divergence"),
    [
        ("sigmoid", "forward_kl"),
        ("sigmoid_norm", "js_divergence"),
        ("ipo", "alpha_divergence"),
        ("exo_pair", "js_divergence"),
    ],
)
def test_divergences_equal_trl(decoder, uneven_pairs, tmp_path, loss, divergence):
    smoothing = 0.1 if loss == "exo_pair" else 0.0
    trainer = make_trainer(
        decoder, uneven_pairs, tmp_path, loss=loss, divergence=divergence, label_smoothing=smoothing
    )
    trainer.f_divergence_type, trainer.f_alpha_divergence_coef = divergence, 0.5
    ours, theirs = both_losses(trainer, loss)
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("loss", ["sigmoid", "ipo", "apo_zero"])
def test_discounted_tails_equal_trl(decoder, uneven_pairs, tmp_path, loss):
    """LD-DPO, the reference's sums included: they are made before training."""
    trainer = make_trainer(decoder, uneven_pairs, tmp_path, loss=loss, tail_weight=0.3)
    trainer.ld_alpha = 0.3
    ours, theirs = both_losses(trainer, loss)
    assert ours == pytest.approx(theirs, rel=1e-5)
    batch = trainer.data_collator([trainer.train_dataset[row] for row in range(6)])
    kept = torch.cat([batch["ref_chosen_logps"], batch["ref_rejected_logps"]])
    reference = AutoModelForCausalLM.from_pretrained(decoder)
    trainer.model.load_state_dict(reference.state_dict())
    plain = {name: value for name, value in batch.items() if name not in ("weight", "target")}
    theirs = torch.cat(DPOTrainer.compute_ref_log_probs(trainer, trainer.model, plain))
    assert kept.tolist() == pytest.approx(theirs.tolist(), rel=1e-5)


def test_weights_by_likelihood_equal_trl(decoder, uneven_pairs, tmp_path):
    trainer = make_trainer(decoder, uneven_pairs, tmp_path, off_policy_weighting=True)
    ours, theirs = both_losses(trainer, "sigmoid")
    assert ours == pytest.approx(theirs, rel=1e-5)
    trainer.use_weighting = False
    assert abs(both_losses(trainer, "sigmoid")[1] / theirs - 1) > 0.01


def test_the_likelihood_term_equals_trl(decoder, pairs, tmp_path):
    trainer = make_trainer(decoder, pairs, tmp_path, sft_weight=0.5)
    batch = trainer.data_collator([trainer.train_dataset[0]])
    ours = trainer.compute_loss(trainer.model, dict(batch)).item()
    trainer.loss_types, trainer.loss_weights = ["sigmoid", "sft"], [1.0, 0.5]
    assert ours == pytest.approx(trl_loss(trainer, batch), rel=1e-5)


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


def test_without_a_reference_they_are_trl_s(monkeypatch):
    """Its trainers of these two are experimental: they may go, and this test with them."""
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")
    from trl.experimental.cpo import CPOTrainer
    from trl.experimental.orpo import ORPOTrainer

    given = cases.pairs()
    means = given.mean_chosen_B, given.mean_rejected_B
    here = SimpleNamespace(device="cpu")
    simpo = {"loss_type": "simpo", "simpo_gamma": 0.7, "alpha": 0.0, "label_smoothing": 0}
    trainer = SimpleNamespace(beta=2.0, accelerator=here, **simpo)
    theirs, *_ = CPOTrainer.cpo_loss(trainer, *means)
    ours = reference_free.simpo_loss(given, beta=2.0, target_margin=0.7)
    assert ours.tolist() == pytest.approx(theirs.tolist())

    log_odds, *_ = ORPOTrainer.odds_ratio_loss(SimpleNamespace(beta=0.3, accelerator=here), *means)
    ours = reference_free.orpo_loss(given, beta=0.3)
    assert ours.tolist() == pytest.approx((-means[0] - log_odds).tolist(), rel=1e-6)
