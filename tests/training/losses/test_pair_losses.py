"""Pair losses against worked values and against TRL's own."""

import math

import pytest
import torch
from torch.nn.functional import logsigmoid

from training.losses.bradley_terry import bradley_terry_loss, centering_loss
from training.losses.dpo import PAIR_LOSSES, PairLogps
from training.recipes.config import PAIR_LOSSES as NAMES

OPTIONS = {"beta": 0.3, "label_smoothing": 0.0, "target_margin": 0.0}


def pairs(target=1.0):
    def vector(*values):
        return torch.tensor(values, dtype=torch.float64)

    return PairLogps(
        chosen_B=vector(-10.0, -20.0),
        rejected_B=vector(-12.0, -18.0),
        ref_chosen_B=vector(-11.0, -19.0),
        ref_rejected_B=vector(-11.5, -19.5),
        chosen_tokens_B=vector(5.0, 8.0),
        rejected_tokens_B=vector(6.0, 4.0),
        target_B=vector(target, target),
    )


def log_sigmoid(value):
    return -math.log1p(math.exp(-value))


def test_every_configured_loss_exists():
    assert set(NAMES) == set(PAIR_LOSSES)


def test_bradley_terry_by_hand():
    loss_B = bradley_terry_loss(
        torch.tensor([1.0, 2.0]), torch.tensor([0.0, 3.0]), margin_B=torch.tensor([0.5, 0.0])
    )
    assert loss_B.tolist() == pytest.approx([-log_sigmoid(0.5), -log_sigmoid(-1.0)], abs=1e-6)


def test_a_tie_is_least_costly_at_equal_rewards():
    target_B = torch.tensor([0.5])
    at = {
        gap: bradley_terry_loss(torch.tensor([gap]), torch.tensor([0.0]), target_B=target_B).item()
        for gap in (-1.0, 0.0, 1.0)
    }
    assert at[0.0] == pytest.approx(math.log(2))
    assert at[-1.0] == pytest.approx(at[1.0])
    assert at[1.0] > at[0.0]


def test_bradley_terry_refuses_other_shapes():
    with pytest.raises(ValueError, match="shape"):
        bradley_terry_loss(torch.zeros(2), torch.zeros(2, 1))
    with pytest.raises(ValueError, match="int64"):
        bradley_terry_loss(torch.zeros(2, dtype=torch.int64), torch.zeros(2))


def test_centering_by_hand():
    assert centering_loss(torch.tensor([1.0]), torch.tensor([2.0])).tolist() == [9.0]


def test_dpo_by_hand():
    # Differences of log-ratios: (1 - -0.5) = 1.5 and (-1 - 1.5) = -2.5.
    expected = [-log_sigmoid(0.3 * 1.5), -log_sigmoid(0.3 * -2.5)]
    assert PAIR_LOSSES["sigmoid"](pairs(), **OPTIONS).tolist() == pytest.approx(expected)


def test_label_smoothing_mixes_both_directions():
    smooth = PAIR_LOSSES["sigmoid"](pairs(), **{**OPTIONS, "label_smoothing": 0.2})
    expected = -0.8 * log_sigmoid(0.45) - 0.2 * log_sigmoid(-0.45)
    assert smooth[0].item() == pytest.approx(expected)


def test_hinge_and_ipo_by_hand():
    assert PAIR_LOSSES["hinge"](pairs(), **OPTIONS).tolist() == pytest.approx([0.55, 1.75])
    first = (1 / 5 - -0.5 / 6 - 1 / 0.6) ** 2
    assert PAIR_LOSSES["ipo"](pairs(), **OPTIONS)[0].item() == pytest.approx(first)


def test_robust_is_unbiased_under_label_flips():
    def flipped(values):
        return PairLogps(
            chosen_B=values.rejected_B,
            rejected_B=values.chosen_B,
            ref_chosen_B=values.ref_rejected_B,
            ref_rejected_B=values.ref_chosen_B,
            chosen_tokens_B=values.rejected_tokens_B,
            rejected_tokens_B=values.chosen_tokens_B,
            target_B=values.target_B,
        )

    options = {**OPTIONS, "label_smoothing": 0.1}
    noisy = 0.9 * PAIR_LOSSES["robust"](pairs(), **options)
    noisy = noisy + 0.1 * PAIR_LOSSES["robust"](flipped(pairs()), **options)
    clean = PAIR_LOSSES["sigmoid"](pairs(), **OPTIONS)
    assert noisy.tolist() == pytest.approx(clean.tolist())


def test_simpo_ignores_the_reference():
    values = PAIR_LOSSES["simpo"](pairs(), beta=2.0, label_smoothing=0.0, target_margin=0.5)
    gap = 2 * (torch.tensor(-10 / 5) - torch.tensor(-12 / 6)) - 0.5
    assert values[0].item() == pytest.approx(-logsigmoid(gap).item())


def test_ragged_inputs_are_refused():
    with pytest.raises(ValueError, match="target_B"):
        PairLogps(*[torch.zeros(2)] * 6, target_B=torch.zeros(3))
