"""Losses over what the policy wrote itself: negatives alone, and play against itself."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.pairs import PairLogps


def d2o_loss(
    own_logratio_BK: Tensor, rejected_logratio_B: Tensor, *, beta: float, rejected_beta: float
) -> Tensor:
    """-log s(beta mean_k log p(y_k) / p_minus(y_k) - alpha log p(y_l) / p_plus(y_l)). [B].

    Bad responses alone are labelled; y_k are K of the model's own. own_logratio_BK: [B, K],
    against a reference that writes worse; rejected_logratio_B: [B], against one that writes
    better; the same reference may serve for both, and with K = 1 and alpha = beta it is DPO.
    `rejected_beta` is alpha. Source: Duan et al. 2024 (D2O, arXiv:2403.03419, equation 3).
    """
    if own_logratio_BK.ndim != 2 or rejected_logratio_B.shape != own_logratio_BK.shape[:1]:
        raise ValueError(
            f"own_logratio_BK: shape {tuple(own_logratio_BK.shape)}, rejected_logratio_B: shape "
            f"{tuple(rejected_logratio_B.shape)}; expected [B, K] and [B]"
        )
    return -logsigmoid(beta * own_logratio_BK.mean(1) - rejected_beta * rejected_logratio_B)


def inpo_loss(pairs: PairLogps, root_gap_B: Tensor, *, beta: float, root_share: float) -> Tensor:
    """(g - (tau / eta) g_root - (1 - tau / eta) g_t - 1 / (2 eta))^2. [B].

    g is log p(chosen) - log p(rejected): of the policy, of the reference of `pairs`, which is the
    policy p_t that wrote both responses, and (root_gap_B, [B]) of the model that p_t's line began
    with. eta is `beta`, tau / eta is `root_share`. Its minimiser over all pairs is one step of
    mirror descent, p_t^(1 - tau/eta) p_root^(tau/eta) exp(P(y beats p_t) / eta), towards the Nash
    equilibrium. Where the two models are one it is IPO on sums. Source: Zhang et al. 2024 (INPO,
    arXiv:2407.00617, equation 8).
    """
    if root_gap_B.shape != pairs.target_B.shape:
        raise ValueError(
            f"root_gap_B: shape {tuple(root_gap_B.shape)}, expected {tuple(pairs.target_B.shape)}"
        )
    gap_B = pairs.chosen_B - pairs.rejected_B
    previous_gap_B = pairs.ref_chosen_B - pairs.ref_rejected_B
    aim_B = root_share * root_gap_B + (1 - root_share) * previous_gap_B + 1 / (2 * beta)
    return (gap_B - aim_B) ** 2


def nash_md_loss(logp_B: Tensor, ref_logp_B: Tensor, win_B: Tensor, *, beta: float) -> Tensor:
    """-log p(y) sg(P(y beats y') - 1/2 - tau log p(y) / p_ref(y)): one Nash-MD-PG step. [B].

    y is drawn from the policy, y' from `geometric_mixture` of policy and reference, win_B is
    P(y beats y'); tau is `beta`. sg stops the gradient, so the gradient alone has a meaning.
    Source: Munos et al. 2023 (arXiv:2312.00886, section 7). TRL's trainer held each token to the
    reference by its own log-ratio alone; here, as in the paper, by that of the whole response.
    """
    advantage_B = win_B - 0.5 - beta * (logp_B - ref_logp_B)
    return -logp_B * advantage_B.detach()


def geometric_mixture(logits_BV: Tensor, ref_logits_BV: Tensor, *, share: float) -> Tensor:
    """[B, V] log-probabilities of the next token under p^(1 - share) p_ref^share, renormalised.

    Source: Munos et al. 2023 (arXiv:2312.00886, section 7), who mix token by token.
    """
    mixed_BV = (1 - share) * logits_BV.log_softmax(-1) + share * ref_logits_BV.log_softmax(-1)
    return torch.log_softmax(mixed_BV, dim=-1)
