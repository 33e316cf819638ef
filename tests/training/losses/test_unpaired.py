"""KTO and its kin."""

import pytest
import torch

from tests.training.losses.cases import pairs, sigmoid, vector
from training.losses.anchored import apo_zero_loss
from training.losses.unpaired import kto_loss, reference_point

GOOD = torch.tensor([True, False])


def test_kto_by_hand():
    found = kto_loss(
        vector(1.0, 1.5),
        GOOD,
        vector(0.4).squeeze(),
        beta=0.3,
        desirable_weight=2.0,
        undesirable_weight=0.5,
    )
    expected = [2.0 * (1 - sigmoid(0.3 * 0.6)), 0.5 * (1 - sigmoid(0.3 * -1.1))]
    assert found.tolist() == pytest.approx(expected)


def test_the_reference_point_is_a_divergence_without_gradient():
    ratios = vector(1.0, -0.2).requires_grad_()
    assert reference_point(ratios).item() == pytest.approx(0.4)
    assert reference_point(vector(-1.0, 0.5)).item() == 0
    assert not reference_point(ratios).requires_grad


def test_at_the_reference_every_response_costs_half_its_weight():
    zero = torch.zeros((), dtype=torch.float64)
    assert kto_loss(vector(0.0, 0.0), GOOD, zero, beta=0.3).tolist() == [0.5, 0.5]
    tiny = kto_loss(vector(5.0, -9.0), GOOD, zero, beta=1e-12)
    assert tiny.tolist() == pytest.approx([0.5, 0.5])


def test_good_and_bad_exchanged_mirror_each_other():
    zero = torch.zeros((), dtype=torch.float64)
    one = kto_loss(vector(0.7, -1.2), GOOD, zero, beta=0.3)
    other = kto_loss(vector(-0.7, 1.2), ~GOOD, zero, beta=0.3)
    assert one.tolist() == pytest.approx(other.tolist())


def test_without_a_reference_point_a_pair_is_apo_zero():
    values = pairs()
    zero = torch.zeros((), dtype=torch.float64)
    good = torch.tensor([True, True])
    chosen = kto_loss(values.chosen_logratio_B, good, zero, beta=0.3)
    rejected = kto_loss(values.rejected_logratio_B, ~good, zero, beta=0.3)
    assert (chosen + rejected).tolist() == pytest.approx(apo_zero_loss(values, beta=0.3).tolist())


def test_gradients_are_those_of_finite_differences():
    def of(ratio_B):
        return kto_loss(ratio_B, GOOD, vector(0.2).squeeze(), beta=0.3, undesirable_weight=1.3)

    ratio_B = vector(0.7, -1.2).requires_grad_()
    assert torch.autograd.gradcheck(of, (ratio_B,))
    (slope,) = torch.autograd.grad(of(ratio_B).sum(), ratio_B)
    assert slope[0] < 0 < slope[1]


def test_noise_is_the_expected_loss_under_flips_by_hand():
    found = kto_loss(
        *(vector(1.0, 1.5), GOOD, vector(0.4).squeeze()),
        **{"beta": 0.3, "desirable_weight": 2.0, "undesirable_weight": 0.5},
        noise_B=vector(0.1, 0.4),
    )
    good = [2.0 * (1 - sigmoid(0.3 * (r - 0.4))) for r in (1.0, 1.5)]
    bad = [0.5 * (1 - sigmoid(0.3 * (0.4 - r))) for r in (1.0, 1.5)]
    assert found.tolist() == pytest.approx(
        [0.9 * good[0] + 0.1 * bad[0], 0.6 * bad[1] + 0.4 * good[1]]
    )


@pytest.mark.parametrize("noise", [0.0, 0.2, 0.45, 0.5])
def test_over_flipped_labels_the_gradient_is_the_clean_one_times_its_precision(noise):
    """Averaged over the labels that noise makes of a good response."""
    zero = torch.zeros((), dtype=torch.float64)

    def slope(good, **more):
        ratio_B = vector(0.7).requires_grad_()
        loss_B = kto_loss(ratio_B, torch.tensor([good]), zero, beta=0.3, **more)
        return torch.autograd.grad(loss_B.sum(), ratio_B)[0].item()

    noisy = {"noise_B": vector(noise)}
    mean = (1 - noise) * slope(True, **noisy) + noise * slope(False, **noisy)
    assert mean == pytest.approx((1 - 2 * noise) ** 2 * slope(True), abs=1e-12)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="noise_B"):
        kto_loss(vector(0.1, 1.0), GOOD, torch.zeros(()), beta=0.1, noise_B=vector(0.1))
    with pytest.raises(ValueError, match="one vector"):
        kto_loss(vector(1.0), GOOD, torch.zeros(()), beta=0.1)
