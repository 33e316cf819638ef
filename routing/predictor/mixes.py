"""How good a reward model gets on mixes of people's labels and a judge's. Plain arrays."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from routing.predictor.logistic import sigmoid

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.int8]
Ints = NDArray[np.int64]
Fit = Callable[[Floats, Floats, Floats, float], Floats]
WIDTH = 48  # components of the embedding differences


def components(gap_ND: NDArray[np.floating], width: int = WIDTH) -> Floats:
    """[N, min(width, D)]: the strongest components of embedding differences, of deviation 1 taken
    together. No label has a part in them, and none is centred: a swap of sides turns all signs.
    """
    gap = np.asarray(gap_ND, dtype=np.float64)
    _, axes_DD = np.linalg.eigh(gap.T @ gap)
    found = gap @ axes_DD[:, ::-1][:, : min(width, gap.shape[1])]
    spread = float(found.std()) if found.size else 0.0
    return np.asarray(found / spread if spread > 0 else found)


@dataclass(frozen=True)
class Mixed:
    """Rows that people and a judge labelled: x_NK components, people_N one person's label, judge_N
    the judge's (0: a tie, or that it abstains), side_N the side that most people prefer (0: none).
    """

    x_NK: Floats
    people_N: Labels
    judge_N: Labels
    side_N: Labels

    def take(self, rows: NDArray[np.generic]) -> "Mixed":
        return Mixed(self.x_NK[rows], self.people_N[rows], self.judge_N[rows], self.side_N[rows])


def train_on_mix(rows: Mixed, by_people_N: Flags, fit: Fit, l2: float) -> Floats:
    """[K] coefficients of a head on people's labels where the mask says so, else the judge's.

    A person's tie counts half for each side; where the judge abstains there is no label.
    """
    label_N = np.where(by_people_N, rows.people_N, rows.judge_N).astype(np.float64)
    weight_N = np.where(~by_people_N & (rows.judge_N == 0), 0.0, 1.0)
    return fit(rows.x_NK, (label_N + 1) / 2, weight_N, l2)


def mean_right(rows: Mixed, coefficients_K: Floats) -> float:
    """Mean P(the side that most people prefer), over the rows that have one. Smoother than the
    accuracy, of which it is the expected value, and what mixes are compared by.
    """
    gap, side = _decided(rows, coefficients_K)
    return float(np.mean(sigmoid(side * gap)))


def accuracy(rows: Mixed, coefficients_K: Floats) -> float:
    """Share of the rows with a preferred side that the head puts first; half for equal scores."""
    gap, side = _decided(rows, coefficients_K)
    return float(np.mean(np.where(gap == 0, 0.5, side * gap > 0)))


def _decided(rows: Mixed, coefficients_K: Floats) -> tuple[Floats, Floats]:
    decided = rows.side_N != 0
    if not decided.any():
        raise ValueError("no row has a side that most people prefer")
    return rows.x_NK[decided] @ coefficients_K, rows.side_N[decided].astype(np.float64)


def measure_mixes(
    trained_on: Mixed, scored_on: Mixed, masks_MN: Flags, fit: Fit, l2: float
) -> Iterator[float]:
    """`mean_right` on rows of other prompts, mix by mix."""
    for mask in masks_MN:
        yield mean_right(scored_on, train_on_mix(trained_on, mask, fit, l2))


def consensus(vote_row_V: Ints, vote_label_V: Labels, size: int) -> Labels:
    """[size]: the label that more people gave than any other, if it is a side; else 0."""
    count_N3 = np.zeros((size, 3))
    np.add.at(count_N3, (vote_row_V, vote_label_V.astype(np.int64) + 1), 1.0)
    top_N = count_N3.max(1)
    single_N = ((count_N3 == top_N[:, None]).sum(1) == 1) & (top_N > 0)
    return np.where(single_N, np.argmax(count_N3, axis=1) - 1, 0).astype(np.int8)


def one_vote(vote_row_V: Ints, vote_label_V: Labels, size: int, seed: int) -> Labels:
    """[size]: one drawn vote of each row, what one person asked would say; 0 without votes."""
    order = np.random.default_rng(seed).permutation(len(vote_row_V))
    found = np.zeros(size, dtype=np.int8)
    found[vote_row_V[order]] = vote_label_V[order]
    return found
