"""Pair losses that move each response against the reference, not only one against the other.

DPO cares for the gap alone and may lower both log-probabilities; these say where each should go.
All take `PairLogps`, whose log-ratios r = log p - log p_ref they use, and return [B].
"""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.pairs import PairLogps


def nca_pair_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """-log s(beta r_c) - 1/2 log s(-beta r_c) - 1/2 log s(-beta r_r).

    Source: Chen et al. 2024 (NCA, arXiv:2402.05369, section 4), for pairs as the authors' code
    (`preference_trainer.py`, `NCA`) has it, whose line this is. The equation's number could not
    be looked up.
    """
    chosen_B, rejected_B = beta * pairs.chosen_logratio_B, beta * pairs.rejected_logratio_B
    return -logsigmoid(chosen_B) - 0.5 * logsigmoid(-chosen_B) - 0.5 * logsigmoid(-rejected_B)


def bco_pair_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """-log s(beta r_c) - log s(-beta r_r): a classifier of good and bad responses.

    Source: Jung et al. 2024 (BCO, arXiv:2404.04656): the cross-entropy that bounds DPO's loss from
    above in theorem 1; the equation's number could not be looked up. Deviation, as in TRL: no
    running reward shift delta is subtracted. The code of NCA calls the same loss `biasedNCA`.
    """
    return -logsigmoid(beta * pairs.chosen_logratio_B) - logsigmoid(
        -beta * pairs.rejected_logratio_B
    )


def sppo_hard_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """(r_c - (t - 1/2) / beta)^2 + (r_r + (t - 1/2) / beta)^2, t the probability of winning.

    Source: Wu et al. 2024 (SPPO, arXiv:2405.00675, equation 4.7) with labels for win rates: t is
    1, or 1/2 for a tie, which asks for no move. eta there is 1 / beta.
    """
    aim_B = (pairs.target_B - 0.5) / beta
    return (pairs.chosen_logratio_B - aim_B) ** 2 + (pairs.rejected_logratio_B + aim_B) ** 2


def apo_zero_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """1 - s(beta r_c) + s(beta r_r): chosen up, rejected down.

    For chosen responses better than what the model writes. Source: D'Oosterlinck et al. 2024
    (APO, arXiv:2408.06266, equation 7).
    """
    chosen_B = 1 - torch.sigmoid(beta * pairs.chosen_logratio_B)
    return chosen_B + torch.sigmoid(beta * pairs.rejected_logratio_B)


def apo_down_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """s(beta r_c) + 1 - s(beta (r_c - r_r)): chosen down, rejected further down.

    For a model better than both responses. Source: D'Oosterlinck et al. 2024 (APO,
    arXiv:2408.06266, equation 8).
    """
    chosen_B = torch.sigmoid(beta * pairs.chosen_logratio_B)
    return chosen_B + 1 - torch.sigmoid(beta * pairs.gap_B)
