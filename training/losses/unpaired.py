"""Losses over single responses that somebody called good or bad."""

import torch
from torch import Tensor


def reference_point(mismatched_logratio_B: Tensor) -> Tensor:
    """max(0, mean log p / p_ref) over responses to other prompts: KTO's estimate of the KL. Scalar.

    Without gradient. Source: Ethayarajh et al. 2024 (KTO, arXiv:2402.01306, section 4.1), as in
    TRL.
    """
    return mismatched_logratio_B.detach().mean().clamp(min=0)


def kto_loss(
    logratio_B: Tensor,
    desirable_B: Tensor,
    reference_point: Tensor,
    *,
    beta: float,
    desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
    noise_B: Tensor | None = None,
) -> Tensor:
    """w_d (1 - s(beta (r - z))) for good responses, w_u (1 - s(beta (z - r))) for bad ones. [B].

    logratio_B: [B], log p / p_ref of each response, nats. desirable_B: [B] booleans.
    reference_point: z, a scalar; with z = 0 this is APO-zero, unpaired. The weights balance the
    two kinds: w_d n_d / (w_u n_u) from 1 to 4/3 is the authors' advice.

    noise_B: [B], the probability e that a label is wrong, 0 to 0.5: the loss is then the expected
    one, (1 - e) l(label) + e l(the other label). As l(label) + l(the other) is constant under equal
    weights, its gradient is that of the loss unbiased under flips (Natarajan et al. 2013, NeurIPS
    26, lemma 1) times (1 - 2e)^2, the inverse of that one's variance: rows fade where labels are
    coins, and none blows up.

    Raises ValueError for other shapes. Source: Ethayarajh et al. 2024 (KTO, arXiv:2402.01306,
    equation 7), less the constant lambda - weight.
    """
    if logratio_B.ndim != 1 or desirable_B.shape != logratio_B.shape:
        raise ValueError(
            f"logratio_B of shape {tuple(logratio_B.shape)} and desirable_B of shape "
            f"{tuple(desirable_B.shape)}; both must be one vector"
        )
    if noise_B is not None and noise_B.shape != logratio_B.shape:
        raise ValueError(
            f"logratio_B of shape {tuple(logratio_B.shape)} and noise_B of shape "
            f"{tuple(noise_B.shape)}; both must be one vector"
        )
    lift_B = beta * (logratio_B - reference_point)
    good_B = desirable_weight * torch.sigmoid(-lift_B)
    bad_B = undesirable_weight * torch.sigmoid(lift_B)
    loss_B, other_B = (
        torch.where(desirable_B, good_B, bad_B),
        torch.where(desirable_B, bad_B, good_B),
    )
    if noise_B is None:
        return loss_B
    noise_B = noise_B.to(logratio_B)
    return (1 - noise_B) * loss_B + noise_B * other_B
