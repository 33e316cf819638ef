"""Numeric signals of judges and reward models, one column each; NaN where there is none."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def swap_disagreement(p_shown: ArrayLike, p_swapped: ArrayLike) -> Floats:
    """|p - p'| of P(first response better), asked in both orders; 0 for an unbiased judge."""
    return np.asarray(np.abs(np.asarray(p_shown, float) - np.asarray(p_swapped, float)))


def both_orders(p_shown: ArrayLike, p_swapped: ArrayLike) -> Floats:
    """P(first response better) of both orders, averaged in logits; a constant bias cancels."""
    shown, swapped = (np.clip(np.asarray(p, float), 1e-6, 1 - 1e-6) for p in (p_shown, p_swapped))
    logit = (np.log(shown / (1 - shown)) + np.log(swapped / (1 - swapped))) / 2
    return np.asarray(1 / (1 + np.exp(-logit)))


def confidence(p_first: ArrayLike) -> Floats:
    """|2 p - 1|: 0 undecided, 1 sure."""
    return np.asarray(np.abs(2 * np.asarray(p_first, float) - 1))


def entropy(p: ArrayLike) -> Floats:
    """[N] bits of the mean answer of variants p [N, V] (prompt wordings, samples)."""
    mean = np.clip(np.nanmean(np.atleast_2d(np.asarray(p, float)), axis=1), 1e-12, 1 - 1e-12)
    return np.asarray(-(mean * np.log2(mean) + (1 - mean) * np.log2(1 - mean)))


def judge_spread(labels_NJ: ArrayLike) -> Floats:
    """[N]: the mean distance of two judges' labels (-1, 0, 1); NaN for a single judge."""
    labels = np.asarray(labels_NJ, float)
    judges = labels.shape[1]
    if judges < 2:
        return np.full(len(labels), np.nan)
    apart = np.abs(labels[:, :, None] - labels[:, None, :]).sum((1, 2)) / 2
    return np.asarray(apart / (judges * (judges - 1)))


def towards_label(margin: ArrayLike, label: ArrayLike) -> Floats:
    """A margin (first minus second) as seen from a label: positive where it agrees.

    A tie is the less agreed with the larger the margin: -|margin|.
    """
    margin_N, label_N = np.asarray(margin, float), np.asarray(label, float)
    return np.asarray(np.where(label_N == 0, -np.abs(margin_N), margin_N * label_N))


def reward_margin(rewards_MN2: ArrayLike) -> tuple[Floats, Floats]:
    """(mean, spread) over members of an ensemble [M, N, 2] of the reward difference first - second.

    The spread is the sample's deviation; NaN for a single member.
    """
    rewards: NDArray[np.float64] = np.asarray(rewards_MN2, float)
    gap_MN = rewards[..., 0] - rewards[..., 1]
    spread = gap_MN.std(0, ddof=1) if len(gap_MN) > 1 else np.full(gap_MN.shape[1], np.nan)
    return gap_MN.mean(0), spread


def length_gap(words_first: ArrayLike, words_second: ArrayLike) -> Floats:
    """log((first + 10) / (second + 10)): how much longer the first response is."""
    first, second = np.asarray(words_first, float), np.asarray(words_second, float)
    return np.asarray(np.log((first + 10) / (second + 10)))
