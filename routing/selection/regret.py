"""Prompts on which the policy could do most better, from rewards of sampled responses (eva)."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Baseline = Literal["worst", "mean", "second"]


def regret(reward_NK: ArrayLike, baseline: Baseline = "worst") -> NDArray[np.float64]:
    """[N]: the best reward of a prompt's K responses less the worst, the mean, or the second best.

    A stand-in for how far the policy is from the best it can do; eva samples prompts in proportion
    to it. Unknown rewards are NaN; with fewer than two, regret is 0. Source: Ye et al. 2024
    (arXiv:2411.00062, informativeness proxies; `worst` is its default).
    """
    rewards = np.asarray(reward_NK, dtype=np.float64)
    if rewards.ndim != 2:
        raise ValueError(f"rewards: expected [N, K], got {rewards.shape}")
    found = np.zeros(len(rewards))
    enough = np.isfinite(rewards).sum(1) > 1
    known = np.sort(np.where(np.isfinite(rewards), rewards, np.nan)[enough], axis=1)  # NaN last
    if not len(known):
        return found
    count = np.isfinite(known).sum(1)
    rows = np.arange(len(known))
    best = known[rows, count - 1]
    if baseline == "worst":
        found[enough] = best - known[:, 0]
    elif baseline == "mean":
        found[enough] = best - np.nanmean(known, axis=1)
    elif baseline == "second":
        found[enough] = best - known[rows, count - 2]
    else:
        raise ValueError(f"baseline: {baseline!r} is not worst, mean or second")
    return found
