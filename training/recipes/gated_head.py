"""Rewards whose taste in responses depends on the prompt: a Bradley-Terry model with interactions.

reward(x, y) = a . s(y) + sum_k u_k(x) b_k . t(y): s and t are the first principal components of the
response's states, u_k those of the prompt's, cut at three deviations. Linear in a and b, so the
fit is convex and has one answer. Where the interaction does not lower the out-of-fold loss,
b is 0 and the head is linear.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import eigh

from training.recipes.linear_head import (
    PreferenceRows,
    Strength,
    choose_l2,
    fit_linear_bradley_terry,
    strength_of,
)

COMPONENTS, GATED_COMPONENTS, GATES = 256, 64, 8
"""Of responses in the linear part, of responses in the interaction, and of prompts."""
GATE_LIMIT = 3.0
SAMPLE = 4_000
"""Texts that the principal components are found from; more change them little and cost seconds."""
BLOCK = 2_048
"""Texts, an even number of them."""
STRENGTHS = (10.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)


@dataclass(frozen=True)
class Basis:
    """Where prompts and responses are read. Found without labels.

    response_mean_D, response_DM: what is subtracted of a response's states, and their components.
    prompt_mean_H, prompt_HK: of a prompt's states, with its components at unit deviation.
    weight_K: of each, the root of its deviation: topics that part many prompts gate more.
    scales: what the linear part and the interaction are divided by.
    """

    response_mean_D: np.ndarray
    response_DM: np.ndarray
    prompt_mean_H: np.ndarray
    prompt_HK: np.ndarray
    weight_K: np.ndarray
    scales: np.ndarray

    def expand(self, features_ND: np.ndarray, *, gated: bool) -> np.ndarray:
        """[N, M] or, gated, [N, M + K m] from rows of `layered.PROMPT_AND_LAYERS`."""
        width = len(self.prompt_mean_H)
        response_NM = _project(features_ND[:, width:], self.response_mean_D, self.response_DM)
        linear_NM = response_NM / self.scales[0]
        if not gated:
            return linear_NM
        prompt_NK = _project(features_ND[:, :width], self.prompt_mean_H, self.prompt_HK)
        gate_NK = np.clip(prompt_NK, -GATE_LIMIT, GATE_LIMIT) * self.weight_K / self.scales[1]
        both_NKM = gate_NK[:, :, None] * response_NM[:, None, :GATED_COMPONENTS]
        return np.hstack([linear_NM, both_NKM.reshape(len(features_ND), -1)])


@dataclass(frozen=True)
class GatedHead:
    basis: Basis
    coefficients_F: np.ndarray
    offset: float

    @property
    def gated(self) -> bool:
        return len(self.coefficients_F) > self.basis.response_DM.shape[1]

    def rewards(self, features_ND: np.ndarray) -> np.ndarray:
        """[N], before the temperature."""
        expanded_NF = self.basis.expand(features_ND, gated=self.gated)
        return expanded_NF @ self.coefficients_F + self.offset


@dataclass(frozen=True)
class Choice:
    """losses: out-of-fold log-loss by strength, of the linear head and of the gated one."""

    head: GatedHead
    l2: float
    gap_N: np.ndarray
    losses: dict[str, dict[float, float]]


def find_basis(features_ND: np.ndarray, *, width: int, seed: int) -> Basis:
    """From rows of chosen and rejected in turn; `width` columns are the prompt's.

    Every layer counts alike: its states are divided by their deviation before the components.
    """
    pairs = len(features_ND) // 2
    some = np.random.default_rng(seed).permutation(pairs)[: SAMPLE // 2]
    sample_ND = features_ND[np.sort(np.concatenate([2 * some, 2 * some + 1]))].astype(np.float64)
    prompt_mean_H, prompt_HK, deviation_K = _components(sample_ND[:, :width], GATES)
    response_ND = sample_ND[:, width:]
    mean_D = response_ND.mean(0)
    layers = (response_ND - mean_D).reshape(len(response_ND), -1, width)
    scale_D = np.repeat(np.sqrt(np.mean(layers**2, axis=(0, 2))) + 1e-12, width)
    _, components_DM, _ = _components(response_ND / scale_D, COMPONENTS)
    raw = Basis(
        response_mean_D=mean_D,
        response_DM=components_DM / scale_D[:, None],
        prompt_mean_H=prompt_mean_H,
        prompt_HK=prompt_HK / deviation_K,
        weight_K=np.sqrt(deviation_K),
        scales=np.ones(2),
    )
    expanded_NF = raw.expand(sample_ND, gated=True)
    gap_NF, linear = expanded_NF[::2] - expanded_NF[1::2], components_DM.shape[1]
    # Both parts get differences of the length that `linear` columns of unit deviation have.
    scales = [_length(part) / linear**0.5 or 1.0 for part in np.split(gap_NF, [linear], axis=1)]
    return replace(raw, scales=np.array(scales))


def fit_gated_head(
    features_ND: np.ndarray,
    rows: PreferenceRows,
    groups: Sequence[int],
    *,
    width: int,
    seed: int,
    l2: float | None = None,
) -> Choice:
    """features_ND: chosen and rejected in turn. rows: their labels; its `gap_ND` is not read.

    l2: of the strengths tried the one with the lowest out-of-fold loss unless given.
    """
    basis = find_basis(features_ND, width=width, seed=seed)
    linear = basis.response_DM.shape[1]
    gap_NF, mean_F = _gaps(basis, features_ND)
    found: dict[str, tuple[PreferenceRows, Strength]] = {}
    for name, gap_ND in (("linear", np.ascontiguousarray(gap_NF[:, :linear])), ("gated", gap_NF)):
        data = rows.with_gaps(gap_ND)
        if l2 is None:
            found[name] = (data, choose_l2(data, groups, seed=seed, grid=STRENGTHS))
        else:
            found[name] = (data, strength_of(data, groups, l2=l2, seed=seed))
    losses = {name: strength.losses for name, (_, strength) in found.items()}
    best = min(found, key=lambda name: min(losses[name].values()))
    data, strength = found[best]
    coefficients_F = fit_linear_bradley_terry(data, l2=strength.l2)
    offset = -float(mean_F[: len(coefficients_F)] @ coefficients_F)
    return Choice(GatedHead(basis, coefficients_F, offset), strength.l2, strength.gap_N, losses)


def _gaps(basis: Basis, features_ND: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[N / 2, F] float32 differences of what chosen and rejected expand to, and the mean [F].

    Block by block: everything at once would be several times as large in between.
    """
    found, total_F = [], 0.0
    for begin in range(0, len(features_ND), BLOCK):
        expanded_BF = basis.expand(features_ND[begin : begin + BLOCK], gated=True)
        found.append((expanded_BF[::2] - expanded_BF[1::2]).astype(np.float32))
        total_F = total_F + expanded_BF.sum(0)
    return np.concatenate(found), np.asarray(total_F / len(features_ND))


