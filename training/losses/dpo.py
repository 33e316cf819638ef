"""Direct preference losses on the gap between two log-ratios; one function, one method.

All take `PairLogps` and return one loss a pair, [B]. Where a pair has a soft target t (0.5 for a
tie), a loss that is a log-likelihood mixes both directions. Equality with TRL's own is tested on
the same batch; TRL's cannot be called, since they return one mean for the batch, so rows could
have no weight and no tie.
"""

import math

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from training.losses.pairs import PairLogps


def sigmoid_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float = 0.0, target_margin: float = 0.0
) -> Tensor:
    """DPO, with conservative label smoothing and a target margin.

    -t' log s(beta d - m) - (1 - t') log s(-beta d - m), t' = t (1 - e) + (1 - t) e, d the
    difference of log-ratios. Source: Rafailov et al. 2023 (arXiv:2305.18290, equation 7);
    label smoothing: Mitchell 2023 (cDPO note, equation 3); target margin ("offset"): Amini et
    al. 2024 (arXiv:2402.10571, equation 6). TRL 1.16 ignores `label_smoothing` here.
    """
    smooth_B = _smoothed(pairs.target_B, label_smoothing)
    logit_B = beta * pairs.score_gap_B
    forward_B = logsigmoid(logit_B - target_margin)
    backward_B = logsigmoid(-logit_B - target_margin)
    return -smooth_B * forward_B - (1 - smooth_B) * backward_B


def sigmoid_norm_loss(
    pairs: PairLogps, *, beta: float, label_smoothing: float = 0.0, target_margin: float = 0.0
) -> Tensor:
    """Length-normalised DPO: as `sigmoid_loss`, on log-ratios averaged over their tokens.

    Source: Lambert et al. 2024 (Tülu 3, arXiv:2411.15124, section 5), beta 5 there; as in TRL.
    """
    smooth_B = _smoothed(pairs.target_B, label_smoothing)
    logit_B = beta * pairs.mean_score_gap_B
    forward_B = logsigmoid(logit_B - target_margin)
    backward_B = logsigmoid(-logit_B - target_margin)
    return -smooth_B * forward_B - (1 - smooth_B) * backward_B


def hinge_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """max(0, 1 - beta d). Source: Zhao et al. 2023 (SLiC-HF, arXiv:2305.10425); as a loss on
    normalised ratios: Liu et al. 2023 (RSO, arXiv:2309.06657, equation 10).
    """
    return torch.relu(1 - beta * pairs.score_gap_B)


def ipo_loss(pairs: PairLogps, *, beta: float) -> Tensor:
    """(d - 1 / (2 beta))^2. Source: Azar et al. 2023 (arXiv:2310.12036, equation 17).

    Deviation: log-ratios are averaged over tokens, as TRL does with the authors' agreement.
    """
    return (pairs.mean_score_gap_B - 1 / (2 * beta)) ** 2


def robust_loss(pairs: PairLogps, *, beta: float, label_smoothing: float) -> Tensor:
    """(-(1 - e) log s(beta d) + e log s(-beta d)) / (1 - 2 e): unbiased when labels flip with
    probability e. Source: Chowdhury et al. 2024 (arXiv:2403.00409, equation 12).
    """
    logit_B = beta * pairs.score_gap_B
    kept_B = (1 - label_smoothing) * logsigmoid(logit_B)
    flipped_B = label_smoothing * logsigmoid(-logit_B)
    return (flipped_B - kept_B) / (1 - 2 * label_smoothing)


def exo_pair_loss(pairs: PairLogps, *, beta: float, label_smoothing: float) -> Tensor:
    """KL(q || p) of the policy's preference q = s(beta d) from the label's p = 1 - e.

    q log(q / (1 - e)) + (1 - q) log((1 - q) / e): the reverse of DPO's direction. Needs e above
    0 (the authors take 1e-3). Source: Ji et al. 2024 (EXO, arXiv:2402.00856, equation 16).
    """
    if not 0 < label_smoothing < 1:
        raise ValueError(f"label_smoothing is {label_smoothing}; EXO needs it between 0 and 1")
    logit_B = beta * pairs.score_gap_B
    chosen_B = torch.sigmoid(logit_B) * (logsigmoid(logit_B) - math.log1p(-label_smoothing))
    rejected_B = torch.sigmoid(-logit_B) * (logsigmoid(-logit_B) - math.log(label_smoothing))
    return chosen_B + rejected_B


def discopop_loss(pairs: PairLogps, *, beta: float, discopop_tau: float) -> Tensor:
    """(1 - w) (-log s(beta d)) + w exp(-beta d) with w = s(beta d / tau).

    A loss that a language model proposed: exponential where the pair is already right, logistic
    where it is not, hence neither convex nor monotone about 0. Source: Lu et al. 2024
    (arXiv:2406.08414, equation 5), tau 0.05 there. The second product is one exponential here:
    where the gap is far on the wrong side its factors are 0 and infinity.
    """
    logit_B = beta * pairs.score_gap_B
    weight_B = torch.sigmoid(logit_B / discopop_tau)
    exponential_B = torch.exp(logsigmoid(logit_B / discopop_tau) - logit_B)
    return -logsigmoid(logit_B) * (1 - weight_B) + exponential_B


def aot_loss(pairs: PairLogps, *, beta: float, label_smoothing: float = 0.0) -> Tensor:
    """DPO between sorted gaps: the k-th smallest gap of the policy against that of the reference.

    Asks for first-order stochastic dominance over the batch, not pair by pair, so [B] is in the
    order of ranks: rows can have no weight and no tie. Source: Melnyk et al. 2024
    (arXiv:2406.05882, section 3, paired), label smoothing as in TRL.
    """
    policy_B = (pairs.chosen_B - pairs.rejected_B).sort().values
    reference_B = (pairs.ref_chosen_B - pairs.ref_rejected_B).sort().values
    logit_B = beta * (policy_B - reference_B)
    kept_B = (1 - label_smoothing) * logsigmoid(logit_B)
    return -kept_B - label_smoothing * logsigmoid(-logit_B)


def _smoothed(target_B: Tensor, label_smoothing: float) -> Tensor:
    return target_B * (1 - label_smoothing) + (1 - target_B) * label_smoothing
