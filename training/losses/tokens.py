"""Log-probabilities of single tokens: weighted sums over them, and losses that need each one."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def token_weights(
    mask_BL: Tensor,
    *,
    changed_BL: Tensor | None = None,
    changed_weight: float = 1.0,
    longest_B: Tensor | None = None,
    tail_weight: float = 1.0,
) -> Tensor:
    """[B, L] weight of each token's log-probability in its response's sum; 0 where mask is 0.

    mask_BL: 1 at tokens of the response. changed_BL: 1 where a token differs from the other
    response; such tokens weigh `changed_weight` (gamma of dense DPO, Yu et al. 2023, RLHF-V,
    arXiv:2312.00849, equation 3). longest_B: [B], the response's tokens beyond this many weigh
    `tail_weight` (alpha of LD-DPO, Liu et al. 2024, arXiv:2409.06411: the shorter response's
    length for both).
    """
    if mask_BL.ndim != 2:
        raise ValueError(f"mask_BL has {mask_BL.ndim} dimensions; it needs rows and positions")
    weight_BL = mask_BL.clone()
    if changed_BL is not None:
        weight_BL = weight_BL * (1 + (changed_weight - 1) * changed_BL)
    if longest_B is not None:
        tail_BL = mask_BL.cumsum(1) > longest_B.unsqueeze(1)
        weight_BL = torch.where(tail_BL, tail_weight * weight_BL, weight_BL)
    return weight_BL


def shorter_length(mask_BL: Tensor) -> Tensor:
    """[2B] the shorter one's tokens of each pair, for rows that are all chosen, then rejected."""
    tokens_B = mask_BL.sum(1)
    chosen_B, rejected_B = tokens_B.chunk(2)
    return torch.minimum(chosen_B, rejected_B).repeat(2)


def on_policy_weight(logp_BL: Tensor, log_sum_sq_BL: Tensor, mask_BL: Tensor) -> Tensor:
    """[B] geometric mean over tokens of p(token) / sum_v p(v)^2, without gradient.

    Near 1 where the policy would write the response itself. log_sum_sq_BL: log of the sum of
    squared probabilities over the vocabulary. A pair weighs the product of its two. Source: Zhou
    et al. 2024 (WPO, arXiv:2406.11827, equation 2, with sampled alignment), as in TRL.
    """
    with torch.no_grad():
        aligned_BL = (logp_BL - log_sum_sq_BL) * mask_BL
        return torch.exp(aligned_BL.sum(1) / mask_BL.sum(1).clamp(min=1))


@dataclass(frozen=True)
class ResponseTokens:
    """One side of the pairs, position by position; all [B, L].

    logp_BL, ref_logp_BL: log-probability (nats) of each token. kl_BL: KL(reference || policy)
    over the vocabulary at each position. mask_BL: 1 at tokens of the response, 0 elsewhere.
    changed_BL: 1 at tokens that the other response lacks, or all 0 where nobody looked.
    Raises ValueError for other ranks, shapes or dtypes.
    """

    logp_BL: Tensor
    ref_logp_BL: Tensor
    kl_BL: Tensor
    mask_BL: Tensor
    changed_BL: Tensor

    def __post_init__(self) -> None:
        shape = self.logp_BL.shape
        for name, tensor in vars(self).items():
            if tensor.ndim != 2 or tensor.shape != shape or not tensor.is_floating_point():
                raise ValueError(
                    f"{name}: {tensor.dtype} of shape {tuple(tensor.shape)}, expected floating "
                    f"point of shape {tuple(shape)} with rows and positions"
                )

    def logratio_B(self, weight_BL: Tensor | None = None) -> Tensor:
        """[B] sum of weights times log p / p_ref over the response."""
        weight_BL = self.mask_BL if weight_BL is None else weight_BL
        return ((self.logp_BL - self.ref_logp_BL) * weight_BL).sum(1)

    def kl_B(self, weight_BL: Tensor | None = None) -> Tensor:
        """[B] sum of weights times KL over the response: TDPO's sequential KL divergence."""
        weight_BL = self.mask_BL if weight_BL is None else weight_BL
        return (self.kl_BL * weight_BL).sum(1)


def forward_kl(ref_logits_BLV: Tensor, logits_BLV: Tensor) -> Tensor:
    """[B, L] KL(reference || policy) over the vocabulary, nats; gradient to the policy's logits."""
    ref_logps_BLV = ref_logits_BLV.log_softmax(-1)
    return (ref_logps_BLV.exp() * (ref_logps_BLV - logits_BLV.log_softmax(-1))).sum(-1)


def tdpo1_loss(chosen: ResponseTokens, rejected: ResponseTokens, *, beta: float) -> Tensor:
    """-log s(beta (u_c - u_r - (D_r - D_c))), u the log-ratio, D the sequential KL. [B].

    Source: Zeng et al. 2024 (TDPO, arXiv:2404.11999, TDPO1: the likelihood of theorem 4.5),
    D = sum_t KL(p_ref || p), as in the authors' code (`tdpo_loss` of `trainers.py`). The loss's
    equation number could not be looked up.
    """
    gap_B = chosen.logratio_B() - rejected.logratio_B()
    return -logsigmoid(beta * (gap_B - (rejected.kl_B() - chosen.kl_B())))


def tdpo2_loss(
    chosen: ResponseTokens, rejected: ResponseTokens, *, beta: float, tdpo_alpha: float
) -> Tensor:
    """-log s(beta (u_c - u_r - alpha (D_r - sg(D_c)))): TDPO1, without raising D of chosen. [B].

    sg stops the gradient. Source: as `tdpo1_loss`, TDPO2 (`if_tdpo2`), alpha 0.5 in that code.
    """
    gap_B = chosen.logratio_B() - rejected.logratio_B()
    drift_B = rejected.kl_B() - chosen.kl_B().detach()
    return -logsigmoid(beta * (gap_B - tdpo_alpha * drift_B))


def sparse_loss(
    chosen: ResponseTokens, rejected: ResponseTokens, *, beta: float, unchanged_weight: float
) -> Tensor:
    """TDPO1 with masked rewards and divergences: token t counts as much as its mask says. [B].

    The mask is 1 at changed tokens and `unchanged_weight` at the others. Source: Christopoulou
    et al. 2024 (SparsePO, arXiv:2410.05102). Compared with the authors' trainer. Deviation: their
    masks come from the model, or are learned, and then cost their sum; these are given, the same
    one for rewards and divergences.
    """
    weight_c_BL, weight_r_BL = (
        side.mask_BL * (side.changed_BL + unchanged_weight * (1 - side.changed_BL))
        for side in (chosen, rejected)
    )
    gap_B = chosen.logratio_B(weight_c_BL) - rejected.logratio_B(weight_r_BL)
    drift_B = rejected.kl_B(weight_r_BL) - chosen.kl_B(weight_c_BL)
    return -logsigmoid(beta * (gap_B - drift_B))
