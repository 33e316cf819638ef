"""Who meets whom next: the models whose comparison tells most about the whole order. Pure numpy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotate.ranking.truncated import pair_information

Floats = NDArray[np.float64]

JITTER = 0.02
CANDIDATES = 500  # where variances alone are known, gains are reckoned among this many


def choose_group(
    mean_N: Floats,
    covariance_NN: Floats,
    beta: float,
    size: int,
    *,
    rng: np.random.Generator,
    jitter: float = JITTER,
) -> list[int]:
    """`size` models to be compared on one ballot, in no order that means anything.

    Begins with the pair of largest gain and adds the model whose gains with those chosen sum
    highest. Each gain is stretched by a normal factor of spread `jitter`, so that people who ask at
    the same time get different groups. covariance_NN: or the variances alone, [N]. Raises
    ValueError for a size below 2 or above N.
    """
    models = len(mean_N)
    if not 2 <= size <= models:
        raise ValueError(f"size is {size}; give a number from 2 to the {models} models")
    if covariance_NN.ndim == 1:
        among = _candidates(mean_N, covariance_NN, max(size, CANDIDATES))
        inner = choose_group(
            mean_N[among], np.diag(covariance_NN[among]), beta, size, rng=rng, jitter=jitter
        )
        return [int(among[one]) for one in inner]
    gain_NN = pair_gains(mean_N, covariance_NN, beta)
    if jitter:
        noise_NN = np.triu(rng.standard_normal((models, models)), 1)
        gain_NN = gain_NN * np.maximum(1 + jitter * (noise_NN + noise_NN.T), 0)
    return grow_group(gain_NN, size)[0]


def grow_group(gain_NN: Floats, size: int) -> tuple[list[int], float]:
    """The pair of largest gain, then each time the model whose gains with those chosen sum highest;
    and the sum of the gains of all its pairs. `gain_NN` is of 2 models or more and symmetric.
    """
    gain_NN = np.array(gain_NN)
    np.fill_diagonal(gain_NN, -np.inf)
    first, second = divmod(int(np.argmax(gain_NN)), len(gain_NN))
    chosen, total = [first, second], float(gain_NN[first, second])
    total_N = gain_NN[first] + gain_NN[second]
    while len(chosen) < size:
        best = int(np.argmax(total_N))
        chosen.append(best)
        total += float(total_N[best])
        total_N = total_N + gain_NN[best]
    return chosen, total


def after_ballot(
    mean_N: Floats, covariance_NN: Floats, beta: float, group: Sequence[int]
) -> Floats:
    """The covariance that is expected once a full order of these models is there.

    Each pair takes S d dᵀ S φ² / (Φ Φ(-)) / c² off, d = e_i - e_j, as in `pair_gains`; the
    K (K - 1) / 2 pairs of one order tell as much as 2 (K - H_K) independent ones, H_K the harmonic
    number, so each counts by that share.
    """
    size = len(group)
    worth = 2 * (size - sum(1 / k for k in range(1, size + 1)))
    share = worth / (size * (size - 1) / 2)
    found_NN = np.array(covariance_NN)
    for at, one in enumerate(group):
        for other in group[at + 1 :]:
            lean_N = found_NN[:, one] - found_NN[:, other]
            c = np.sqrt(max(lean_N[one] - lean_N[other], 0.0) + 2 * beta * beta)
            told = pair_information(np.array((mean_N[one] - mean_N[other]) / c))
            found_NN -= np.outer(lean_N, lean_N) * (share * float(told) / c**2)
    return found_NN


def pair_gains(mean_N: Floats, covariance_NN: Floats, beta: float) -> Floats:
    """[N, N]: how far a comparison of two models settles the order of all, 0 on the diagonal.

    The loss is the sum over pairs (a, b) of w_ab Var(θ_a - θ_b), where w_ab is the density of
    θ_a - θ_b at 0: how much the order of this pair hangs on what is still uncertain. With L the
    graph Laplacian of w that is tr(L S). A comparison of i and j takes
    S (e_i - e_j)(e_i - e_j)ᵀ S times φ² / (Φ Φ(-)) / c² off S on average, c² = s_ij² + 2 β², so
    its gain is that times (e_i - e_j)ᵀ G (e_i - e_j), G = S L S.
    """
    weight_NN = _overlap(mean_N, covariance_NN)
    laplacian_NN = np.diag(weight_NN.sum(1)) - weight_NN
    spread_NN = covariance_NN @ laplacian_NN @ covariance_NN
    settled_NN = _differences(spread_NN)
    c_NN = np.sqrt(_differences(covariance_NN) + 2 * beta * beta)
    gap_NN = mean_N[:, None] - mean_N[None, :]
    return np.asarray(pair_information(gap_NN / c_NN) / c_NN**2 * settled_NN)


def _overlap(mean_N: Floats, covariance_NN: Floats) -> Floats:
    root_NN = np.sqrt(np.maximum(_differences(covariance_NN), 1e-18))
    gap_NN = mean_N[:, None] - mean_N[None, :]
    weight_NN = np.exp(-0.5 * (gap_NN / root_NN) ** 2) / (np.sqrt(2 * np.pi) * root_NN)
    np.fill_diagonal(weight_NN, 0.0)
    return np.asarray(weight_NN)


def _differences(matrix_NN: Floats) -> Floats:
    """(e_i - e_j)ᵀ M (e_i - e_j) for each i, j."""
    own_N = np.diagonal(matrix_NN)
    return np.asarray(own_N[:, None] + own_N[None, :] - 2 * matrix_NN)


def _candidates(mean_N: Floats, variance_N: Floats, count: int) -> NDArray[np.int64]:
    """The models that most of the loss hangs on, by Var(θ)² Σ_b w_ab, ascending by number."""
    total_N = np.empty(len(mean_N))
    for start in range(0, len(mean_N), 500):
        part = slice(start, start + 500)
        root = np.sqrt(variance_N[part, None] + variance_N[None, :])
        gap = mean_N[part, None] - mean_N[None, :]
        total_N[part] = (np.exp(-0.5 * (gap / root) ** 2) / root).sum(1)
    return np.sort(np.argsort(-(variance_N**2) * total_N, kind="stable")[:count])
