"""Direct preference losses over lists of responses to one prompt."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.plackett_luce import plackett_luce_loss


@dataclass(frozen=True)
class ListLogps:
    """Summed log-probabilities (nats) of K responses given their prompt, and where they stand.

    logp_BK, ref_logp_BK: [B, K], finite everywhere. tier_BK: [B, K] integers, 0 the best tier,
    -1 where a list has no response. open_B: [B] booleans, whether the order within a tier is
    unknown rather than a tie. Raises ValueError for other shapes.
    """

    logp_BK: Tensor
    ref_logp_BK: Tensor
    tier_BK: Tensor
    open_B: Tensor

    def __post_init__(self) -> None:
        shape = self.logp_BK.shape
        if len(shape) != 2:
            raise ValueError(f"logp_BK: shape {tuple(shape)}, expected lists and places")
        for name, tensor, wanted in (
            ("ref_logp_BK", self.ref_logp_BK, shape),
            ("tier_BK", self.tier_BK, shape),
            ("open_B", self.open_B, shape[:1]),
        ):
            if tensor.shape != wanted:
                raise ValueError(f"{name}: shape {tuple(tensor.shape)}, expected {tuple(wanted)}")

    @property
    def logratio_BK(self) -> Tensor:
        return self.logp_BK - self.ref_logp_BK


def plackett_luce_dpo_loss(lists: ListLogps, *, beta: float, ranking_depth: int = 0) -> Tensor:
    """-log of the Plackett-Luce probability of the list under rewards beta log p / p_ref. [B].

    With two responses this is DPO. Source: Rafailov et al. 2023 (arXiv:2305.18290, appendix A.3);
    ties, open orders and depth as in `plackett_luce_loss`.
    """
    reward_BK = beta * lists.logratio_BK
    return plackett_luce_loss(reward_BK, lists.tier_BK, open_B=lists.open_B, depth=ranking_depth)


def lambda_loss(lists: ListLogps, *, beta: float) -> Tensor:
    """sum over pairs, i better than j, of -W_ij log s(s_i - s_j), s = beta log p / p_ref. [B].

    W_ij = |G_i - G_j| |1 / D(rank_i) - 1 / D(rank_j)| with G = 2^label - 1, D(r) = log(1 + r) and
    rank the place by s, without gradient: mistakes at the top of the policy's own order weigh
    most. A response's label is the share of its list's responses (itself included) that it beats,
    which is what the paper takes for rankings by people. Source: Liu et al. 2024 (LiPO-lambda,
    arXiv:2402.01878, equation 8; labels: section 5). Compared with Rax, by which the authors
    compute it (their algorithm 1): there a list of K counts K log 2 times as much, for the
    logarithm is that of base 2 and the weights are multiplied by K.
    """
    here_BK = lists.tier_BK >= 0
    score_BK = beta * lists.logratio_BK
    with torch.no_grad():
        order_BK = score_BK.masked_fill(~here_BK, -torch.inf).argsort(dim=1, descending=True)
        rank_BK = order_BK.argsort(dim=1).to(score_BK.dtype) + 1
        discount_BK = 1 / torch.log1p(rank_BK)
        both_BKK = here_BK.unsqueeze(2) & here_BK.unsqueeze(1)
        better_BKK = (lists.tier_BK.unsqueeze(2) < lists.tier_BK.unsqueeze(1)) & both_BKK
        beaten_BK = better_BKK.sum(2).to(score_BK.dtype)
        label_BK = beaten_BK / here_BK.sum(1, keepdim=True).clamp(min=1)
        gain_BK = 2**label_BK - 1
        weight_BKK = (_differences(gain_BK) * _differences(discount_BK)).abs() * better_BKK
    return -(weight_BKK * logsigmoid(_differences(score_BK))).sum((1, 2))


def _differences(value_BK: Tensor) -> Tensor:
    """[B, K, K] value_i - value_j."""
    return value_BK.unsqueeze(2) - value_BK.unsqueeze(1)
