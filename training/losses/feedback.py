"""Losses for feedback in words: critiques, rationales, and text that says how good it is."""

import torch
from torch import Tensor

from training.losses.dpo import sigmoid_loss
from training.losses.pairs import PairLogps, per_token
from training.losses.reference_free import SUREST


def cut_loss(
    logp_BL: Tensor,
    judged_logp_BL: Tensor,
    mask_BL: Tensor,
    *,
    cut_threshold: float = 1.1,
    unlike_weight: float = 1.0,
) -> Tensor:
    """Contrastive unlikelihood of a response that a critique found fault with. [B].

    (L_1 + L_2) / 2, per token. L_2 is the negative log-likelihood of the response where the
    prompt says the critique (judged_logp_BL). L_1 is the same where it does not (logp_BL), but at
    inappropriate tokens -w log(1 - p) takes its place. A token is inappropriate where knowing the
    critique makes it likelier by more than `cut_threshold`: p_judged / p > threshold.

    All [B, L]; mask_BL is 1 at tokens of the response. Source: Xu et al. 2023 (arXiv:2312.14591,
    section 4), in the form of the authors' code, which has no exponent on p and half of each of
    the two. Deviations: the paper contrasts with a made-up praise in the critique's place, this
    with no judgement at all; that code averages over the tokens of a batch, this by response.
    """
    if not logp_BL.shape == judged_logp_BL.shape == mask_BL.shape or logp_BL.ndim != 2:
        raise ValueError(
            f"shapes {tuple(logp_BL.shape)}, {tuple(judged_logp_BL.shape)}, "
            f"{tuple(mask_BL.shape)}; all three must be the same rows and positions"
        )
    unlike_BL = torch.exp((judged_logp_BL - logp_BL).detach()) > cut_threshold
    unlikely_BL = torch.log(-torch.expm1(logp_BL.clamp(max=SUREST)))
    aimed_BL = torch.where(unlike_BL, unlike_weight * unlikely_BL, logp_BL)
    tokens_B = mask_BL.sum(1)
    first_B = per_token((aimed_BL * mask_BL).sum(1), tokens_B)
    second_B = per_token((judged_logp_BL * mask_BL).sum(1), tokens_B)
    return -(first_B + second_B) / 2


def rationale_loss(
    pairs: PairLogps, rationale_logp_B: Tensor, *, beta: float, rationale_weight: float
) -> Tensor:
    """DPO - gamma log p(rationale | prompt, chosen, rejected). [B].

    rationale_logp_B: [B] summed over the rationale's tokens, nats. Source: Just et al. 2024
    (arXiv:2407.14477, rationale-enriched DPO). Compared with the authors' code, which sums too,
    with gamma 0.1: there the second term is -log s(gamma log p), whose slope is the same wherever
    the rationale is unlikely; this is the paper's.
    """
    return sigmoid_loss(pairs, beta=beta) - rationale_weight * rationale_logp_B


def c3po_loss(pairs: PairLogps, in_scope_B: Tensor, *, beta: float, scope_weight: float) -> Tensor:
    """DPO where a critique applies, -w log p(response) per token where it does not. [B].

    in_scope_B: [B] bool; where False, `chosen` is the response that is to stay as it is and
    `rejected` is not looked at. Source: Stephan et al. 2024 (C3PO, arXiv:2402.10893, section 4),
    whose loss is DPO + w1 SFT(near scope) + w2 SFT(out of scope). Compared with the authors' code:
    SFT is per token there, with weights of 0.3 by default and 0.2 and 0.1 in their configuration,
    which leaves the distillation out that the code can mix in. Deviation: one weight for both.
    """
    if in_scope_B.shape != pairs.target_B.shape or in_scope_B.dtype != torch.bool:
        raise ValueError(
            f"in_scope_B: {in_scope_B.dtype} of shape {tuple(in_scope_B.shape)}, expected bool of "
            f"{tuple(pairs.target_B.shape)}"
        )
    kept_B = -scope_weight * pairs.mean_chosen_B
    return torch.where(in_scope_B, sigmoid_loss(pairs, beta=beta), kept_B)


def likelihood_loss(logp_BL: Tensor, learned_BL: Tensor) -> Tensor:
    """-mean of log p over the learned tokens. [B], 0 where nothing is learned.

    The loss of Chain of Hindsight (Liu et al. 2023, arXiv:2302.02676) and of training
    on text with a control phrase: only the responses are learned, not the phrases between them.
    Compared with the authors' code, which learns the same tokens and after them one end of text.
    Deviations: it averages over the tokens of a batch, this by text; it hides some past tokens by
    chance, against copying the other response, and adds a hundredth of a loss on texts of
    pre-training, of which neither is done here; here each response ends for itself.
    """
    return -per_token((logp_BL * learned_BL).sum(1), learned_BL.sum(1))