def _project(values_ND: np.ndarray, mean_D: np.ndarray, axes_DM: np.ndarray) -> np.ndarray:
    """[N, M] float64, worked out in the states' own digits: they have no more."""
    apart_ND = values_ND.astype(np.float32) - mean_D.astype(np.float32)
    return (apart_ND @ axes_DM.astype(np.float32)).astype(np.float64)


def _components(values_ND: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean [D], the first principal components [D, M], and the deviation along each [M]."""
    mean_D = values_ND.mean(0)
    apart_ND = (values_ND - mean_D).astype(np.float32)
    count, width = apart_ND.shape
    rank = max(1, min(most, count - 1, width))
    # The smaller of the two matrices has the same spectrum; of few rows it is that of rows.
    narrow = width <= count
    square = (apart_ND.T @ apart_ND if narrow else apart_ND @ apart_ND.T).astype(np.float64)
    kept = (len(square) - rank, len(square) - 1)
    variance_M, axes = eigh(square, subset_by_index=kept)
    variance_M, axes = np.maximum(variance_M[::-1], 0), axes[:, ::-1]
    if not narrow:
        axes = apart_ND.astype(np.float64).T @ axes
        axes = axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-300)
    deviation_M = np.sqrt(variance_M / count)
    return mean_D, axes, np.maximum(deviation_M, 1e-6 * deviation_M[0] + 1e-12)


def _length(gap_NF: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.sum(gap_NF**2, axis=1))))
