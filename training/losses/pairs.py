"""What losses over pairs are given: sequence log-probabilities, lengths and a soft target."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

LARGEST_EXPONENT = 80.0  # exp of more is infinite in float32


@dataclass(frozen=True)
class Divergence:
    """Which divergence ties the policy to its reference; it decides what a log-ratio is worth.

    The worth of u = p / p_ref is f'(u), up to a constant that every pair cancels: log u for
    reverse_kl (DPO), 1 - 1/u for forward_kl, log(2u / (1 + u)) for js_divergence, and
    (u^(alpha - 1) - 1) / (alpha - 1) for alpha_divergence, whose limit at alpha 1 is log u.
    Source: Wang et al. 2023 (arXiv:2309.16240, table 1; their alpha is 1 - alpha here, as in
    TRL).
    """

    name: str = "reverse_kl"
    alpha: float = 0.5

    def worth(self, logratio_B: Tensor) -> Tensor:
        """f'(exp(logratio)), elementwise. Raises ValueError for an unknown divergence."""
        if self.name == "reverse_kl":
            return logratio_B
        if self.name == "forward_kl":
            return 1 - torch.exp((-logratio_B).clamp(max=LARGEST_EXPONENT))
        if self.name == "js_divergence":
            return math.log(2) + logsigmoid(logratio_B)
        if self.name == "alpha_divergence":
            power = self.alpha - 1
            if abs(power) < 1e-6:
                return logratio_B
            return torch.expm1((power * logratio_B).clamp(max=LARGEST_EXPONENT)) / power
        raise ValueError(f"divergence {self.name!r} is not known")


REVERSE_KL = Divergence()


@dataclass(frozen=True)
class PairLogps:
    """Summed log-probabilities (nats) of each response given its prompt, and lengths in tokens.

    All [B]; `target_B` is the probability that chosen is better: 1, or 0.5 for a tie. Where
    tokens have weights, the sums are weighted and a length is the sum of its weights.
    Losses without a reference get zeros for it.
    `divergence` is what the losses over scores use; losses over log-ratios do not look at it.
    Raises ValueError for other ranks, shapes or dtypes.
    """

    chosen_B: Tensor
    rejected_B: Tensor
    ref_chosen_B: Tensor
    ref_rejected_B: Tensor
    chosen_tokens_B: Tensor
    rejected_tokens_B: Tensor
    target_B: Tensor
    divergence: Divergence = REVERSE_KL

    def __post_init__(self) -> None:
        shape = self.chosen_B.shape
        for name, tensor in vars(self).items():
            if not isinstance(tensor, Tensor):
                continue
            if tensor.ndim != 1 or tensor.shape != shape:
                raise ValueError(f"{name}: shape {tuple(tensor.shape)}, expected {tuple(shape)}")
            if not tensor.is_floating_point():
                raise ValueError(f"{name}: {tensor.dtype}, expected floating point")

    @property
    def chosen_logratio_B(self) -> Tensor:
        return self.chosen_B - self.ref_chosen_B

    @property
    def rejected_logratio_B(self) -> Tensor:
        return self.rejected_B - self.ref_rejected_B

    @property
    def gap_B(self) -> Tensor:
        """Difference of log-ratios: what DPO calls the implicit reward margin over beta."""
        return self.chosen_logratio_B - self.rejected_logratio_B

    @property
    def score_gap_B(self) -> Tensor:
        """As `gap_B`, each log-ratio at its worth under the divergence."""
        worth = self.divergence.worth
        return worth(self.chosen_logratio_B) - worth(self.rejected_logratio_B)

    @property
    def mean_score_gap_B(self) -> Tensor:
        """As `score_gap_B`, each worth divided by its response's length."""
        worth = self.divergence.worth
        return per_token(worth(self.chosen_logratio_B), self.chosen_tokens_B) - per_token(
            worth(self.rejected_logratio_B), self.rejected_tokens_B
        )

    @property
    def mean_chosen_B(self) -> Tensor:
        """Average log-probability of a token of chosen."""
        return per_token(self.chosen_B, self.chosen_tokens_B)

    @property
    def mean_rejected_B(self) -> Tensor:
        return per_token(self.rejected_B, self.rejected_tokens_B)


def per_token(sum_B: Tensor, tokens_B: Tensor) -> Tensor:
    """Sums over tokens as averages; an empty response keeps its sum of 0."""
    return sum_B / tokens_B.clamp(min=1)
