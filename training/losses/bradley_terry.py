"""Bradley-Terry losses for reward models."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def bradley_terry_loss(
    reward_chosen_B: Tensor,
    reward_rejected_B: Tensor,
    *,
    margin_B: Tensor | None = None,
    target_B: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of a preference under Bradley-Terry with a margin.

    loss = -t log s(r_c - r_r - m) - (1 - t) log s(r_r - r_c - m), s the logistic function.

    reward_chosen_B, reward_rejected_B: [B], rewards (logits).
    margin_B: [B], how far apart the rewards should be, in logits; 0 when omitted.
    target_B: [B], probability that chosen is better: 1 when omitted, 0.5 for a tie.
    Returns [B], nats. Raises ValueError for other ranks or shapes.

    Source: Stiennon et al. 2020 (arXiv:2009.01325, section 3.4); margin: Touvron et al. 2023
    (arXiv:2307.09288, equation 2); soft targets: Wang et al. 2024 (arXiv:2401.06080).
    Deviation: with a soft target the margin is asked for on both sides, so a tie wants none:
    callers give ties a margin of 0.
    """
    _require_vectors(reward_chosen_B, reward_rejected_B, margin_B, target_B)
    gap_B = reward_chosen_B - reward_rejected_B
    margin_B = torch.zeros_like(gap_B) if margin_B is None else margin_B
    target_B = torch.ones_like(gap_B) if target_B is None else target_B
    return -target_B * logsigmoid(gap_B - margin_B) - (1 - target_B) * logsigmoid(-gap_B - margin_B)


def centering_loss(reward_chosen_B: Tensor, reward_rejected_B: Tensor) -> Tensor:
    """(r_c + r_r)^2: pulls rewards to zero mean, which Bradley-Terry leaves free.

    Returns [B]. Source: Eisenstein et al. 2023 (arXiv:2312.09244, section 2).
    """
    _require_vectors(reward_chosen_B, reward_rejected_B)
    return (reward_chosen_B + reward_rejected_B) ** 2


def _require_vectors(first: Tensor, *others: Tensor | None) -> None:
    for tensor in (first, *others):
        if tensor is None:
            continue
        if tensor.ndim != 1 or tensor.shape != first.shape or not tensor.is_floating_point():
            raise ValueError(
                f"expected floating-point vectors of shape {tuple(first.shape)}, "
                f"got {tensor.dtype} of shape {tuple(tensor.shape)}"
            )
