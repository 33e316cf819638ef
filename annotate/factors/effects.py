"""What each factor does to the odds of being chosen: a GLM of choices. Pure numpy.

A response's utility in a ballot is Σ γ_f x_f, with x_f the factor in units of its spread, and
ballots follow Plackett and Luce's model with Davidson's ties (`annotate/ranking/boards.py`; with
two responses, a logistic regression on their difference). γ_f is the log odds for a response that
has one spread more of f than the other. Reckoned three ways: each factor alone; all together, where
what is only along with another factor falls away; and together beside the strengths of the models,
where what is left are differences between responses of one model.

Intervals are of the sandwich clustered by person (K.-Y. Liang and S. L. Zeger 1986). With twenty
factors one is clear by chance; q is the false discovery rate at which a factor is called clear
(Y. Benjamini and Y. Hochberg 1995).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from annotate.factors.table import Votes, pairs_apart
from annotate.quality.intervals import Z95, t95
from annotate.ranking.boards import Board, fit
from annotate.ranking.likelihood import Ties

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5


@dataclass(frozen=True)
class Effects:
    """[F] log odds with 95 % intervals, infinite where there are fewer than two clusters."""

    effect_F: Floats
    low_F: Floats
    high_F: Floats

    @classmethod
    def of(cls, board: Board) -> "Effects":
        return cls(board.effect_F, board.low_F, board.high_F)


def together(
    votes: Sequence[Votes], ties: Ties, *, models: int = 0, beat: Callable[[], object]
) -> Effects:
    """All factors in one model; with `models`, beside their strengths, of ballots that name them
    and no model twice.
    """
    blocks = [one.block for one in votes if len(one)]
    if not models:
        blocks = [replace(block, shown_bK=np.zeros_like(block.shown_bK)) for block in blocks]
    return Effects.of(fit(blocks, models=max(models, 1), ties=ties, beat=beat))


def alone(votes: Sequence[Votes], ties: Ties, *, beat: Callable[[], object]) -> Effects:
    """Each factor in a model of its own."""
    count = votes[0].block.style_bKF.shape[2] if votes else 0
    found = [
        together([one.with_factors([at]) for one in votes], ties, beat=beat) for at in range(count)
    ]
    return Effects(
        np.array([one.effect_F[0] for one in found]),
        np.array([one.low_F[0] for one in found]),
        np.array([one.high_F[0] for one in found]),
    )


def with_known_models(votes: Sequence[Votes]) -> list[Votes]:
    """The ballots whose models are all known, and all different."""
    found = []
    for one in votes:
        in_order = np.sort(one.block.shown_bK, 1)
        found.append(one.kept((in_order[:, 0] >= 0) & (np.diff(in_order, axis=1) > 0).all(1)))
    return [one for one in found if len(one)]


@dataclass(frozen=True)
class Share:
    """Of the comparisons whose two responses differ in a factor: in how many that with more of it
    was put first, and a 95 % interval.
    """

    share: float
    low: float
    high: float
    count: int


def shares(votes: Sequence[Votes]) -> list[Share]:
    """By factor. The interval is that of a ratio of sums over people (W. G. Cochran 1977, §6.4)."""
    apart_PF, author_P, _, _ = pairs_apart(votes)
    found = []
    for apart_P in apart_PF.T:
        differ_P = apart_P != 0
        people, at = np.unique(author_P[differ_P], return_inverse=True)
        count_C = np.bincount(at, minlength=len(people)).astype(float)
        won_C = np.bincount(at, apart_P[differ_P] > 0, minlength=len(people))
        count = int(count_C.sum())
        share = float(won_C.sum() / count) if count else 0.5
        half = math.inf
        if len(people) > 1:
            off_C = won_C - share * count_C
            variance = len(people) / (len(people) - 1) * float(off_C @ off_C) / count**2
            half = t95(len(people) - 1) * math.sqrt(variance)
        found.append(Share(share, max(0.0, share - half), min(1.0, share + half), count))
    return found


def clear_at(effects: Effects, clusters: int) -> Floats:
    """[F] q: the smallest false discovery rate at which each effect is told from none."""
    half_F = (effects.high_F - effects.low_F) / 2
    if clusters < 2 or not len(half_F):
        return np.ones(len(half_F))
    t_F = np.abs(effects.effect_F) / np.maximum(half_F / t95(clusters - 1), 1e-300)
    p_F = np.array([_beyond(float(t), clusters - 1) for t in t_F])
    order = np.argsort(p_F)
    scaled = p_F[order] * len(p_F) / np.arange(1, len(p_F) + 1)
    q_F = np.empty(len(p_F))
    q_F[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return q_F


def _beyond(t: float, degrees: int) -> float:
    """The chance of Student's t beyond ±t, by D. L. Wallace's normal approximation (1959)."""
    z = (8 * degrees + 1) / (8 * degrees + 3) * math.sqrt(degrees * math.log1p(t * t / degrees))
    return math.erfc(z / math.sqrt(2))


@dataclass(frozen=True)
class Foretold:
    """How many comparisons of prompts that were held out come out as the factors say, equal ones
    half, with a 95 % interval over prompts; and by the length alone (None where it is no factor).
    """

    share: float
    low: float
    high: float
    by_length: float | None
    count: int


def foretell(
    votes: Sequence[Votes],
    ties: Ties,
    *,
    length: int | None,
    seed: int = 0,
    beat: Callable[[], object],
) -> Foretold | None:
    """In FOLDS folds by prompt; None for fewer prompts than folds. `length`: its factor's place."""
    prompts = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(v.prompt_b for v in votes)]))
    if len(prompts) < FOLDS:
        return None
    fold_of = np.random.default_rng(seed).permutation(len(prompts)) % FOLDS
    right, prompt, by_length = [], [], []
    for fold in range(FOLDS):
        held = [fold_of[np.searchsorted(prompts, one.prompt_b)] == fold for one in votes]
        seen = [one.kept(~out) for one, out in zip(votes, held, strict=True)]
        effect_F = together(seen, ties, beat=beat).effect_F
        out = [one.kept(which) for one, which in zip(votes, held, strict=True)]
        apart_PF, _, prompt_P, _ = pairs_apart(out)
        right.append(0.5 + 0.5 * np.sign(apart_PF @ effect_F))
        prompt.append(prompt_P)
        if length is not None:
            longer = np.sign(np.sign(pairs_apart(seen)[0][:, length]).sum()) or 1.0
            by_length.append(0.5 + 0.5 * np.sign(longer * apart_PF[:, length]))
    right_P, prompt_P = np.concatenate(right), np.concatenate(prompt)
    if not len(right_P):
        return None
    share = float(right_P.mean())
    _, at = np.unique(prompt_P, return_inverse=True)
    off_C = np.bincount(at, right_P - share)
    half = Z95 * math.sqrt(float(off_C @ off_C)) / len(right_P)
    return Foretold(
        share,
        max(0.0, share - half),
        min(1.0, share + half),
        float(np.concatenate(by_length).mean()) if by_length else None,
        len(right_P),
    )
