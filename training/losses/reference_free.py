"""Pair losses without a reference model: one model in memory, one forward pass less.

All take `PairLogps`, of which they use the policy's side alone, and return [B].
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.pairs import PairLogps

SUREST = -1e-6
"""The highest average log-probability whose odds are taken: those of certainty are infinite."""


def simpo_loss(pairs: PairLogps, *, beta: float, target_margin: float) -> Tensor:
    """-t log s(beta (l_c - l_r) - gamma) - (1 - t) log s(-beta (l_c - l_r) - gamma).

    l are average log-probabilities of a token. Source: Meng et al. 2024 (arXiv:2405.14734,
    equation 6); gamma is `target_margin`, in logits. Ties are ours.
    """
    logit_B = beta * (pairs.mean_chosen_B - pairs.mean_rejected_B)
    forward_B = logsigmoid(logit_B - target_margin)
    backward_B = logsigmoid(-logit_B - target_margin)
    return -pairs.target_B * forward_B - (1 - pairs.target_B) * backward_B


def orpo_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """-l_c - beta log s(log odds_c - log odds_r): fine-tuning on chosen, and odds in favour of it.

    odds = p / (1 - p), p = exp(l) the geometric mean of a token's probability. Source: Hong et
    al. 2024 (arXiv:2403.07691, equations 6 and 7); lambda there is beta here, as in TRL. Deviation:
    the first term is of the response alone, where the authors' code and TRL's fine-tune on the
    prompt's tokens too.
    """
    gap_B = log_odds(pairs.mean_chosen_B) - log_odds(pairs.mean_rejected_B)
    return -pairs.mean_chosen_B - beta * logsigmoid(gap_B)


def asft_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """-l_c - beta (log s(log odds_c) + log s(-log odds_r)): ORPO's odds, each response by itself.

    As s(log odds) = p this is -l_c - beta (log p_c + log(1 - p_r)). Source: Wang et al. 2024
    (arXiv:2409.10571), as Gorbatovski et al. 2025 (arXiv:2502.01237, section 2.4) write it down and
    compute it, with p as in `orpo_loss`.
    """
    chosen_B = logsigmoid(log_odds(pairs.mean_chosen_B))
    rejected_B = logsigmoid(-log_odds(pairs.mean_rejected_B))
    return -pairs.mean_chosen_B - beta * (chosen_B + rejected_B)


def log_odds(logp_B: Tensor) -> Tensor:
    """log(p / (1 - p)) from log p, which is taken as at most `SUREST`."""
    logp_B = logp_B.clamp(max=SUREST)
    return logp_B - torch.log(-torch.expm1(logp_B))
