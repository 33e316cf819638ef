"""General preferences: a skew-symmetric score of two responses, which may go round in a circle."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid


def skew_symmetric_score(
    first_BD: Tensor, second_BD: Tensor, scale_BC: Tensor | None = None
) -> Tensor:
    """s(a | b) = sum_c l_c (a_2c b_2c+1 - a_2c+1 b_2c) = <R a, b>; s(b | a) = -s(a | b).

    first_BD, second_BD: [B, D], D = 2 C: the two responses as C points in planes.
    scale_BC: [B, C], at least 0: how much each plane counts for the prompt; 1 when omitted.
    Returns [B], logits of the first being preferred. Raises ValueError for other shapes.

    Source: Zhang et al. 2024 (General Preference Modeling, arXiv:2410.02197, equation 4.1; the
    scales: section 4.2).
    """
    if first_BD.ndim != 2 or first_BD.shape != second_BD.shape or first_BD.shape[1] % 2:
        raise ValueError(
            "embeddings must be two of the same shape [B, 2 C], "
            f"not {tuple(first_BD.shape)} and {tuple(second_BD.shape)}"
        )
    planes_BC = first_BD[:, ::2] * second_BD[:, 1::2] - first_BD[:, 1::2] * second_BD[:, ::2]
    if scale_BC is not None:
        if scale_BC.shape != planes_BC.shape:
            raise ValueError(
                f"scales must be {tuple(planes_BC.shape)}, not {tuple(scale_BC.shape)}"
            )
        planes_BC = planes_BC * scale_BC
    return planes_BC.sum(1)


def general_preference_loss(score_B: Tensor, *, target_B: Tensor | None = None) -> Tensor:
    """-t log s(score) - (1 - t) log s(-score), s the logistic function.

    score_B: [B] from `skew_symmetric_score`, chosen first. target_B: [B], probability that it is
    preferred: 1 when omitted, 0.5 for a tie. Returns [B], nats. Raises ValueError.

    Source: Zhang et al. 2024 (arXiv:2410.02197, equation A.1). Deviation: its temperature beta is
    left to the scales, which are learned.
    """
    target_B = torch.ones_like(score_B) if target_B is None else target_B
    if score_B.ndim != 1 or target_B.shape != score_B.shape:
        raise ValueError(f"expected vectors, got {tuple(score_B.shape)}, {tuple(target_B.shape)}")
    return -target_B * logsigmoid(score_B) - (1 - target_B) * logsigmoid(-score_B)
