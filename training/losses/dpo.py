"""Direct preference losses over sequence log-probabilities; one function, one method.

All take `PairLogps` and return one loss a pair, in the method's own unit. Where a pair has a
soft target t (0.5 for a tie), a loss that is a log-likelihood mixes both directions; the others
refuse ties by way of `SOFT_TARGETS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


@dataclass(frozen=True)
class PairLogps:
    """Summed log-probabilities (nats) of each response given its prompt, and lengths in tokens.

    All [B]; `target_B` is the probability that chosen is better.
    """

    chosen_B: Tensor
    rejected_B: Tensor
    ref_chosen_B: Tensor
    ref_rejected_B: Tensor
    chosen_tokens_B: Tensor
    rejected_tokens_B: Tensor
    target_B: Tensor

    def __post_init__(self) -> None:
        shape = self.chosen_B.shape
        for name, tensor in vars(self).items():
            if tensor.ndim != 1 or tensor.shape != shape:
                raise ValueError(f"{name}: shape {tuple(tensor.shape)}, expected {tuple(shape)}")

    @property
    def chosen_logratio_B(self) -> Tensor:
        return self.chosen_B - self.ref_chosen_B

    @property
    def rejected_logratio_B(self) -> Tensor:
        return self.rejected_B - self.ref_rejected_B

    @property
    def gap_B(self) -> Tensor:
        return self.chosen_logratio_B - self.rejected_logratio_B


def sigmoid_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float, target_margin: float
) -> Tensor:
    """DPO, with conservative label smoothing and a target margin.

    -t' log s(beta d - m) - (1 - t') log s(-beta d - m), t' = t (1 - e) + (1 - t) e, d the
    difference of log-ratios. Source: Rafailov et al. 2023 (arXiv:2305.18290, equation 7);
    label smoothing: Mitchell 2023 (cDPO note, equation 3); target margin ("offset"): Amini et
    al. 2024 (arXiv:2402.10571, equation 6). TRL 1.16 ignores `label_smoothing` here.
    """
    smooth_B = pairs.target_B * (1 - label_smoothing) + (1 - pairs.target_B) * label_smoothing
    logit_B = beta * pairs.gap_B
    forward_B = logsigmoid(logit_B - target_margin)
    backward_B = logsigmoid(-logit_B - target_margin)
    return -smooth_B * forward_B - (1 - smooth_B) * backward_B


def hinge_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float, target_margin: float
) -> Tensor:
    """max(0, 1 - beta d). Source: Zhao et al. 2023 (SLiC-HF, arXiv:2305.10425); as a loss on
    normalised ratios: Liu et al. 2023 (RSO, arXiv:2309.06657, equation 9).
    """
    return torch.relu(1 - beta * pairs.gap_B)


def ipo_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float, target_margin: float
) -> Tensor:
    """(d - 1 / (2 beta))^2. Source: Azar et al. 2023 (arXiv:2310.12036, equation 17).

    Deviation: log-ratios are averaged over tokens, as TRL does with the authors' agreement.
    """
    gap_B = pairs.chosen_logratio_B / pairs.chosen_tokens_B.clamp(
        min=1
    ) - pairs.rejected_logratio_B / pairs.rejected_tokens_B.clamp(min=1)
    return (gap_B - 1 / (2 * beta)) ** 2


def robust_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float, target_margin: float
) -> Tensor:
    """(-(1 - e) log s(beta d) + e log s(-beta d)) / (1 - 2 e): unbiased when labels flip with
    probability e. Source: Chowdhury et al. 2024 (arXiv:2403.00409, equation 12).
    """
    logit_B = beta * pairs.gap_B
    kept_B = (1 - label_smoothing) * logsigmoid(logit_B)
    flipped_B = label_smoothing * logsigmoid(-logit_B)
    return (flipped_B - kept_B) / (1 - 2 * label_smoothing)


def simpo_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float, target_margin: float
) -> Tensor:
    """-log s(beta (l_c - l_r) - gamma) on average log-probabilities, without a reference.

    Source: Meng et al. 2024 (arXiv:2405.14734, equation 6); gamma is `target_margin`.
    """
    average_gap_B = pairs.chosen_B / pairs.chosen_tokens_B.clamp(
        min=1
    ) - pairs.rejected_B / pairs.rejected_tokens_B.clamp(min=1)
    logit_B = beta * average_gap_B
    forward_B = logsigmoid(logit_B - target_margin)
    backward_B = logsigmoid(-logit_B - target_margin)
    return -pairs.target_B * forward_B - (1 - pairs.target_B) * backward_B


PAIR_LOSSES: dict[str, Callable[..., Tensor]] = {
    "sigmoid": sigmoid_loss,
    "hinge": hinge_loss,
    "ipo": ipo_loss,
    "robust": robust_loss,
    "simpo": simpo_loss,
}

SOFT_TARGETS = frozenset({"sigmoid", "simpo"})
"""Losses that can learn from ties."""
