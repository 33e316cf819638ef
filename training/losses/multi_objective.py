"""Several criteria at once: regression with missing ratings, and a gate that weighs them."""

import torch
from torch import Tensor


def masked_regression_loss(predicted_BC: Tensor, rating_BC: Tensor) -> Tensor:
    """Mean over the criteria that were rated of (predicted - rating)^2.

    predicted_BC, rating_BC: [B, C]; a rating that is missing is NaN and has no gradient.
    Returns [B]; 0 where nothing was rated. Raises ValueError for other shapes.

    Source: Wang et al. 2024 (ArmoRM, arXiv:2406.12845), stage 1: by the authors' own account of
    it, missing ratings are left out of the squared error. Equations' numbers could not be looked
    up.
    """
    if predicted_BC.ndim != 2 or predicted_BC.shape != rating_BC.shape:
        raise ValueError(
            f"expected two [B, C], got {tuple(predicted_BC.shape)} and {tuple(rating_BC.shape)}"
        )
    known_BC = ~rating_BC.isnan()
    error_BC = torch.where(known_BC, predicted_BC - rating_BC.nan_to_num(), 0.0)
    return error_BC.square().sum(1) / known_BC.sum(1).clamp(min=1)


def gated_reward(criteria_BC: Tensor, gate_BC: Tensor) -> Tensor:
    """R = sum_c softmax(gate)_c r_c: criteria weighed by a gate that reads the prompt alone.

    criteria_BC: [B, C], predicted ratings. gate_BC: [B, C], logits. Returns [B]. Raises ValueError.

    Source: Wang et al. 2024 (ArmoRM, arXiv:2406.12845), stage 2: the score is the gate's softmax
    times the criteria; equations' numbers could not be looked up. Deviation: no verbosity penalty
    is subtracted from the criteria; the length correlation is reported instead.
    """
    if criteria_BC.ndim != 2 or criteria_BC.shape != gate_BC.shape:
        raise ValueError(
            f"expected two [B, C], got {tuple(criteria_BC.shape)} and {tuple(gate_BC.shape)}"
        )
    return (criteria_BC * gate_BC.softmax(1)).sum(1)
