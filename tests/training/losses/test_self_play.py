"""Self-play, against games small enough to be solved: one prompt, three responses."""

import itertools
import math

import pytest
import torch

from tests.training.losses.cases import log_sigmoid, one_pair, pairs, vector
from training.losses.dpo import sigmoid_loss
from training.losses.self_play import d2o_loss, geometric_mixture, inpo_loss, nash_md_loss

# How often the row's response beats the column's; not transitive.
WINS = torch.tensor([[0.5, 0.9, 0.2], [0.1, 0.5, 0.7], [0.8, 0.3, 0.5]], dtype=torch.float64)
REFERENCE = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
NOW = torch.tensor([0.6, 0.1, 0.3], dtype=torch.float64)


def table_pairs(logp, chosen, rejected):
    """The pair of two responses of the table, as a loss wants it."""
    one = one_pair(0.0, 0.0)
    values = {name: value for name, value in vars(one).items() if name != "divergence"}
    return type(one)(
        **{
            **values,
            "chosen_B": logp[chosen : chosen + 1],
            "rejected_B": logp[rejected : rejected + 1],
            "ref_chosen_B": NOW.log()[chosen : chosen + 1],
            "ref_rejected_B": NOW.log()[rejected : rejected + 1],
        }
    )


def test_inpo_by_hand():
    found = inpo_loss(pairs(), vector(0.3, 0.4), beta=0.5, root_share=0.4)
    # Gaps of the policy 2 and -2, of the policy before it 0.5 and 0.5; tau / eta = 0.4.
    expected = [(2 - 0.4 * 0.3 - 0.6 * 0.5 - 1) ** 2, (-2 - 0.4 * 0.4 - 0.6 * 0.5 - 1) ** 2]
    assert found.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("root", "share"), [((9.0, 9.0), 0.0), ((0.5, 0.5), 0.7)])
def test_inpo_is_ipo_on_sums_where_the_line_begins_or_the_root_does_not_count(root, share):
    found = inpo_loss(pairs(), vector(*root), beta=0.3, root_share=share)
    assert found.tolist() == pytest.approx([(1.5 - 1 / 0.6) ** 2, (-2.5 - 1 / 0.6) ** 2])


def test_inpo_is_minimal_at_the_mirror_descent_step():
    eta, tau = 0.7, 0.2
    beats_now = WINS @ NOW
    step = NOW ** (1 - tau / eta) * REFERENCE ** (tau / eta) * torch.exp(beats_now / eta)
    step = step / step.sum()

    def population(logits):
        logp = logits.log_softmax(0)
        total = torch.zeros((), dtype=torch.float64)
        for i, j in itertools.product(range(3), range(3)):
            for chosen, rejected, share in ((i, j, WINS[i, j]), (j, i, WINS[j, i])):
                gap = (REFERENCE[chosen].log() - REFERENCE[rejected].log()).reshape(1)
                options = {"beta": eta, "root_share": tau / eta}
                loss = inpo_loss(table_pairs(logp, chosen, rejected), gap, **options)
                total = total + NOW[i] * NOW[j] * share * loss.sum()
        return total

    logits = step.log().requires_grad_()
    (slope,) = torch.autograd.grad(population(logits), logits)
    assert slope.tolist() == pytest.approx([0, 0, 0], abs=1e-12)
    elsewhere = NOW.log().requires_grad_()
    (slope,) = torch.autograd.grad(population(elsewhere), elsewhere)
    assert slope.abs().max() > 0.01


def test_nash_md_follows_the_gradient_of_its_game():
    """Expected over the policy: d/dtheta of P(p beats mixture) - tau KL(p || p_ref)."""
    tau, share = 0.3, 0.4
    logits = NOW.log().requires_grad_()
    other = geometric_mixture(logits.detach(), REFERENCE.log(), share=share).exp()
    p = logits.softmax(0)
    value = p @ (WINS @ other) - tau * (p * (p.log() - REFERENCE.log())).sum()
    (wanted,) = torch.autograd.grad(value, logits)

    logp = logits.log_softmax(0)
    losses = nash_md_loss(logp, REFERENCE.log(), WINS @ other, beta=tau)
    (found,) = torch.autograd.grad((NOW * losses).sum(), logits)
    assert found.tolist() == pytest.approx((-wanted).tolist())


def test_following_nash_md_finds_the_regularised_equilibrium():
    """At the end nothing beats the policy by more than it pays in divergence."""
    tau, logits = 0.3, NOW.log().clone()
    for _ in range(2000):
        free = logits.clone().requires_grad_()
        other = geometric_mixture(free.detach(), REFERENCE.log(), share=0.1).exp()
        logp = free.log_softmax(0)
        loss = logp.detach().exp() * nash_md_loss(logp, REFERENCE.log(), WINS @ other, beta=tau)
        (slope,) = torch.autograd.grad(loss.sum(), free)
        logits = logits - 0.5 * slope
    p = logits.softmax(0)
    other = geometric_mixture(logits, REFERENCE.log(), share=0.1).exp()
    best = REFERENCE * torch.exp(WINS @ other / tau)
    assert p.tolist() == pytest.approx((best / best.sum()).tolist(), abs=1e-6)


def test_the_mixture_by_hand():
    mixed = NOW**0.6 * REFERENCE**0.4
    found = geometric_mixture(3 + NOW.log(), REFERENCE.log() - 2, share=0.4).exp()
    assert found.tolist() == pytest.approx((mixed / mixed.sum()).tolist())
    assert geometric_mixture(NOW.log(), REFERENCE.log(), share=0.0).exp().tolist() == (
        pytest.approx(NOW.tolist())
    )


def test_d2o_by_hand_and_as_dpo():
    own = torch.tensor([[1.0, 0.5, -0.3]], dtype=torch.float64)
    found = d2o_loss(own, vector(-0.7), beta=0.3, rejected_beta=0.2)
    assert found.item() == pytest.approx(-log_sigmoid(0.3 * 1.2 / 3 + 0.2 * 0.7))
    one = d2o_loss(
        pairs().chosen_logratio_B.unsqueeze(1),
        pairs().rejected_logratio_B,
        beta=0.3,
        rejected_beta=0.3,
    )
    assert one.tolist() == pytest.approx(sigmoid_loss(pairs(), beta=0.3).tolist())
    nothing = d2o_loss(own, vector(-0.7), beta=1e-12, rejected_beta=1e-12)
    assert nothing.item() == pytest.approx(math.log(2))


def test_gradients_are_those_of_finite_differences():
    own = torch.tensor([[1.0, 0.5], [-0.3, 0.1]], dtype=torch.float64).requires_grad_()
    bad = vector(-0.7, 0.4).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: d2o_loss(a, b, beta=0.3, rejected_beta=0.2), (own, bad)
    )

    def inpo(chosen_B):
        values = type(pairs())(**{**vars(pairs()), "chosen_B": chosen_B})
        return inpo_loss(values, vector(0.3, 0.4), beta=0.5, root_share=0.4)

    assert torch.autograd.gradcheck(inpo, (pairs().chosen_B.requires_grad_(),))
    mixed = torch.randn(2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(
        lambda x: geometric_mixture(x, mixed.flip(1), share=0.3), (mixed.requires_grad_(),)
    )


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match=r"expected \[B, K\] and \[B\]"):
        d2o_loss(vector(1.0), vector(1.0), beta=1, rejected_beta=1)
    with pytest.raises(ValueError, match="root_gap_B: shape"):
        inpo_loss(pairs(), vector(1.0), beta=1, root_share=1)
