"""Values that published code gave on these numbers, run once beside ours."""

import math

import pytest
import torch

from tests.training.losses.cases import pairs, vector
from training.losses import reference_free
from training.losses.listwise import ListLogps, lambda_loss
from training.losses.self_play import nash_md_loss
from training.losses.tokens import ResponseTokens, forward_kl, sparse_loss


@pytest.mark.parametrize(
    ("loss", "options", "expected"),
    [
        # The authors' trainers; a token of chosen has -2 and -2.5, one of rejected -2 and -4.5.
        ("simpo_loss", {"beta": 2.0, "target_margin": 0.8}, [1.1711006659477, 0.0399533331624]),
        ("orpo_loss", {"beta": 0.3}, [2.2079441541679, 2.5355006833012]),
        # turbo-alignment, by other authors: those of ASFT have published none.
        ("asft_loss", {"beta": 0.3}, [2.6436240373606, 3.2533513486804]),
    ],
)
def test_losses_without_a_reference(loss, options, expected):
    found = getattr(reference_free, loss)(pairs(), **options)
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("scores", "tiers", "rax"),
    [
        ([0.8, -0.3, 1.4, 0.1], [0, 1, 2, 3], 2.113139863344933),
        ([2.0, 1.0, 3.0], [0, 1, 1], 0.9263921201911716),
        ([0.4, -0.2], [0, 1], 0.13376097973422876),
        ([0.5, 1.5, -1.0], [0, 0, 1], 0.05132078073216531),
    ],
)
def test_lipo_is_that_of_rax_but_for_a_factor_of_the_length(scores, tiers, rax):
    """`pairwise_logistic_loss` with `dcg_lambdaweight`, summed, as in LiPO's algorithm 1."""
    score_BK = vector(*scores).unsqueeze(0)
    lists = ListLogps(
        score_BK, torch.zeros_like(score_BK), torch.tensor([tiers]), torch.tensor([False])
    )
    found = lambda_loss(lists, beta=1.0).item()
    assert len(scores) * math.log(2) * found == pytest.approx(rax, rel=1e-12)


def _side(shift):
    place_BLV = torch.arange(24, dtype=torch.float64).reshape(2, 3, 4)
    logits_BLV, ref_BLV = torch.sin(place_BLV + shift), torch.cos(1.3 * place_BLV + shift)
    said_BL1 = torch.tensor([[0, 1, 2], [3, 0, 1]]).unsqueeze(2)
    return ResponseTokens(
        logp_BL=logits_BLV.log_softmax(2).gather(2, said_BL1).squeeze(2),
        ref_logp_BL=ref_BLV.log_softmax(2).gather(2, said_BL1).squeeze(2),
        kl_BL=forward_kl(ref_BLV, logits_BLV),
        mask_BL=torch.tensor([[1.0, 1, 1], [1, 1, 0]], dtype=torch.float64),
        changed_BL=torch.tensor([[1.0, 0, 1], [0, 1, 0]], dtype=torch.float64),
    )


def test_sparse_po_from_logits_on():
    """The authors' trainer with the same mask on rewards and divergences, and none learned."""
    found = sparse_loss(_side(0.0), _side(0.5), beta=0.4, unchanged_weight=0.1)
    assert found.tolist() == pytest.approx([0.785761774033154, 0.6646532434451786], rel=1e-12)


def test_nash_md_holds_the_whole_response_to_the_reference():
    """The slope at every token is beta times the response's log-ratio, less P - 1/2.

    TRL's trainer had the token's own log-ratio there; with one token a response both agree.
    """
    logp_BL = torch.tensor([[-1.0, -0.5], [-2.0, -0.1]], dtype=torch.float64, requires_grad=True)
    ref_BL = torch.tensor([[-0.7, -1.5], [-2.5, -0.3]], dtype=torch.float64)
    loss_B = nash_md_loss(logp_BL.sum(1), ref_BL.sum(1), vector(0.9, 0.3), beta=0.25)
    (slope_BL,) = torch.autograd.grad(loss_B.sum(), logp_BL)
    assert slope_BL.tolist() == [
        pytest.approx([0.25 * 0.7 - 0.4] * 2),
        pytest.approx([0.25 * 0.7 + 0.2] * 2),
    ]
