"""Which training pairs to leave out or to change, from what models say of them.

Pure arithmetic; `training/recipes/filters.py` asks the models. Held-out rows are never filtered.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from training.data.pairs import PreferencePair
from training.evaluation.calibration import sigmoid

NEIGHBOUR = 3
"""The distance to which neighbour says how alone a prompt stands."""
CLOSEST = 0.01
"""Of the median distance; keeps the logarithm of a prompt that stands twice finite."""
RUN = 3
"""Words a run, for repetition."""


def displacement_scores(chosen_ND: np.ndarray, rejected_ND: np.ndarray) -> np.ndarray:
    """[N] <h+, h-> - |h+|^2, the CHES score: high where training on a pair makes chosen unlikely.

    chosen_ND, rejected_ND: [N, D] means of the last layer's states that predict each response's
    tokens: those of the prompt's last token and of all tokens of the response but its last. Raises
    ValueError for other shapes. Source: Razin et al. 2024 (arXiv:2410.08847): their definition 2
    has sums, by which long responses would decide; means are the length-normalised score that
    they filter by (section 6). Compared with the authors' code.
    """
    if chosen_ND.shape != rejected_ND.shape or chosen_ND.ndim != 2:
        raise ValueError(f"shapes {chosen_ND.shape} and {rejected_ND.shape}, expected [N, D] twice")
    scores: np.ndarray = (chosen_ND * rejected_ND).sum(1) - (chosen_ND**2).sum(1)
    return scores


def without_highest(scores_N: ArrayLike, share: float) -> np.ndarray:
    """Rows kept, in their order, when the `share` with the highest scores goes.

    So many go as round(share N) says; of equal scores the later rows go first.
    """
    scores = np.asarray(scores_N, dtype=np.float64)
    kept = scores.size - round(share * scores.size)
    order = np.argsort(scores, kind="stable")
    return np.sort(order[:kept])


def preference_strength(gaps_MN: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[N] mean and standard deviation over M reward models of reward chosen - rejected.

    Source: Wang et al. 2024 (Secrets of RLHF II, arXiv:2401.06080, section 2.2), whose models saw
    the pairs; ours did not see the pair's prompt (deviation), so a wrong label cannot vouch for
    itself.
    """
    mean_N: np.ndarray = gaps_MN.mean(0)
    deviation_N: np.ndarray = gaps_MN.std(0)
    return mean_N, deviation_N


def by_strength(
    pairs: Sequence[PreferencePair], mean_N: np.ndarray, *, rule: str, share: float
) -> tuple[list[PreferencePair], np.ndarray, dict[str, int]]:
    """The pairs after a rule for the `share` of them with the lowest strength, and their strengths.

    drop: they go. flip: those below 0 change sides, and nobody knows any more how clear they are.
    soften: their label becomes s(mean), the ensemble's probability, and no distance is asked for
    any more: with one, that probability would not be what fits the pair best. Ties stay as they
    are, at a strength of 0, for none of the two is the one that won. The last value counts the
    pairs that the rule `dropped`, `flipped`, `softened`. Source: Wang et al. 2024
    (arXiv:2401.06080, section 2.3; 10 % there).
    """
    decided = np.array([row for row, pair in enumerate(pairs) if not pair.tie], dtype=np.int64)
    kept = without_highest(-mean_N[decided], share)
    low = set(decided.tolist()) - set(decided[kept].tolist())
    counts: Counter[str] = Counter()
    found: list[PreferencePair] = []
    strengths: list[float] = []
    for row, (pair, mean) in enumerate(zip(pairs, mean_N.tolist(), strict=True)):
        changed, strength = pair, 0.0 if pair.tie else mean
        if row in low and rule == "drop":
            counts["dropped"] += 1
            continue
        if row in low and rule == "soften":
            counts["softened"] += 1
            margin = None if pair.margin is None else 0.0
            changed = replace(pair, label=float(sigmoid(mean)), margin=margin)
            strength = abs(mean)
        elif row in low and rule == "flip" and mean < 0:
            counts["flipped"] += 1
            changed, strength = _flipped(pair), -mean
        found.append(changed)
        strengths.append(strength)
    return found, np.array(strengths), dict(counts)


def _flipped(pair: PreferencePair) -> PreferencePair:
    margin = None if pair.margin is None else 0.0
    return replace(
        pair,
        chosen=pair.rejected,
        rejected=pair.chosen,
        cut_off=(pair.cut_off[1], pair.cut_off[0]),
        margin=margin,
    )


def loneliness(vectors_ND: np.ndarray, *, neighbour: int = NEIGHBOUR) -> np.ndarray:
    """[N] log of the distance to the `neighbour`-th nearest other row, over the median of these.

    Its mean is, but for constants, the nearest-neighbour estimate of the entropy: a set of rows
    that stand alone is a diverse one. A row's distances to its own copies are 0 and count as
    CLOSEST of the median. With as few rows as neighbours all are equally alone.
    """
    count = len(vectors_ND)
    if count <= neighbour:
        return np.zeros(count)
    squares = (vectors_ND**2).sum(1)
    distance_N = np.empty(count)
    for start in range(0, count, 1024):
        rows = slice(start, min(start + 1024, count))
        gaps = squares[rows, None] + squares[None] - 2 * vectors_ND[rows] @ vectors_ND.T
        # Place 0 of the sorted row is the row itself.
        nearest = np.partition(np.maximum(gaps, 0), neighbour, axis=1)[:, neighbour]
        distance_N[rows] = np.sqrt(nearest)
    median = float(np.median(distance_N)) or 1.0
    lonely: np.ndarray = np.log(np.maximum(distance_N / median, CLOSEST))
    return lonely


def text_quality(text: str) -> float:
    """0 to 1: the share of distinct runs of three words times that of characters in words.

    A crude measure that needs no model: low for loops, for symbols without words, and 0 for
    nothing.
    """
    words = text.split()
    if not words:
        return 0.0
    runs = [tuple(words[at : at + RUN]) for at in range(max(1, len(words) - RUN + 1))]
    dense = "".join(words)
    return len(set(runs)) / len(runs) * (sum(map(str.isalnum, dense)) / len(dense))


def importance(
    margin_N: np.ndarray,
    quality_N: np.ndarray,
    lonely_N: np.ndarray,
    *,
    quality_weight: float,
    diversity_weight: float,
) -> np.ndarray:
    """[N] margin + w_q quality + w_d loneliness, each divided by its standard deviation.

    Source: Yang et al. 2024 (FiFA, arXiv:2410.10166): the importance by which pairs are kept, of a
    reward model's margin, text quality and the distance to the k-th nearest text, as the paper's
    abstract and summaries of it have it; its equations could not be looked up. Deviations: the
    three are standardised; quality is `text_quality` of the responses, where the authors, whose
    responses are images, have a language model rate the prompts.
    """
    parts = ((margin_N, 1.0), (quality_N, quality_weight), (lonely_N, diversity_weight))
    total = np.zeros(len(margin_N))
    for values, weight in parts:
        deviation = float(values.std())
        if deviation > 1e-12 and math.isfinite(deviation):
            total += weight * (values - values.mean()) / deviation
    return total
