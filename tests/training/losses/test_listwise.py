"""Losses over lists, against sums over pairs and orders."""

import itertools
import math

import pytest
import torch

from tests.training.losses.cases import log_sigmoid, vector
from training.losses.listwise import ListLogps, lambda_loss, plackett_luce_dpo_loss

BETA = 0.4
LOSSES = [plackett_luce_dpo_loss, lambda_loss]


def lists(scores, tiers, *, is_open=False):
    """One list whose log-ratios are these; the reference gives -3, -4, ..."""
    reference = -3.0 - torch.arange(len(scores), dtype=torch.float64)
    return ListLogps(
        logp_BK=(vector(*scores) + reference).unsqueeze(0),
        ref_logp_BK=reference.unsqueeze(0),
        tier_BK=torch.tensor([tiers]),
        open_B=torch.tensor([is_open]),
    )


def test_a_full_order_by_hand():
    scores = [1.0, -0.5, 2.0]
    up = [math.exp(BETA * score) for score in scores]
    # The order is third, first, second.
    probability = up[2] / sum(up) * up[0] / (up[0] + up[1])
    found = plackett_luce_dpo_loss(lists(scores, [1, 2, 0]), beta=BETA)
    assert found.item() == pytest.approx(-math.log(probability))


def test_the_best_alone_by_hand():
    scores = [1.0, -0.5, 2.0]
    up = [math.exp(BETA * score) for score in scores]
    found = plackett_luce_dpo_loss(lists(scores, [1, 2, 0]), beta=BETA, ranking_depth=1)
    assert found.item() == pytest.approx(-math.log(up[2] / sum(up)))


def test_probabilities_of_all_orders_add_up():
    scores = [0.3, -1.0, 2.0, 0.9]
    total = sum(
        math.exp(-plackett_luce_dpo_loss(lists(scores, list(order)), beta=BETA).item())
        for order in itertools.permutations(range(4))
    )
    assert total == pytest.approx(1)


def test_two_responses_are_dpo():
    dpo = -log_sigmoid(BETA * (1.0 - -2.0))
    found = plackett_luce_dpo_loss(lists([1.0, -2.0], [0, 1]), beta=BETA)
    assert found.item() == pytest.approx(dpo)
    # LiPO weighs the only pair by its gain, 2^(1/2) - 2^0, and the discounts of the two places.
    weight = (math.sqrt(2) - 1) * (1 / math.log(2) - 1 / math.log(3))
    found = lambda_loss(lists([1.0, -2.0], [0, 1]), beta=BETA)
    assert found.item() == pytest.approx(weight * dpo)


@pytest.mark.parametrize("tiers", [[0, 1, 2, 3], [2, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
def test_lipo_by_hand(tiers):
    scores = [0.3, -1.0, 2.0, 0.9]
    rank = {0: 3, 1: 4, 2: 1, 3: 2}  # by score
    expected = 0.0
    for i, j in itertools.permutations(range(4), 2):
        if tiers[i] < tiers[j]:
            gains = [2 ** (sum(tiers[k] < tier for tier in tiers) / 4) - 1 for k in (i, j)]
            discounts = [1 / math.log(1 + rank[k]) for k in (i, j)]
            weight = abs(gains[0] - gains[1]) * abs(discounts[0] - discounts[1])
            expected -= weight * log_sigmoid(BETA * (scores[i] - scores[j]))
    found = lambda_loss(lists(scores, tiers), beta=BETA)
    assert found.item() == pytest.approx(expected)


@pytest.mark.parametrize("loss", LOSSES)
def test_places_that_a_list_does_not_fill_do_not_count(loss):
    short = loss(lists([0.3, -1.0, 2.0], [1, 2, 0]), beta=BETA)
    padded = loss(lists([0.3, -1.0, 2.0, 99.0], [1, 2, 0, -1]), beta=BETA)
    assert padded.item() == pytest.approx(short.item())


@pytest.mark.parametrize("loss", LOSSES)
def test_the_order_of_writing_does_not_count(loss):
    one = loss(lists([0.3, -1.0, 2.0], [1, 2, 0]), beta=BETA)
    other = loss(lists([2.0, 0.3, -1.0], [0, 1, 2]), beta=BETA)
    assert one.item() == pytest.approx(other.item())


@pytest.mark.parametrize("loss", LOSSES)
def test_gradients_are_those_of_finite_differences(loss):
    reference = -torch.rand(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    tiers = torch.tensor([[2, 0, 1, 0], [1, 0, 2, -1]])

    def of(logp_BK):
        return loss(ListLogps(logp_BK, reference, tiers, torch.tensor([False, True])), beta=BETA)

    logp_BK = torch.tensor([[-1.0, -2.5, -3.1, -0.2], [-4.0, -1.5, -2.2, -3.0]]).double()
    assert torch.autograd.gradcheck(of, (logp_BK.requires_grad_(),))
    (slope,) = torch.autograd.grad(of(logp_BK).sum(), logp_BK)
    assert (slope[0, 1] < 0) & (slope[0, 3] < 0) & (slope[0, 0] > 0)
    assert slope[1, 3] == 0


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="tier_BK: shape"):
        ListLogps(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 2), torch.zeros(2))
    with pytest.raises(ValueError, match="logp_BK: shape"):
        ListLogps(torch.zeros(2), torch.zeros(2), torch.zeros(2), torch.zeros(2))
